// `npm run sim`: the simulator's command line. Results go to standard output, all else to standard error.
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { addEvictionCommand } from './eviction-figures.ts';
import { addFigureCommands } from './figures.ts';
import { mutations, type Mutation } from './mutations.ts';
import { replayJournal } from './replay.ts';
import { renderReplay } from './replay-report.ts';
import { runRange, type SeedRange } from './range.ts';
import { namesOfScenarios, runOne } from './run-one.ts';

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is wanted.');
  return value;
}

/** `A..B`, both included. */
function seedRange(text: string): SeedRange {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (from === undefined || to === undefined) throw new InvalidArgumentError('a range like 1..1000 is wanted.');
  if (Number(to) < Number(from)) throw new InvalidArgumentError('the second seed must not be below the first.');
  return { from: Number(from), to: Number(to) };
}

interface RunFlags {
  readonly seed: number;
  readonly seeds?: SeedRange;
  readonly scenario?: string;
  readonly world?: string;
  readonly machines?: number;
  readonly journal?: string;
  readonly node?: string;
  readonly mutation: Mutation;
  readonly json?: boolean;
}

/** Beside all else that is made and not kept. */
const SMALL_WORLDS = 'build/sim';

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const program = new Command('sim')
  .description(
    'Runs the real state machines in a virtual world, and checks the invariants of docs/protocol.md after every step.',
  )
  .showHelpAfterError()
  .enablePositionalOptions();

program
  .command('run', { isDefault: true })
  .description('one scenario, or many storms')
  .option('--seed <n>', 'decides all that is drawn', wholeNumber, 1)
  .option('--seeds <a..b>', 'storms of these seeds, one after the other', seedRange)
  .option('--scenario <name>', 'storm, or a named setting; a wrong name lists them', undefined)
  .option('--world <file>', 'the scenario of a file, as a broken invariant leaves one')
  .option('--machines <m>', 'so many machines instead of the scenario’s own', wholeNumber)
  .option('--journal <file>', 'write down what one node saw and decided, for `replay`')
  .option('--node <id>', 'of which node; default: the first delegator')
  .addOption(new Option('--mutation <name>', 'a deliberate bug, to see it caught').choices(mutations).default('none'))
  .option('--json', 'the outcome as one line of JSON')
  .action(async (flags: RunFlags) => {
    if (flags.seeds !== undefined) {
      process.exitCode = await runRange(flags.seeds, { workers: 1, mutation: flags.mutation, log, print });
      return;
    }
    process.exitCode = runOne(
      {
        ...flags,
        smallWorldDir: SMALL_WORLDS,
        scenario: flags.scenario ?? (flags.machines === undefined ? 'storm' : 'calm'),
      },
      { log, print },
    );
  });

program
  .command('long')
  .description('a hundred thousand storms, on all cores; what is interrupted says how to go on')
  .option('--seeds <a..b>', 'these seeds', seedRange, { from: 1, to: 100_000 })
  .option('--workers <n>', 'processes at a time; default: one for each core', wholeNumber, 0)
  .action(async ({ seeds, workers }: { seeds: SeedRange; workers: number }) => {
    process.exitCode = await runRange(seeds, { workers, mutation: 'none', log, print });
  });

program
  .command('replay')
  .description(
    'gives the events of a journal to the state machine again, and tells the first step that comes out otherwise',
  )
  .argument('<file>', 'a journal of an agent, or of `--journal`')
  .option('--json', 'the result as one line of JSON')
  .action((file: string, { json }: { json?: boolean }) => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      log(`sim: ${file} cannot be read: ${(error as Error).message}`);
      process.exitCode = 1;
      return;
    }
    const replayed = replayJournal(text);
    if (!replayed.ok) {
      log(`sim: ${file}: ${replayed.error}`);
      process.exitCode = 1;
      return;
    }
    print(json === true ? JSON.stringify(replayed.value) : renderReplay(replayed.value));
    process.exitCode = replayed.value.differs === null ? 0 : 1;
  });

program
  .command('scenarios')
  .description('the named settings')
  .action(() => print(namesOfScenarios().join('\n')));

addFigureCommands(program, { print, log });
addEvictionCommand(program, { print, log });

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
await program.parseAsync();
