// Runs a case twice at one absolute path, by the compiler alone and through the launcher and a farm, and compares:
// exit, output, every file, mode and byte. What two runs of the compiler alone differ in is not compared; that they
// differ is proven first.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { launcher, TestFarm } from '../e2e/support.ts';
import type { Case, Line } from './case.ts';
import { comparable, maskOf, type Ended, type Mask, type Outcome, type Shown } from './compare.ts';
import { readTree, removeTree, writeTree } from './tree.ts';

const commandTimeoutMs = 90_000;
/** Times of a few milliseconds may well be equal in two runs. */
const runsForProof = 4;
const launcherSays = /^tender-cc: .* runs here: (.*)\r?\n/;

/** Where the launcher's run took place, by the launcher's own word. */
interface Travel {
  /** For each command. */
  readonly ran: readonly string[];
  /** For a failure's head. */
  readonly why: string;
}

/** How many commands went which way; links and questions are `others`. */
export interface Counts {
  readonly remote: number;
  readonly local: number;
  readonly others: number;
}

export interface Compared {
  /** What must be equal, readable in a test's diff. */
  readonly alone: Shown;
  readonly through: Shown;
  readonly travel: Travel;
  /** Names of what was declared as unsteady and did not differ between two runs of the compiler alone. */
  readonly steadyAfterAll: readonly string[];
}

function spawnAs(user: number | undefined, words: readonly string[], options: Spawned): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const [command = '', ...args] = words;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: commandTimeoutMs,
      killSignal: 'SIGKILL',
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => stdout.push(data));
    child.stderr.on('data', (data: Buffer) => stderr.push(data));
    // A compiler need not read its standard input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin);
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ exit: code ?? signal ?? 'lost', stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }),
    );
  });
}

interface Spawned {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: string;
}

const known = new Map<string, boolean>();

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The words that run `words` as the case wants: with its umask, in its terminal. */
function dress(words: readonly string[], { umask, terminal }: Case): readonly string[] {
  if (umask !== undefined) return ['/bin/sh', '-c', `umask 0${umask.toString(8)}; exec "$@"`, 'sh', ...words];
  if (terminal === undefined) return words;
  return ['script', '-qec', `stty cols ${terminal}; exec ${words.map(quote).join(' ')}`, '/dev/null'];
}

/** The farm that all cases share, its user, and the directory of their projects. */
export class Rig {
  private readonly farm: TestFarm;
  private readonly links: string;
  private nextDir = 0;
  private readonly seen = { remote: 0, local: 0, others: 0 };

  private constructor(farm: TestFarm) {
    this.farm = farm;
    this.links = join(farm.dir, 'links');
    mkdirSync(this.links);
    for (const name of ['gcc', 'g++', 'clang', 'clang++']) symlinkSync(launcher, join(this.links, name));
  }

  /** One client with no own slots and two workers; as an ordinary user where that is possible. */
  static async start(): Promise<Rig> {
    const farm = new TestFarm();
    farm.uid = user;
    await farm.startClient();
    for (const name of ['w1', 'w2']) await farm.addWorker(name);
    return new Rig(farm);
  }

  close(): Promise<void> {
    return this.farm.close();
  }

  /** Runs a case in all the ways that it needs. */
  async compare(unit: Case): Promise<Compared> {
    const root = join(this.farm.dir, 'p', `${this.nextDir++}`, 'work');
    mkdirSync(dirname(root), { recursive: true });
    try {
      const alone = await this.run(unit, root, null);
      const unsteady = Object.entries(unit.unsteady ?? {});
      const masks = new Map<string, Mask>(unsteady.map(([name]) => [name, 'equal']));
      const steady = (): readonly string[] => [...masks.keys()].filter((name) => masks.get(name) === 'equal');
      for (let again = 0; again < runsForProof && steady().length > 0; again++) {
        const other = await this.run(unit, root, null);
        for (const [name, why] of unsteady) masks.set(name, maskOf(name, typeof why !== 'string', alone, other));
      }
      const { outcome, travel } = await this.runThrough(unit, root);
      return {
        alone: comparable(alone, masks, unit.clock ?? []),
        through: comparable(outcome, masks, unit.clock ?? []),
        travel,
        steadyAfterAll: steady(),
      };
    } finally {
      removeTree(dirname(root));
    }
  }

  private async runThrough(unit: Case, root: string): Promise<{ outcome: Outcome; travel: Travel }> {
    const { TENDER_HOME } = this.farm.env('client');
    const outcome = await this.run(unit, root, { TENDER_HOME, TENDER_NO_START: '1', TENDER_VERBOSE: '1' });
    const said = outcome.ended.map((ended) => saidByLauncher(ended));
    const ran = said.map(({ here }, at) => {
      if (unit.commands[at]?.expect === 'plain') return 'plain';
      return here === null ? 'travels' : (here.split(':')[0] ?? '');
    });
    for (const place of ran) {
      if (place === 'travels') this.seen.remote++;
      else if (place === 'not-a-compile' || place === 'probe') this.seen.others++;
      else if (place !== 'plain') this.seen.local++;
    }
    const why = said.map(({ here }) => here ?? '').join('; ');
    return { outcome: { ...outcome, ended: said.map(({ rest }) => rest) }, travel: { ran, why } };
  }

  private async run(unit: Case, root: string, ours: NodeJS.ProcessEnv | null): Promise<Outcome> {
    removeTree(root);
    writeTree(root, unit.files ?? {}, this.farm.uid);
    const cwd = join(root, unit.cwd ?? '.');
    const here = (text: string): string => text.replaceAll('$DIR', root);
    const path = process.env['PATH'] ?? '';
    const masked = ours !== null && unit.masquerade === true;
    const env: NodeJS.ProcessEnv = {
      PATH: masked ? `${this.links}${delimiter}${path}` : path,
      HOME: this.farm.dir,
      LC_ALL: 'C.UTF-8',
      TERM: 'dumb',
      PWD: cwd,
      ...ours,
    };
    for (const [name, value] of Object.entries(unit.env ?? {})) {
      if (value === null) delete env[name];
      else env[name] = here(value);
    }
    const from = new Date();
    const ended: Ended[] = [];
    for (const { line, expect } of unit.commands) {
      const words = wordsOf(line).map(here);
      const wrapped = ours === null || masked || expect === 'plain' ? words : [launcher, ...words];
      ended.push(await spawnAs(this.farm.uid, dress(wrapped, unit), { cwd, env, stdin: unit.stdin ?? '' }));
    }
    return { ended, tree: readTree(root), from, to: new Date() };
  }

  /** What launchers and agent say of all that was run so far, and what failed on workers by a fault of Tender. */
  async settle(): Promise<{ readonly seen: Counts; readonly counted: Counts; readonly faults: readonly string[] }> {
    const { total } = await this.farm.status('client');
    const { remote, local, others } = total;
    return { seen: { ...this.seen }, counted: { remote, local, others }, faults: faultsIn(this.farm.logOf('client')) };
  }
}

const wordsOf = (line: Line): readonly string[] => (typeof line === 'string' ? line.split(' ') : line);

/** Takes off what the launcher says under TENDER_VERBOSE of a command that it ran here. */
function saidByLauncher(ended: Ended): { readonly here: string | null; readonly rest: Ended } {
  // In a terminal both outputs are one.
  for (const stream of ['stderr', 'stdout'] as const) {
    const found = launcherSays.exec(ended[stream].toString('latin1'));
    if (found === null) continue;
    const rest = { ...ended, [stream]: ended[stream].subarray(found[0].length) };
    return { here: Buffer.from(found[1] ?? '', 'latin1').toString(), rest };
  }
  return { here: null, rest: ended };
}

/** Failed attempts in the client's log, but for those that a busy machine may see. */
function faultsIn(log: string): readonly string[] {
  const busy = new Set(['lease-expired', 'silent', 'worker-lost', 'deadline']);
  return (
    log
      .split('\n')
      .filter((line) => line.includes('"attempt-failed"'))
      .map((line) => JSON.parse(line) as { code: string; message: string })
      .filter(({ code }) => !busy.has(code))
      // A second attempt that lost: its project was removed after the first had won.
      .filter(({ message }) => !message.includes('went away before it was sent'))
      .map(({ code, message }) => `${code}: ${message}`)
  );
}

/**
 * Root may write where nobody may: when the tests run as root, compilers and agents run as a user who may read this
 * checkout and make name spaces. Undefined: as whoever runs the tests.
 */
function findUser(): number | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const nobody = 65534;
  for (const words of [
    [launcher, '--version'],
    [process.execPath, '-e', 'require("node:fs").accessSync(process.argv[1])', launcher],
    ['bwrap', '--unshare-all', '--ro-bind', '/', '/', 'true'],
  ]) {
    const ran = spawnSync(words[0] ?? '', words.slice(1), { cwd: '/', uid: nobody, gid: nobody, stdio: 'ignore' });
    if (ran.status === 0) continue;
    console.warn(`SKIPPED: cases of an ordinary user: user ${nobody} cannot run ${words.join(' ')}, so root runs all`);
    return undefined;
  }
  return nobody;
}
const user = findUser();

/** Whether the case can run here: as an ordinary user where it must be one, and all commands of its `needs` succeed. */
export function canRun({ ordinaryUser, needs = [] }: Case): boolean {
  if (ordinaryUser === true && user === undefined && process.getuid?.() === 0) return false;
  return needs.every((need) => {
    let met = known.get(need);
    if (met === undefined) {
      met = spawnSync('/bin/sh', ['-c', need], { stdio: 'ignore' }).status === 0;
      known.set(need, met);
      if (!met) console.warn(`SKIPPED: cases that need «${need}», which fails here`);
    }
    return met;
  });
}
