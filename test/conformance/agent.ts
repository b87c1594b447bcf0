// An agent that cases go through: what it is asked after each command (where did it run, may its result be kept, is it kept
// by now), and what launchers said of it all. One has two workers; one is alone, so that launchers stay beside compilers.
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { socketPath } from '../../src/adapters/config/config.ts';
import { callControl } from '../../src/adapters/launcher-socket/client.ts';
import type { BuildFigures, BuildProgress, Explanation } from '../../src/apps/report.ts';
import { TestFarm } from '../e2e/support.ts';

/** How many commands went which way; links and questions are `others`. */
export interface Counts {
  readonly remote: number;
  readonly stored: number;
  readonly local: number;
  readonly others: number;
}

export type CaseAgentKind = 'with workers' | 'alone';

/** What a compile that could travel gives as its reason for running here on a machine alone. */
export const aloneBecause = 'own-slot';

export class CaseAgent {
  readonly kind: CaseAgentKind;
  private readonly farm: TestFarm;
  readonly seen: { remote: number; stored: number; local: number; others: number } = {
    ...{ remote: 0, stored: 0, local: 0, others: 0 },
  };

  private constructor(kind: CaseAgentKind, farm: TestFarm) {
    this.kind = kind;
    this.farm = farm;
  }

  /** A client with no own slots and two workers. Keeps results. */
  static async withWorkers(user: number | undefined): Promise<CaseAgent> {
    const farm = new TestFarm();
    farm.uid = user;
    await farm.startClient({ store: true });
    for (const name of ['w1', 'w2']) await farm.addWorker(name);
    return new CaseAgent('with workers', farm);
  }

  /** A machine in no cluster. Keeps results. */
  static async alone(user: number | undefined): Promise<CaseAgent> {
    const farm = new TestFarm();
    farm.uid = user;
    farm.prepare('client', { store: true, own_slots: 4 });
    await farm.startAgent('client');
    return new CaseAgent('alone', farm);
  }

  /** A directory of the user that all runs as, empty but for the agents' own. */
  get dir(): string {
    return this.farm.dir;
  }

  /** What launchers need to be told. */
  get env(): NodeJS.ProcessEnv {
    const { TENDER_HOME } = this.farm.env('client');
    return { TENDER_HOME, TENDER_NO_START: '1', TENDER_VERBOSE: '1' };
  }

  /** Counts what a launcher says of a command. */
  count(place: string): void {
    const { seen } = this;
    if (place === 'travels') seen.remote++;
    else if (place === 'stored') seen.stored++;
    else if (place === 'not-a-compile' || place === 'probe') seen.others++;
    else if (place !== 'plain') seen.local++;
  }

  close(): Promise<void> {
    return this.farm.close();
  }

  /** Of a few calls that bear its name; what ended some hundred builds ago is forgotten. */
  async figuresOf(build: string): Promise<BuildFigures> {
    return (await this.ask<BuildProgress>({ cmd: 'build-watch', build })).figures;
  }

  /** Of a call as the launcher would make it; what is about to be kept is kept when this ends. */
  async explain(argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Explanation> {
    const real = realpathSync.native(cwd);
    const compiler = findProgram(argv[0] ?? '', real, env['PATH'] ?? '');
    // Asked of a call that may be served from the store.
    const entries = Object.entries(env)
      .filter(([name]) => name !== 'TENDER_NO_STORE')
      .map(([name, value]) => `${name}=${value}`);
    return this.ask<Explanation>({ cmd: 'explain', compiler, cwd: real, argv, env: entries });
  }

  async counted(): Promise<Counts> {
    const { remote, stored, local, others } = (await this.farm.status('client')).total;
    return { remote, stored, local, others };
  }

  /** Failed attempts in the log, but for those that a busy machine may see, and whatever broke. */
  faults(): readonly string[] {
    const busy = new Set(['lease-expired', 'silent', 'worker-lost', 'deadline']);
    return (
      this.farm
        .logOf('client')
        .split('\n')
        .filter((line) => /"(?:attempt-failed|[a-z]+-broke|not-kept)"/.test(line))
        .map((line) => JSON.parse(line) as { code?: string; message?: string; why?: string })
        .filter(({ code }) => code === undefined || !busy.has(code))
        // A second attempt that lost: its project was removed after the first had won.
        .filter(({ message }) => message?.includes('went away before it was sent') !== true)
        .filter(({ code, why }) => code !== undefined || why === undefined || why.startsWith('broken'))
        .map((line) => JSON.stringify(line))
    );
  }

  /** The first answer of the agent. */
  private async ask<Answer>(request: object): Promise<Answer> {
    const enough = new AbortController();
    const answers: unknown[] = [];
    const heard = (answer: unknown): void => {
      answers.push(answer);
      enough.abort();
    };
    const called = await callControl(socketPath(this.farm.homeOf('client')), request, heard, { signal: enough.signal });
    if (!called.ok) throw new Error(called.error.message);
    return answers[0] as Answer;
  }
}

function findProgram(name: string, cwd: string, path: string): string {
  if (name.includes('/')) return name.startsWith('/') ? name : `${cwd}/${name}`;
  const found = path
    .split(delimiter)
    .map((dir) => join(dir, name))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  if (found === undefined) throw new Error(`${name} is not in ${path}`);
  return found;
}
