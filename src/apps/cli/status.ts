// `tender status`: who is there, what each offers and does, from the agent's own view, after each worker was asked for a sign of life.
import { homeDirectory } from '../../adapters/config/config.ts';
import type { MachineStatus, StatusReport } from '../report.ts';
import { complain } from '../complain.ts';
import { ask, ensureAgent } from './agent-client.ts';
import { describeState, isTroubled } from './calendar-state.ts';
import { duration } from './summary.ts';
import { counted, fold, layTable, paintFor, shortTime, widthOf, type Column, type Paint } from './terminal.ts';

const silentAfterMs = 4000;

export async function runStatus(json: boolean): Promise<number> {
  const home = homeDirectory();
  const started = await ensureAgent(home);
  if (!started.ok) return complain(started.error);
  const answered = await ask(home, { cmd: 'status' });
  if (!answered.ok) return complain(answered.error);
  const status = answered.value[0] as StatusReport;
  const text = json ? JSON.stringify(status) : renderStatus(status, widthOf(process.stdout), paintFor(process.stdout));
  process.stdout.write(`${text}\n`);
  return 0;
}

/** Lines for people, none wider than `width`. */
function renderStatus(status: StatusReport, width: number, paint: Paint): string {
  const { agent, owner, total, machines } = status;
  const lines = [
    ...fold(
      `${agent.name}: agent ${agent.pid}, up ${duration(agent.uptimeMs)}, ${(agent.rssBytes / 2 ** 20).toFixed(0)} MiB, ` +
        (agent.cluster === null ? 'in no cluster (`tender init` makes one)' : `cluster «${agent.cluster}»`),
      width,
    ),
    ...fold(
      agent.slots === 0
        ? `lends nothing: ${agent.closedBecause}`
        : owner.mayHelp
          ? `lends ${counted(agent.slots, 'slot')}, load ${agent.load.toFixed(2)} per core`
          : `lends none of its ${counted(agent.slots, 'slot')} now, ${owner.why}`,
      width,
    ),
  ];
  for (const { delegator, label, sinceMs } of status.lending) {
    lines.push(...fold(`  works on ${label} for ${delegator} since ${shortTime(sinceMs)}`, width));
  }
  for (const each of owner.calendars) {
    const line = `  calendar «${each.name}»: ${describeState(each, Date.now())}`;
    lines.push(...fold(line, width).map((text) => (isTroubled(each) ? paint.warn(text) : text)));
  }
  for (const problem of agent.problems)
    lines.push(...fold(`  problem: ${problem}`, width).map((line) => paint.warn(line)));
  lines.push('');
  if (machines.length === 0) {
    const nobody =
      agent.cluster === null
        ? 'Builds run here alone.'
        : 'No machine has answered yet; they come when a build announces work.';
    lines.push(...fold(nobody, width));
  } else {
    const [head = '', ...rows] = layTable(columns, machines.map(row), width);
    lines.push(paint.dim(head), ...rows.map((line, at) => (isSilent(machines[at]) ? paint.warn(line) : line)));
  }
  lines.push('');
  const done = `since the start ${total.units} compiled: ${total.remote} remote, ${total.stored} from the store, ${total.local} here`;
  lines.push(...fold(`${status.waiting} waiting, ${status.runningHere} running here; ${done}`, width));
  return lines.join('\n');
}

const columns: readonly Column[] = [
  { head: 'machine' },
  { head: 'slots', align: 'right' },
  { head: 'busy', align: 'right' },
  { head: 'load', align: 'right' },
  { head: 'cores', align: 'right' },
  { head: 'GHz', align: 'right' },
  { head: 'free mem', align: 'right' },
  { head: 'heard', align: 'right' },
  { head: 'now', flexible: 'cut-right' },
];

/** Heartbeats come every two seconds while something runs there. */
function isSilent(machine: MachineStatus | undefined): boolean {
  return machine !== undefined && machine.tasks.length > 0 && machine.lastHeardMs > silentAfterMs;
}

function row(machine: MachineStatus): string[] {
  const shown = machine.tasks.slice(0, 4).join(' ') + (machine.tasks.length > 4 ? ` +${machine.tasks.length - 4}` : '');
  return [
    machine.name,
    String(machine.slots),
    String(machine.tasks.length),
    machine.load.toFixed(2),
    String(machine.cores),
    machine.ghz.toFixed(1),
    `${(machine.memFreeBytes / 2 ** 30).toFixed(1)} GiB`,
    `${shortTime(machine.lastHeardMs)} ago`,
    isSilent(machine) ? `silent; ${shown}` : machine.remark !== '' ? machine.remark : shown,
  ];
}
