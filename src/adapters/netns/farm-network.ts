// A throw-away office network on one machine: one network namespace per host, joined by a bridge that lives in a namespace of
// its own, with IPv4, IPv6 and multicast. Nothing appears in the machine's own network: only names in `ip netns`,
// which carry the maker's process id, so that what a crash left behind is known and removed at the next start.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { err, ok, type Result } from '../../base/result.ts';
import { runIp, type IpProblem } from './ip.ts';

/** One machine of the make-believe office. */
export interface FarmHost {
  /** `null`: this host is the machine's own network namespace. */
  readonly namespace: string | null;
  readonly ipv4: string;
  readonly ipv6: string;
}

export interface FarmNetwork {
  readonly kind: 'namespaces' | 'loopback';
  readonly hosts: readonly FarmHost[];
  /** Names that `ip netns` knows: for a watcher that must remove them when this process is gone. */
  readonly namespaces: readonly string[];
  /** Starts `argv` on a host; the child's pid is the command's own (`ip netns exec` replaces itself). */
  exec(host: number, argv: readonly [string, ...string[]], options: SpawnOptions): ChildProcess;
  /** Kills (by pid) what still runs in the namespaces and removes them; gives back what could not be removed. */
  remove(): Promise<readonly string[]>;
}

const NAME = /^tender-(\d+)-[a-z0-9]+$/;
const HOSTS_MAX = 200;
let networksMade = 0;

/**
 * Makes `hosts` (1 to 200) namespaces that reach each other over one bridge. Needs root and iproute2.
 * The error says what is missing; nothing is left behind then.
 */
export async function createFarmNetwork(request: { hosts: number }): Promise<Result<FarmNetwork, IpProblem>> {
  if (request.hosts < 1 || request.hosts > HOSTS_MAX) throw new Error(`bug: ${request.hosts} hosts`);
  if (process.getuid?.() !== 0) return err({ message: 'network namespaces need root' });
  await removeStaleNetworks();
  networksMade += 1;
  const prefix = `tender-${process.pid}-${networksMade}`;
  const hub = `${prefix}hub`;
  const hosts = Array.from({ length: request.hosts }, (_, index) => ({
    namespace: `${prefix}h${index}`,
    ipv4: `10.84.68.${index + 1}`,
    ipv6: `fd84:68::${(index + 1).toString(16)}`,
  }));
  const namespaces = [hub, ...hosts.map((host) => host.namespace)];
  const undo = async (problem: IpProblem): Promise<Result<FarmNetwork, IpProblem>> => {
    await removeNamespaces(namespaces);
    return err(problem);
  };
  for (const name of namespaces) {
    const added = await runIp(['netns', 'add', name]);
    if (!added.ok) return undo(added.error);
  }
  const wired = await runIp(['-n', hub, '-batch', '-'], hubScript(hosts));
  if (!wired.ok) return undo(wired.error);
  for (const host of hosts) {
    const up = await runIp(['-n', host.namespace, '-batch', '-'], hostScript(host));
    if (!up.ok) return undo(up.error);
  }
  return ok({
    kind: 'namespaces',
    hosts,
    namespaces,
    exec: (index, argv, options) => spawn('ip', ['netns', 'exec', hostAt(hosts, index).namespace, ...argv], options),
    remove: () => removeNamespaces(namespaces),
  });
}

/** The same shape without namespaces: every host is this machine, and all traffic stays on loopback. */
export function loopbackNetwork(request: { hosts: number }): FarmNetwork {
  const hosts = Array.from({ length: request.hosts }, () => ({ namespace: null, ipv4: '127.0.0.1', ipv6: '::1' }));
  return {
    kind: 'loopback',
    hosts,
    namespaces: [],
    exec: (index, argv, options) => {
      hostAt(hosts, index);
      return spawn(argv[0], argv.slice(1), options);
    },
    remove: () => Promise.resolve([]),
  };
}

/** Removes the namespaces of makers that are no longer alive; gives back their names. */
export async function removeStaleNetworks(): Promise<readonly string[]> {
  const listed = await runIp(['netns', 'list']);
  if (!listed.ok) return [];
  const stale = listed.value
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => {
      const maker = NAME.exec(name)?.[1];
      return maker !== undefined && !isAlive(Number(maker));
    });
  await removeNamespaces(stale);
  return stale;
}

function hostAt<T>(hosts: readonly T[], index: number): T {
  const host = hosts[index];
  if (host === undefined) throw new Error(`bug: no host ${index}`);
  return host;
}

/** Snooping is off so that multicast reaches every port without waiting for a querier. */
function hubScript(hosts: readonly { namespace: string }[]): string {
  const lines = ['link set lo up', 'link add br0 type bridge mcast_snooping 0 forward_delay 0', 'link set br0 up'];
  hosts.forEach((host, index) => {
    lines.push(
      `link add p${index} type veth peer name eth0 netns ${host.namespace}`,
      `link set p${index} master br0`,
      `link set p${index} up`,
    );
  });
  return `${lines.join('\n')}\n`;
}

/** `nodad`: an IPv6 address is usable at once, not a second later. */
function hostScript(host: FarmHost): string {
  return [
    'link set lo up',
    'link set eth0 up',
    `addr add ${host.ipv4}/24 dev eth0`,
    `addr add ${host.ipv6}/64 dev eth0 nodad`,
    'route add 224.0.0.0/4 dev eth0',
    '',
  ].join('\n');
}

async function removeNamespaces(names: readonly string[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const name of names) {
    const inside = await runIp(['netns', 'pids', name]);
    if (!inside.ok) continue;
    for (const pid of inside.value.split('\n').filter((line) => line !== '')) kill(Number(pid));
    const removed = await runIp(['netns', 'del', name]);
    if (!removed.ok) left.push(`${name}: ${removed.error.message}`);
  }
  return left;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
