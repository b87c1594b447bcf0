// The demo's throw-away office: a client and three workers, each an agent of its own with its own TENDER_HOME, joined to one
// cluster by the very commands that a user types. Everything lies in one directory and on one make-believe network.
import { randomInt } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callControl } from '../../adapters/launcher-socket/client.ts';
import type { FarmNetwork } from '../../adapters/netns/farm-network.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { StatusReport } from '../report.ts';
import { MARK, waitForChild, type Ended } from './processes.ts';
import type { Problem } from './projects.ts';

export interface FarmMember {
  readonly name: string;
  readonly home: string;
  /** Its host on the network. */
  readonly host: number;
  /** Its agent. */
  readonly pid: number;
}

export interface Farm {
  readonly client: FarmMember;
  readonly workers: readonly FarmMember[];
  /** Environment for commands on the client. */
  readonly env: NodeJS.ProcessEnv;
}

export interface FarmRequest {
  /** The demo's temporary directory: its name is the mark of all that runs. */
  readonly scratch: string;
  readonly network: FarmNetwork;
  /** The command line of the CLI, to which arguments are appended. */
  readonly cli: readonly [string, ...string[]];
  readonly slotsPerWorker: number;
  readonly signal: AbortSignal;
}

export const WORKERS = 3;

/** Makes the cluster and starts its agents; the error names the command that failed and what it said. */
export async function startFarm(request: FarmRequest): Promise<Result<Farm, Problem>> {
  const groupPort = randomInt(20_000, 60_000);
  const homes = ['client', ...Array.from({ length: WORKERS }, (_, index) => `worker-${index + 1}`)];
  for (const [host, name] of homes.entries()) {
    const home = join(request.scratch, name);
    await mkdir(home, { mode: 0o700 });
    await writeFile(join(home, 'config.toml'), renderConfig(name, host, groupPort, request));
  }
  const initialised = await runCli(request, 0, 'client', ['init', '--name', 'demo']);
  if (!initialised.ok) return initialised;
  const invited = await runCli(request, 0, 'client', ['invite', '--print-token-only']);
  if (!invited.ok) return invited;
  const token = invited.value.stdout.trim();
  // One after the other, as people would, and because a token may be good for one machine only.
  for (let host = 1; host <= WORKERS; host++) {
    const asked = host === 1 ? ok(token) : await inviteAgain(request);
    if (!asked.ok) return asked;
    const joined = await runCli(request, host, `worker-${host}`, ['join', asked.value]);
    if (!joined.ok) return joined;
  }
  const members: FarmMember[] = [];
  for (const [host, name] of homes.entries()) {
    const home = join(request.scratch, name);
    const pid = await askPid(home);
    if (!pid.ok) return err({ message: `${name}: ${pid.error.message}${await readLogTail(home)}` });
    members.push({ name, home, host, pid: pid.value });
  }
  const [client, ...workers] = members;
  if (client === undefined) throw new Error('bug: a farm without a client');
  return ok({ client, workers, env: farmEnvironment(request.scratch, 'client') });
}

/** Which process serves `home`: chaos is done to processes. */
async function askPid(home: string): Promise<Result<number, Problem>> {
  const answered = await askAgent(home, 'ping');
  if (!answered.ok) return answered;
  const { pid } = answered.value as { pid?: unknown };
  return typeof pid === 'number' ? ok(pid) : err({ message: 'its agent does not say which process it is' });
}

async function askAgent(home: string, cmd: 'ping' | 'status'): Promise<Result<object, Problem>> {
  let answer: unknown = null;
  const called = await callControl(join(home, 'run', 'agent.sock'), { cmd }, (json) => (answer = json));
  if (!called.ok) return called;
  return typeof answer === 'object' && answer !== null ? ok(answer) : err({ message: `no answer to ${cmd}` });
}

/** Why work did not travel, in the agents' own words: a line for each that has something to say. */
export async function explainIdleness(farm: Farm): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const member of [farm.client, ...farm.workers]) {
    const answered = await askAgent(member.home, 'status');
    if (!answered.ok) {
      lines.push(`${member.name}: ${answered.error.message}`);
      continue;
    }
    const { agent, machines } = answered.value as StatusReport;
    const remarks = machines.filter((machine) => machine.remark !== '');
    if (member !== farm.client && agent.closedBecause !== '') lines.push(`${member.name}: ${agent.closedBecause}`);
    lines.push(...agent.problems.map((problem) => `${member.name}: ${problem}`));
    lines.push(...remarks.map((machine) => `${machine.name} says: ${machine.remark}`));
  }
  return lines;
}

async function inviteAgain(request: FarmRequest): Promise<Result<string, Problem>> {
  const invited = await runCli(request, 0, 'client', ['invite', '--print-token-only']);
  return invited.ok ? ok(invited.value.stdout.trim()) : invited;
}

/** The environment of everything that runs on a member of the farm. */
export function farmEnvironment(scratch: string, name: string): NodeJS.ProcessEnv {
  return { ...cleanEnvironment(scratch), TENDER_HOME: join(scratch, name) };
}

/**
 * The user's environment without what he set for his own Tender, with the demo's mark, and with one date for
 * `__DATE__` in both builds.
 */
export function cleanEnvironment(scratch: string): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TENDER_')));
  return { SOURCE_DATE_EPOCH: '1700000000', ...env, [MARK]: scratch };
}

async function runCli(
  request: FarmRequest,
  host: number,
  name: string,
  args: readonly string[],
): Promise<Result<Ended, Problem>> {
  const ended = await waitForChild(
    request.network.exec(host, [...request.cli, ...args], {
      env: farmEnvironment(request.scratch, name),
      cwd: request.scratch,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    }),
    request.signal,
  );
  if (ended.code === 0) return ok(ended);
  const said = (ended.stderr.trim() || ended.stdout.trim()).split('\n').slice(-5).join('\n');
  const how = ended.signal === null ? `exit code ${ended.code}` : ended.signal;
  const shown = args.map((arg) => (arg.length > 40 ? 'TOKEN' : arg)).join(' ');
  return err({ message: `\`tender ${shown}\` on ${name} failed (${how}): ${said}` });
}

/** The farm is one machine: each worker must take work however busy the others make it look. */
function renderConfig(name: string, host: number, groupPort: number, request: FarmRequest): string {
  const interfaces = request.network.kind === 'loopback' ? '["lo"]' : '[]';
  return `[machine]
name = "${name}"

[network]
port = 0
group_port = ${groupPort}
interfaces = ${interfaces}
announce = ["multicast"]

[delegate]
own_slots = 0
policy = "finish"
nobody_after_ms = 30000

[work]
enabled = ${host !== 0}
slots = ${host === 0 ? 0 : request.slotsPerWorker}
max_load = 1000
niceness = 0

[owner]
presence = false
`;
}

/** The last lines of whatever log an agent left, for a message. */
export async function readLogTail(home: string): Promise<string> {
  const entries = await readdir(home, { recursive: true }).catch(() => []);
  const log = entries.find((entry) => entry.endsWith('.log'));
  const text = log === undefined ? '' : await readFile(join(home, log), 'utf8').catch(() => '');
  const tail = text.trim().split('\n').slice(-5).join('\n');
  return tail === '' ? '' : `; its log ends with:\n${tail}`;
}
