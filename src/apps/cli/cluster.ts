// init, invite, join: from nothing to a second machine that takes tasks in three commands.
import { homeDirectory, loadConfig, prepareHome } from '../../adapters/config/config.ts';
import { createCluster } from '../../adapters/cluster/create.ts';
import { joinCluster } from '../../adapters/cluster/join.ts';
import type { UserError } from '../../adapters/cluster/types.ts';
import { complain } from '../complain.ts';
import { ask, ensureAgent } from './agent-client.ts';

export async function runInit(name: string, json: boolean): Promise<number> {
  const home = homeDirectory();
  const prepared = prepareHome(home);
  if (!prepared.ok) return complain(prepared.error);
  const config = loadConfig(home);
  if (!config.ok) return complain(config.error);
  const made = await createCluster({ home, name, nodeName: config.value.machine.name });
  if (!made.ok) return complain(sentence(made.error));
  const told = await tellAgent(home);
  if (told !== null) return complain(told);
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ cluster: name, clusterId: made.value.clusterId, node: made.value.nodeId })}\n`,
    );
    return 0;
  }
  process.stdout.write(
    `Cluster «${name}» made; its key stays on this machine.\n` +
      'Next: `tender invite` here, then `tender join TOKEN` on another machine, then `tender build -- make` here.\n',
  );
  return 0;
}

export async function runInvite(options: { minutes: number; bare: boolean; json: boolean }): Promise<number> {
  const home = homeDirectory();
  const started = await ensureAgent(home);
  if (!started.ok) return complain(started.error);
  const answered = await ask(home, { cmd: 'invite', minutes: options.minutes });
  if (!answered.ok) return complain(answered.error);
  const { token } = answered.value[0] as { token: string };
  if (options.json) process.stdout.write(`${JSON.stringify({ token, minutes: options.minutes })}\n`);
  else if (options.bare) process.stdout.write(`${token}\n`);
  else {
    process.stdout.write(
      `On the other machine, within ${options.minutes} minutes:\n\n  tender join ${token}\n\nThe token works once.\n`,
    );
  }
  return 0;
}

export async function runJoin(token: string, json: boolean): Promise<number> {
  const home = homeDirectory();
  const prepared = prepareHome(home);
  if (!prepared.ok) return complain(prepared.error);
  const config = loadConfig(home);
  if (!config.ok) return complain(config.error);
  const joined = await joinCluster({
    home,
    token,
    nodeName: config.value.machine.name,
    onStep: (step) => {
      if (!json) process.stderr.write(`${step}\n`);
    },
  });
  if (!joined.ok) return complain(sentence(joined.error));
  const told = await tellAgent(home);
  if (told !== null) return complain(told);
  const started = await ensureAgent(home);
  if (!started.ok) return complain(started.error);
  const status = await ask(home, { cmd: 'status' });
  const lends = status.ok ? (status.value[0] as { agent: { slots: number; closedBecause: string } }).agent : null;
  if (json) {
    const { clusterName, clusterId, nodeId } = joined.value;
    process.stdout.write(
      `${JSON.stringify({ cluster: clusterName, clusterId, node: nodeId, slots: lends?.slots ?? null })}\n`,
    );
    return 0;
  }
  process.stdout.write(`This machine is now part of cluster «${joined.value.clusterName}».\n`);
  if (lends !== null && lends.closedBecause !== '') process.stdout.write(`It takes no tasks: ${lends.closedBecause}\n`);
  else if (lends !== null) process.stdout.write(`It lends ${lends.slots} slots when it is free.\n`);
  return 0;
}

function sentence(error: UserError): string {
  return error.hint === '' ? error.message : `${error.message}; ${error.hint}`;
}

/** An agent that runs already must take the new cluster up; null or what went wrong. */
async function tellAgent(home: string): Promise<string | null> {
  if (!(await ask(home, { cmd: 'ping' })).ok) return null;
  const told = await ask(home, { cmd: 'cluster-changed' });
  return told.ok ? null : told.error;
}
