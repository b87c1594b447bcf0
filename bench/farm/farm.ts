// `bench farm`: how long a farm of machines of different speeds takes for a build, with Tender and with others, in turn in one run:
// healthy, with a quarter of the machines killed on the way, and with a quarter frozen. The compiler sleeps, so that all of
// them fit on one machine and what counts is who gets which unit when.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createFarmNetwork, loopbackNetwork, type FarmNetwork } from '../../src/adapters/netns/farm-network.ts';
import { BenchProblem } from '../client/problem.ts';
import { buildProgram } from '../client/programs.ts';
import { Distcc } from './distcc.ts';
import { areaBoundMs, makePlan, type Condition } from './farm-plan.ts';
import { Hosts } from './hosts.ts';
import { Icecc } from './icecc.ts';
import { emptyRow, ratiosOf, renderTable, rowOf, type Measured, type Ratios, type Row } from './rows.ts';
import { writeSources } from './sources.ts';
import { Tender } from './tender.ts';
import type { Bench, Contender, Way } from './types.ts';

export interface FarmBenchOptions {
  readonly conditions: readonly Condition[];
  readonly seeds: number;
  readonly workers: number;
  readonly tasks: number;
  readonly medianMs: number;
  /** Beginnings of rows' names; empty: all. */
  readonly only: readonly string[];
  /** One seed, each peer with as many commands as slots, none on frozen machines. */
  readonly quick: boolean;
  readonly logDir: string | null;
  readonly log: (line: string) => void;
}

export interface FarmBenchResult {
  readonly bench: 'farm';
  readonly rows: readonly Row[];
  readonly ratios: Ratios;
}

const capMs = 420_000;
const quickCapMs = 120_000;

/** Runs the benchmark; throws BenchProblem with a sentence for people. */
export async function benchFarm(options: FarmBenchOptions): Promise<FarmBenchResult> {
  const scratch = mkdtempSync(join(tmpdir(), 'tender-farm-'));
  // A peer's server that gives up being root must come through; what is private in here is closed by itself.
  chmodSync(scratch, 0o711);
  const remove = (): void => rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  process.once('exit', remove);
  const hosts = new Hosts(await openNetwork(options));
  try {
    const compilerDir = join(scratch, 'bin');
    mkdirSync(compilerDir);
    // Workers trust a program as a compiler when its own name is one's.
    copyFileSync(buildProgram('sleepcc', scratch, import.meta.dirname), join(compilerDir, 'gcc'));
    // distcc makes a compiler's name more precise where there is a program of that name.
    for (const name of ['x86_64-linux-gnu-gcc', 'aarch64-linux-gnu-gcc']) symlinkSync('gcc', join(compilerDir, name));
    const bench: Bench = {
      scratch,
      hosts,
      compilerDir,
      jobsProgram: buildProgram('jobs', scratch),
      env: { PATH: `${compilerDir}:/usr/bin:/bin`, HOME: scratch, LC_ALL: 'C.UTF-8' },
      capMs: options.quick ? quickCapMs : capMs,
      log: options.log,
    };
    return await measure(bench, options);
  } finally {
    for (const left of await hosts.close()) options.log(`not removed: ${left}`);
    process.off('exit', remove);
    remove();
  }
}

async function openNetwork({ workers, log }: FarmBenchOptions): Promise<FarmNetwork> {
  const request = { hosts: workers + 1 };
  const made = await createFarmNetwork(request);
  if (made.ok) return made.value;
  log(`all hosts are this one: ${made.error.message}`);
  return loopbackNetwork(request);
}

/** All contenders in turn, seed by seed and condition by condition, so that what the machine does besides falls on all alike. */
async function measure(bench: Bench, options: FarmBenchOptions): Promise<FarmBenchResult> {
  const contenders: Contender[] = [
    new Tender(bench, options.workers, options.logDir === null ? null : resolve(options.logDir)),
    new Distcc(bench),
    new Icecc(bench),
  ];
  const wanted = (who: string): boolean =>
    options.only.length === 0 || options.only.some((name) => who.startsWith(name) || name.startsWith(who));
  const taking: Contender[] = [];
  const empty: Row[] = [];
  for (const contender of contenders.filter(({ name }) => wanted(name))) {
    const why = await contender.open();
    if (why === null) taking.push(contender);
    else empty.push(...options.conditions.map((condition) => emptyRow(contender.name, condition, why)));
    if (why !== null) options.log(`${contender.name}: not measured: ${why}`);
  }
  const measured: Measured[] = [];
  for (let seed = 1; seed <= options.seeds; seed++) {
    const plan = makePlan(seed, options);
    const sources = writeSources(bench, plan);
    options.log(`seed ${seed}: ${plan.durationsMs.length} units, bound ${seconds(areaBoundMs(plan))} s`);
    for (const condition of options.conditions) {
      for (const contender of taking) {
        for (const way of contender.ways({ plan, sources, condition })) {
          if (!wanted(way.who) || !isWorthItsTime(way, contender, condition, seed, options)) continue;
          const outcome = await way.run().catch(sayProblem);
          if (typeof outcome === 'string') {
            empty.push(emptyRow(way.who, condition, `seed ${seed}: ${outcome}`));
            options.log(`seed ${seed} ${condition} ${way.who}: not measured: ${outcome}`);
            continue;
          }
          const one = { who: way.who, jobs: way.jobs, condition, plan, outcome };
          measured.push(one);
          options.log(describe(one));
        }
      }
    }
    rmSync(join(bench.scratch, `seed-${seed}`), { recursive: true, force: true });
  }
  return { bench: 'farm', rows: [...rowsOf(measured), ...empty], ratios: ratiosOf(measured) };
}

/** One build that cannot be made is told in the result, and costs none of the others. */
function sayProblem(error: unknown): string {
  if (error instanceof BenchProblem) return error.message.split('\n')[0] ?? '';
  throw error;
}

/** Frozen machines hold the peers for minutes: they are tried once, with as many commands as slots. */
function isWorthItsTime(
  way: Way,
  { name }: Contender,
  condition: Condition,
  seed: number,
  options: FarmBenchOptions,
): boolean {
  if (name === 'tender') return true;
  const asManyAsSlots = way.jobs === 2 * options.workers;
  if (options.quick) return asManyAsSlots && condition !== 'frozen';
  return condition !== 'frozen' || (asManyAsSlots && seed === 1 && !way.who.startsWith('distcc-random'));
}

function rowsOf(measured: readonly Measured[]): Row[] {
  const groups = new Map<string, [Measured, ...Measured[]]>();
  for (const one of measured) {
    const key = `${one.condition} ${one.who}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups.values()].map(rowOf).sort((a, b) => order(a) - order(b));
}

const order = ({ condition }: Row): number => ['healthy', 'killed', 'frozen'].indexOf(condition);
const seconds = (ms: number): string => (ms / 1000).toFixed(1);

function describe(one: Measured): string {
  const { makespanMs, silenceMs, failed, here, notes, cpuMs, busy } = one.outcome;
  const over = makespanMs / areaBoundMs(one.plan, one.outcome.lostAtMs);
  const more = [...(failed > 0 ? [`${failed} failed`] : []), ...(here > 0 ? [`${here} here`] : []), ...notes];
  return [
    `seed ${one.plan.seed} ${one.condition} ${one.who}: ${seconds(makespanMs)} s, ${over.toFixed(2)} times the bound, silent for`,
    `${seconds(silenceMs)} s, CPU ${seconds(cpuMs)} s, processors ${Math.round(100 * busy)} % busy${more.map((it) => `; ${it}`).join('')}`,
  ].join(' ');
}

/** What the command prints on standard output. */
export function renderResult(result: FarmBenchResult, json: boolean): string {
  if (json) return JSON.stringify(result);
  const ratios = Object.entries(result.ratios).flatMap(([condition, ratio]) =>
    ratio === null ? [] : [`${condition} ${(ratio as number).toFixed(2)}`],
  );
  const last = ratios.length === 0 ? '' : `\nTender's time over the best peer's: ${ratios.join(', ')}`;
  return renderTable(result.rows) + last;
}

/** Throws for names that would choose nobody. */
export function checkNames(only: readonly string[]): void {
  const known = ['tender', 'distcc', 'icecc'];
  const stranger = only.find((name) => !known.some((it) => name.startsWith(it)));
  if (stranger !== undefined) throw new BenchProblem(`there is no «${stranger}»: ${known.join(', ')} take part`);
}
