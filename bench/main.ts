// `npm run bench -- client`: the benchmarks' command line. Results go to standard output, all else to standard error.
import { Command, InvalidArgumentError, Option } from 'commander';
import { benchClient, renderResult } from './client/client.ts';
import { corpusNames, type CorpusName } from './client/corpora.ts';
import { BenchProblem } from './client/problem.ts';

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
