// Runs a case at one absolute path by the compiler alone and in all the ways that Tender has: by a worker, beside a compiler
// here, and each again out of the store. Compares exit, output, every file, mode and byte. What two runs of the compiler
// alone differ in is not compared; that they differ is proven first.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { BuildFigures } from '../../src/apps/report.ts';
import { launcher, until } from '../e2e/support.ts';
import { aloneBecause, CaseAgent, type CaseAgentKind, type Counts } from './agent.ts';
import type { Case, Line } from './case.ts';
import { comparable, maskOf, type Ended, type Mask, type Outcome, type Shown } from './compare.ts';
import { readTree, removeTree, writeTree } from './tree.ts';

const commandTimeoutMs = 90_000;
/** Times of a few milliseconds may well be equal in two runs. */
const runsForProof = 4;
const launcherSays = /^tender-cc: .* runs here: (.*)\r?\n/;

/** One way through Tender, and what came of it. */
export interface Way {
  /** For a failure's head. */
  readonly name: string;
  /** What must be equal, readable in a test's diff. */
  readonly alone: Shown;
  readonly through: Shown;
  /** Where each command ran, by the launcher's word and the agent's figures. */
  readonly ran: readonly string[];
  /** Where it should have run. */
  readonly expected: readonly string[];
  /** In the launcher's words, of those that ran here. */
  readonly why: string;
  /** Whose result lies in the store now. */
  readonly kept: readonly boolean[];
  /** Commands whose result should have been kept and was not, or of which nobody says why it is not. */
  readonly lost: readonly string[];
}

/** What the compiler alone does with a case. */
interface Alone {
  /** The project's directory, the same for all runs. */
  readonly root: string;
  readonly outcome: Outcome;
  readonly masks: ReadonlyMap<string, Mask>;
  /** Names of what was declared as unsteady and did not differ between two runs. */
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

/** How long ago the last change of anything that is read must be for a compiler here to be trusted to have read it. */
const settledMs = 60;

/** The agents that all cases share, their user, and the directory of the projects. */
export class Rig {
  private readonly agents: Readonly<Record<CaseAgentKind, CaseAgent>>;
  private readonly dir: string;
  private readonly links: string;
  private readonly known = new Map<Case, Promise<Alone>>();
  /** Projects as they were written, untouched since. */
  private readonly fresh = new Set<string>();
  private nextDir = 0;
  private nextBuild = 0;

  private constructor(agents: Readonly<Record<CaseAgentKind, CaseAgent>>, dir: string) {
    this.agents = agents;
    this.dir = dir;
    this.links = join(dir, 'links');
    mkdirSync(this.links);
    for (const name of ['gcc', 'g++', 'clang', 'clang++']) symlinkSync(launcher, join(this.links, name));
  }

  /** All as an ordinary user where that is possible. */
  static async start(): Promise<Rig> {
    const withWorkers = await CaseAgent.withWorkers(user);
    return new Rig({ 'with workers': withWorkers, alone: await CaseAgent.alone(user) }, withWorkers.dir);
  }

  async close(): Promise<void> {
    for (const agent of Object.values(this.agents)) await agent.close();
  }

  /** By the compiler alone, once for each case. */
  alone(unit: Case): Promise<Alone> {
    let alone = this.known.get(unit);
    if (alone === undefined) {
      alone = this.runAlone(unit);
      this.known.set(unit, alone);
    }
    return alone;
  }

  private async runAlone(unit: Case): Promise<Alone> {
    const root = join(this.dir, 'p', `${this.nextDir++}`, 'work');
    mkdirSync(dirname(root), { recursive: true });
    const outcome = await this.run(unit, root, null);
    const unsteady = Object.entries(unit.unsteady ?? {});
    const masks = new Map<string, Mask>(unsteady.map(([name]) => [name, 'equal']));
    const steady = (): readonly string[] => [...masks.keys()].filter((name) => masks.get(name) === 'equal');
    for (let again = 0; again < runsForProof && steady().length > 0; again++) {
      const other = await this.run(unit, root, null);
      for (const [name, why] of unsteady) masks.set(name, maskOf(name, typeof why !== 'string', outcome, other));
    }
    return { root, outcome, masks, steadyAfterAll: steady() };
  }

  /** Writes the project anew, to be gone through later. */
  async refresh(unit: Case): Promise<void> {
    const { root } = await this.alone(unit);
    removeTree(root);
    writeTree(root, unit.files ?? {}, user);
    this.fresh.add(root);
  }

  async forget(unit: Case): Promise<void> {
    const { root } = await this.alone(unit);
    this.known.delete(unit);
    removeTree(dirname(root));
  }

  /** `before`: an earlier way, whose kept results serve now; null: all is compiled again. */
  async through(unit: Case, kind: CaseAgentKind, before: Way | null): Promise<Way> {
    const { root, outcome: alone, masks } = await this.alone(unit);
    const agent = this.agents[kind];
    const ran: string[] = [];
    const expected: string[] = [];
    const why: string[] = [];
    const kept: boolean[] = [];
    const lost: string[] = [];
    const through: Through = {
      env: { ...agent.env, ...(before === null ? { TENDER_NO_STORE: '1' } : {}) },
      build: () => `case-${this.nextBuild++}`,
      before: async (at, argv, cwd, env) => {
        const expect = unit.commands[at]?.expect ?? 'travels';
        const travels = kind === 'alone' ? aloneBecause : 'travels';
        let stored = before?.kept[at] === true;
        // Of many units with one name some are forgotten by the time that all have been made.
        if (stored && kind === 'alone') stored = (await agent.explain(argv, cwd, env)).stored;
        // A compiler here writes its own outputs.
        const here = kind === 'alone' && expect === 'output-not-written' ? aloneBecause : expect;
        expected.push(here !== 'travels' ? here : stored ? 'stored' : travels);
        // A project that was written by an earlier phase has settled.
        if (kind !== 'alone' || before !== null || (at === 0 && this.fresh.delete(root))) return;
        const fromMs = Date.now();
        await until('the clock has left all changes', () => (Date.now() > fromMs + settledMs ? true : null));
      },
      after: async (at, ended, argv, cwd, env) => {
        const expect = unit.commands[at]?.expect ?? 'travels';
        const { here, rest } = saidByLauncher(ended);
        const figures = expect === 'plain' ? null : await agent.figuresOf(env['TENDER_BUILD'] ?? '');
        const place = figures === null ? 'plain' : placeOf(figures, here);
        ran.push(place);
        why.push(here ?? '');
        agent.count(place);
        kept.push(false);
        if (expect !== 'travels' || rest.exit !== 0 || before !== null) return rest;
        const { travels, key, stored, notKept } = await agent.explain(argv, cwd, env);
        // What a compiler here says to a terminal is not kept, and what a worker's said is kept for terminals.
        if (unit.terminal !== undefined && rest.stdout.length > 0) kept[at] = kind !== 'alone' && key !== null;
        else kept[at] = stored;
        // Some commands may not travel again over their own outputs.
        const silent = unit.terminal === undefined && travels && notKept === '';
        if (kept[at] !== true && silent) lost.push(argv.join(' '));
        return rest;
      },
    };
    const outcome = await this.run(unit, root, through);
    const show = (shown: Outcome): Shown => comparable(shown, masks, unit.clock ?? []);
    const name = `${kind}${before === null ? '' : ', again'}`;
    return { name, alone: show(alone), through: show(outcome), ran, expected, why: why.join('; '), kept, lost };
  }

  private async run(unit: Case, root: string, through: Through | null): Promise<Outcome> {
    if (through === null || !this.fresh.has(root)) {
      removeTree(root);
      writeTree(root, unit.files ?? {}, user);
    }
    const cwd = join(root, unit.cwd ?? '.');
    const here = (text: string): string => text.replaceAll('$DIR', root);
    const path = process.env['PATH'] ?? '';
    const masked = through !== null && unit.masquerade === true;
    const env: NodeJS.ProcessEnv = {
      PATH: masked ? `${this.links}${delimiter}${path}` : path,
      HOME: this.dir,
      LC_ALL: 'C.UTF-8',
      TERM: 'dumb',
      PWD: cwd,
      ...through?.env,
    };
    for (const [name, value] of Object.entries(unit.env ?? {})) {
      if (value === null) delete env[name];
      else env[name] = here(value);
    }
    const from = new Date();
    const ended: Ended[] = [];
    for (const [at, { line, expect }] of unit.commands.entries()) {
      const words = wordsOf(line).map(here);
      const wrapped = through === null || masked || expect === 'plain' ? words : [launcher, ...words];
      const stdin = unit.stdin ?? '';
      if (through === null) {
        ended.push(await spawnAs(user, dress(wrapped, unit), { cwd, env, stdin }));
        continue;
      }
      const named = { ...env, TENDER_BUILD: through.build() };
      await through.before(at, words, cwd, { ...named, PATH: path });
      const ran = await spawnAs(user, dress(wrapped, unit), { cwd, env: named, stdin });
      ended.push(await through.after(at, ran, words, cwd, { ...named, PATH: path }));
    }
    return { ended, tree: readTree(root), from, to: new Date() };
  }

  /** What launchers and agents say of all that was run so far, and what failed by a fault of Tender. */
  async settle(): Promise<readonly Settled[]> {
    const settled = Object.values(this.agents).map(async (agent) => ({
      seen: agent.seen,
      counted: await agent.counted(),
      faults: agent.faults(),
    }));
    return Promise.all(settled);
  }
}

export interface Settled {
  readonly seen: Counts;
  readonly counted: Counts;
  readonly faults: readonly string[];
}

/** What is done around each command that goes through Tender. */
interface Through {
  readonly env: NodeJS.ProcessEnv;
  readonly build: () => string;
  readonly before: (at: number, argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv) => Promise<void>;
  /** Gives what the command itself came to. `argv`, `cwd`, `env`: as the compiler was called. */
  readonly after: (
    at: number,
    ended: Ended,
    argv: readonly string[],
    cwd: string,
    env: NodeJS.ProcessEnv,
  ) => Promise<Ended>;
}

/** Where a command ran. `here`: what the launcher said of running it here. */
function placeOf({ remote, stored, local, others }: BuildFigures, here: string | null): string {
  const [reason = ''] = here?.split(':') ?? [];
  const counts = `remote ${remote}, stored ${stored}, local ${local}, others ${others}`;
  if (remote + stored + local + others > 1) return `more than once: ${counts}`;
  if (here === null) return remote === 1 ? 'travels' : stored === 1 ? 'stored' : `nowhere: ${counts}`;
  return remote + stored === 0 ? reason : `here by the launcher's word, but ${counts}`;
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
