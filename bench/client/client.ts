// `bench client`: what a unit costs the machine that builds, in CPU, with Tender and with others, in turn in one run, while workers
// and servers answer with what a real compile gave once. Wall time and ratios of CPU are all that a shared machine can give.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CcacheHit } from './ccache.ts';
import { clearOutputs, compareOutputs, openCanned } from './canned.ts';
import type { CorpusName } from './corpora.ts';
import { Distcc } from './distcc.ts';
import { seedFarm } from './farm.ts';
import { Icecc } from './icecc.ts';
import { Local } from './local.ts';
import { BenchProblem } from './problem.ts';
import { buildProgram } from './programs.ts';
import { DistccPump } from './pump.ts';
import { emptyRow, ratiosOf, renderTable, rowOf, type Ratios, type Row } from './rows.ts';
import { Tender, type TenderKind } from './tender.ts';
import type { Bench, Canned, Contender, Sample } from './types.ts';

export interface ClientBenchOptions {
  readonly corpora: readonly CorpusName[];
  readonly rounds: number;
  readonly jobs: number;
  /** Beginnings of contenders' names; empty: all. */
  readonly only: readonly string[];
  readonly profileDir: string | null;
  readonly log: (line: string) => void;
}

export interface ClientBenchResult {
  readonly bench: 'client';
  readonly rows: readonly Row[];
  readonly ratios: Ratios;
}

/** Runs the benchmark; throws BenchProblem with a sentence for people. */
export async function benchClient(options: ClientBenchOptions): Promise<ClientBenchResult> {
  const scratch = mkdtempSync(join(tmpdir(), 'tender-bench-'));
  // A peer's server that gives up being root must come through; what is private in here is closed by itself.
  chmodSync(scratch, 0o711);
  const remove = (): void => rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  process.once('exit', remove);
  try {
    const profileDir = options.profileDir === null ? null : resolve(options.profileDir);
    if (profileDir !== null) mkdirSync(profileDir, { recursive: true });
    const bench: Bench = {
      scratch,
      jobsProgram: buildProgram('jobs', scratch),
      cannedCompiler: buildProgram('canned-cc', scratch),
      env: { PATH: '/usr/bin:/bin', HOME: scratch, LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: '1700000000' },
      profileDir,
      log: options.log,
    };
    const rows: Row[] = [];
    for (const name of options.corpora) {
      const canned = await openCanned(name, bench);
      try {
        rows.push(...(await measure(await enter(bench, canned, options), options)));
      } finally {
        canned.release();
      }
    }
    return { bench: 'client', rows, ratios: ratiosOf(rows, options.corpora[0] ?? '') };
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** Everybody who takes part in this corpus. */
async function enter(bench: Bench, canned: Canned, options: ClientBenchOptions): Promise<readonly Contender[]> {
  const wanted = (who: string): boolean => options.only.length === 0 || options.only.some((it) => who.startsWith(it));
  const jobs = canned.name === 'tiny' ? 1 : options.jobs;
  const contenders: Contender[] = [];
  const kinds = (['warm', 'cold', 'first', 'store'] satisfies TenderKind[]).filter((kind) => wanted(`tender-${kind}`));
  if (kinds.length > 0) {
    const seed = await seedFarm(bench, canned.units[0]?.argv[0] ?? 'cc');
    contenders.push(...kinds.map((kind) => new Tender(bench, seed, canned, jobs, kind)));
  }
  const peers = [
    new Distcc(bench, canned, jobs),
    new DistccPump(bench, canned, jobs),
    new Icecc(bench, canned, jobs),
    new CcacheHit(bench, canned, jobs),
    ...(['tiny', 'smoke'].includes(canned.name) ? [new Local(bench, canned, jobs)] : []),
  ];
  return [...contenders, ...peers.filter((peer) => wanted(peer.who))];
}

/** All contenders in turn, round by round, so that what the machine does besides falls on all of them alike. */
async function measure(contenders: readonly Contender[], options: ClientBenchOptions): Promise<readonly Row[]> {
  const taking = new Map<Contender, { samples: Sample[]; different: Set<string> }>();
  const absent = new Map<Contender, string>();
  try {
    for (const contender of contenders) {
      options.log(`${contender.corpus.name} ${contender.who}: getting ready`);
      taking.set(contender, { samples: [], different: new Set() });
      const why = await contender.open().catch(sayUnlessOurs(contender));
      if (why === null) continue;
      absent.set(contender, why);
      options.log(`${contender.corpus.name} ${contender.who}: not measured: ${why}`);
    }
    for (let number = 1; number <= options.rounds; number++) {
      for (const [contender, { samples, different }] of taking) {
        if (absent.has(contender)) continue;
        clearOutputs(contender.corpus);
        const sample = await contender.round(number).catch(sayUnlessOurs(contender));
        if (typeof sample === 'string') {
          absent.set(contender, sample);
          options.log(`${contender.corpus.name} ${contender.who}: no longer measured: ${sample}`);
          continue;
        }
        samples.push(sample);
        for (const name of compareOutputs(contender.corpus, contender.comparesDepfiles)) different.add(name);
        const ms = (sample.launcherCpuMs + sample.agentCpuMs) / contender.corpus.units.length;
        options.log(`${contender.corpus.name} ${contender.who}, round ${number}: ${ms.toFixed(2)} ms CPU per unit`);
      }
    }
  } finally {
    for (const contender of taking.keys()) await contender.close();
  }
  return [...taking].map(([contender, { samples, different }]) => {
    const why = absent.get(contender);
    return why === undefined ? rowOf(contender, samples, [...different]) : emptyRow(contender, why);
  });
}

/** A peer that does not work is a row without figures; that Tender does not is the end. */
function sayUnlessOurs(contender: Contender): (error: unknown) => string {
  return (error) => {
    if (error instanceof BenchProblem && !(contender instanceof Tender)) return error.message.split('\n')[0] ?? '';
    throw error;
  };
}

/** What the command prints on standard output. */
export function renderResult(result: ClientBenchResult, json: boolean): string {
  if (json) return JSON.stringify(result);
  const ratios = Object.entries(result.ratios).flatMap(([peer, ratio]) =>
    ratio === null ? [] : [`${peer} ${ratio.toFixed(1)} ×`],
  );
  const last = ratios.length === 0 ? '' : `\nCPU over Tender's: ${ratios.join(', ')}`;
  return renderTable(result.rows) + last;
}
