// `npm run bench -- client`, `-- farm` and `-- owner`: the benchmarks' command line. Results go to standard output, all else to standard error.
import { Command, InvalidArgumentError, Option } from 'commander';
import { benchClient, renderResult } from './client/client.ts';
import { corpusNames, type CorpusName } from './client/corpora.ts';
import { BenchProblem } from './client/problem.ts';
import { benchFarm, checkNames, renderResult as renderFarm } from './farm/farm.ts';
import { conditions, defaultMedianMs, type Condition } from './farm/farm-plan.ts';
import { renderResult as renderOwner } from './owner/figures.ts';
import { benchOwner } from './owner/owner.ts';

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of at least 1 is wanted.');
  return value;
}

const program = new Command('bench').description('Measures Tender beside its peers.').showHelpAfterError();

program
  .command('client')
  .description('CPU of the machine that builds, per unit; workers and servers answer with kept outputs')
  .addOption(new Option('--corpus <name>', 'what is compiled').choices([...corpusNames, 'all']).default('M'))
  .option('--rounds <n>', 'rounds; the figures are their medians', positive, 5)
  .option('--jobs <n>', 'commands at a time', positive, 8)
  .option('--only <names>', 'only these, by comma: tender, distcc, ccache-hit, …', '')
  .option('--cpu-prof <dir>', 'write profiles of the client agent, of the measured rounds only')
  .option('--json', 'end with one line of JSON')
  .action(async (options: ClientOptions) => {
    const result = await benchClient({
      corpora: options.corpus === 'all' ? ['M', 'S', 'L', 'tiny'] : [options.corpus],
      rounds: options.rounds,
      jobs: options.jobs,
      only: options.only.split(',').filter((name) => name !== ''),
      profileDir: options.cpuProf ?? null,
      log: (line) => process.stderr.write(`${line}\n`),
    });
    process.stdout.write(`${renderResult(result, options.json ?? false)}\n`);
  });

program
  .command('farm')
  .description(
    'time of a build on 20 machines of different speeds; the compiler sleeps, machines are killed and frozen',
  )
  .option('--only <names...>', 'only these: tender, distcc, icecc, …')
  .option('--seeds <n>', 'builds of different durations, measured one after the other', positive, 3)
  .addOption(new Option('--conditions <names...>', 'only these').choices(conditions).default(conditions))
  .option('--quick', 'one seed, peers with -j40 only and not on frozen machines')
  .option('--workers <n>', 'machines', positive, 20)
  .option('--tasks <n>', 'units of a build', positive, 500)
  .option('--median-ms <n>', 'of the durations on the fastest machine', positive, defaultMedianMs)
  .option('--logs <dir>', "leave the client agent's logs there")
  .option('--json', 'end with one line of JSON')
  .action(async (options: FarmOptions) => {
    const only = (options.only ?? []).flatMap((names) => names.split(',')).filter((name) => name !== '');
    checkNames(only);
    const quick = options.quick ?? false;
    const result = await benchFarm({
      ...{ conditions: options.conditions, workers: options.workers, tasks: options.tasks, medianMs: options.medianMs },
      ...{ only, quick, seeds: quick ? 1 : options.seeds, logDir: options.logs ?? null },
      log: (line) => process.stderr.write(`${line}\n`),
    });
    process.stdout.write(`${renderFarm(result, options.json ?? false)}\n`);
    // A peer that does not work is a row without figures; that Tender does not is a failure.
    if (result.rows.some((row) => row.who.startsWith('tender') && row.overBound === null)) process.exitCode = 1;
  });

program
  .command('owner')
  .description(
    'what the owner feels: frames of a program of theirs while all slots compile, and how soon compiles stand still',
  )
  .option('--rounds <n>', 'rounds; each way in turn', positive, 3)
  .option('--seconds <n>', 'of frames, for each way in each round', positive, 5)
  .option('--json', 'end with one line of JSON')
  .action(async (options: { readonly rounds: number; readonly seconds: number; readonly json?: boolean }) => {
    const result = await benchOwner({
      rounds: options.rounds,
      seconds: options.seconds,
      log: (line) => process.stderr.write(`${line}\n`),
    });
    process.stdout.write(`${renderOwner(result, options.json ?? false)}\n`);
  });

interface FarmOptions {
  readonly only?: readonly string[];
  readonly seeds: number;
  readonly conditions: readonly Condition[];
  readonly quick?: boolean;
  readonly workers: number;
  readonly tasks: number;
  readonly medianMs: number;
  readonly logs?: string;
  readonly json?: boolean;
}

interface ClientOptions {
  readonly corpus: CorpusName | 'all';
  readonly rounds: number;
  readonly jobs: number;
  readonly only: string;
  readonly cpuProf?: string;
  readonly json?: boolean;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
await program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof BenchProblem)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
