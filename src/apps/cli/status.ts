// `tender status`: who is there, what each offers and does, from the agent's own view; nothing is asked of the network.
import { homeDirectory } from '../../adapters/config/config.ts';
import type { MachineStatus, StatusReport } from '../report.ts';
import { complain } from '../complain.ts';
import { ask, ensureAgent } from './agent-client.ts';
import { duration } from './summary.ts';

export async function runStatus(json: boolean): Promise<number> {
  const home = homeDirectory();
  const started = await ensureAgent(home);
  if (!started.ok) return complain(started.error);
  const answered = await ask(home, { cmd: 'status' });
  if (!answered.ok) return complain(answered.error);
  const status = answered.value[0] as StatusReport;
  process.stdout.write(json ? `${JSON.stringify(status)}\n` : `${renderStatus(status)}\n`);
  return 0;
}

export function renderStatus(status: StatusReport): string {
  const { agent, total } = status;
  const lines = [
    `${agent.name}: agent ${agent.pid}, up ${duration(agent.uptimeMs)}, ${(agent.rssBytes / 2 ** 20).toFixed(0)} MiB, ` +
      (agent.cluster === null ? 'in no cluster (`tender init` makes one)' : `cluster «${agent.cluster}»`),
    agent.slots > 0
      ? `lends ${agent.slots} slots, load ${agent.load.toFixed(2)} per core`
      : `lends nothing: ${agent.closedBecause}`,
  ];
  for (const { delegator, label } of status.lending) lines.push(`  works on ${label} for ${delegator}`);
  for (const problem of agent.problems) lines.push(`  problem: ${problem}`);
  lines.push('');
  if (status.machines.length === 0) {
    lines.push(
      agent.cluster === null
        ? 'Builds run here alone.'
        : 'No machine has answered yet; they come when a build announces work.',
    );
  } else {
    lines.push(
      table(['machine', 'slots', 'busy', 'load', 'cores', 'GHz', 'free memory', 'now'], status.machines.map(row)),
    );
  }
  lines.push('');
  lines.push(
    `${status.waiting} waiting, ${status.runningHere} running here; since the start ${total.units} compiled: ${total.remote} remote, ${total.stored} from the store, ${total.local} here`,
  );
  return lines.join('\n');
}

function row(machine: MachineStatus): string[] {
  const silent = machine.lastHeardMs > 4000 ? `silent for ${duration(machine.lastHeardMs)}; ` : '';
  const shown = machine.tasks.slice(0, 4).join(' ') + (machine.tasks.length > 4 ? ` +${machine.tasks.length - 4}` : '');
  return [
    machine.name,
    String(machine.slots),
    String(machine.tasks.length),
    machine.load.toFixed(2),
    String(machine.cores),
    machine.ghz.toFixed(1),
    `${(machine.memFreeBytes / 2 ** 30).toFixed(1)} GiB`,
    silent + (machine.remark !== '' ? machine.remark : shown),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => (cells[column] ?? '').length)));
  return all
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
