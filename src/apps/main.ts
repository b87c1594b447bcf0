// `tender`: the command line. It only names commands and options; each command's code is loaded when it is used,
// so that `--help` and a launcher's «start an agent» stay fast.
import { Argument, Command, InvalidArgumentError, Option } from 'commander';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `tender: needs Node 24 or newer, this is ${process.versions.node}; start it by ./tender, which finds or installs one\n`,
  );
  process.exit(1);
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of at least 1 is wanted.');
  return value;
}

interface RecordOptions {
  readonly project?: string;
  readonly worker?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

const program = new Command('tender')
  .description('Makes a build fast by putting the idle machines of an office to work, and never in their owners’ way.')
  .version('0.1.0')
  .showHelpAfterError('(tender --help lists the commands)')
  .enablePositionalOptions();

/** Runs a command's code and ends with the exit code it gives. */
async function finish(code: Promise<number>): Promise<void> {
  process.exitCode = await code;
}

program
  .command('demo')
  .description(
    'builds a real C++ project through a throw-away farm on this machine, then locally, and compares every byte',
  )
  .option('--json', 'end with one line of JSON on standard output')
  .option('--chaos', 'kill one worker and freeze another in mid-build')
  .addOption(new Option('--corpus <name>', 'which project').choices(['abseil', 'leveldb']).default('abseil'))
  .option('--dir <dir>', 'a project of your own; its build command follows --')
  .argument('[command...]', 'the build command for --dir')
  .passThroughOptions()
  .action(
    async (
      command: string[],
      options: { json?: boolean; chaos?: boolean; corpus: 'abseil' | 'leveldb'; dir?: string },
    ) => {
      const { runDemo } = await import('./demo/demo.ts');
      await finish(
        runDemo({
          json: options.json ?? false,
          chaos: options.chaos ?? false,
          corpus: options.corpus,
          dir: options.dir ?? null,
          command: command.length > 0 ? command : null,
          out: process.stdout,
          log: (line) => process.stderr.write(`${line}\n`),
        }),
      );
    },
  );

program
  .command('build')
  .description('runs a build command (make, cmake, ninja, anything) with its compiles on the farm')
  .usage('[options] -- COMMAND...')
  .option('--needs <criteria>', 'what a worker must have, e.g. "mem.free >= 2GiB"')
  .addOption(new Option('--policy <name>', 'how machines are chosen').choices(['first', 'info', 'record', 'finish']))
  .option('-j, --jobs <n>', 'jobs for make or ninja instead of the number chosen', positive)
  .option('--json', 'end with one line of JSON on standard output')
  .argument('<command...>', 'the build command')
  .passThroughOptions()
  .action(async (command: string[], options: { needs?: string; policy?: string; jobs?: number; json?: boolean }) => {
    const { runBuild } = await import('./cli/build.ts');
    const { needs = '', policy = '', jobs = null, json = false } = options;
    await finish(runBuild(command, { needs, policy, jobs, json }));
  });

const calendar = program
  .command('calendar')
  .description('the owner’s calendars: what they say of when this machine is free');

calendar
  .command('add')
  .description('adds a calendar: an iCalendar file, an address of one, or a CalDAV account')
  .argument('<place>', 'a file, or an address (https://, webcal://)')
  .option('--name <name>', 'what to call it; from the place when not given', '')
  .option('--kind <kind>', 'file, url, caldav or freebusy; found out when not given')
  .option('--user <user>', 'who logs in; the password is asked for', '')
  .option('--password-stdin', 'read the password from standard input')
  .action(async (place: string, options: { name: string; kind?: string; user: string; passwordStdin?: boolean }) => {
    const { runCalendarAdd } = await import('./cli/calendar.ts');
    const { sourceKinds } = await import('../adapters/calendars/types.ts');
    const kind = sourceKinds.find((each) => each === options.kind) ?? null;
    if (options.kind !== undefined && kind === null) program.error(`error: --kind is one of ${sourceKinds.join(', ')}`);
    const { name, user, passwordStdin = false } = options;
    await finish(runCalendarAdd(place, { name, kind, user, passwordStdin }));
  });

calendar
  .command('list')
  .description('the calendars that were added')
  .option('--json', 'print JSON')
  .action(async (options: { json?: boolean }) => {
    const { runCalendarList } = await import('./cli/calendar.ts');
    await finish(runCalendarList(options.json ?? false));
  });

calendar
  .command('remove')
  .description('forgets a calendar, its password and its copy')
  .argument('<name>')
  .action(async (name: string) => {
    const { runCalendarRemove } = await import('./cli/calendar.ts');
    await finish(runCalendarRemove(name));
  });

calendar
  .command('test')
  .description('reads all calendars, or one, now')
  .argument('[name]')
  .action(async (name: string | undefined) => {
    const { runCalendarTest } = await import('./cli/calendar.ts');
    await finish(runCalendarTest(name ?? ''));
  });

calendar
  .command('show')
  .description('the next days as a strip, and how likely this machine stays free')
  .option('--days <n>', 'how many', positive, 3)
  .option('--json', 'print JSON')
  .action(async (options: { days: number; json?: boolean }) => {
    const { runCalendarShow } = await import('./cli/owner.ts');
    await finish(runCalendarShow(Math.min(14, options.days), options.json ?? false));
  });

calendar
  .command('expand')
  .description('prints when the events of a calendar file take place and what they mean, in UTC')
  .argument('<file>', 'an iCalendar file; - is standard input')
  .option('--from <date>', 'first day, or a time (2026-03-29T14:00:00); today when not given', '')
  .option('--to <date>', 'first day, or a time, that is no longer asked for; 14 days after --from when not given', '')
  .option('--zone <name>', 'the owner’s time zone (Europe/Berlin); this machine’s when not given', '')
  .option('--json', 'print JSON')
  .action(async (file: string, options: { from: string; to: string; zone: string; json?: boolean }) => {
    const { runCalendarExpand } = await import('./cli/calendar-expand.ts');
    await finish(Promise.resolve(runCalendarExpand(file, { ...options, json: options.json ?? false })));
  });

program
  .command('why')
  .description('one line: whether this machine helps others now, until when, and because of what')
  .option('--json', 'print JSON')
  .action(async (options: { json?: boolean }) => {
    const { runWhy } = await import('./cli/owner.ts');
    await finish(runWhy(options.json ?? false));
  });

program
  .command('pause')
  .description('help nobody, for a while or until `tender resume`')
  .argument('[length]', '90m, 2h, 1d')
  .action(async (length: string | undefined) => {
    const { runPause } = await import('./cli/owner.ts');
    await finish(runPause(length ?? ''));
  });

program
  .command('resume')
  .description('ends a pause; with a length: help for so long although you are here')
  .argument('[length]', '90m, 2h, 1d')
  .action(async (length: string | undefined) => {
    const { runResume } = await import('./cli/owner.ts');
    await finish(runResume(length ?? ''));
  });

program
  .command('hours')
  .description(
    'the hours in which this machine may help at all: "mon-fri 18:00-8:00, sat, sun"; always; without words: what they are',
  )
  .argument('[hours...]')
  .action(async (words: string[]) => {
    const { runHours } = await import('./cli/owner.ts');
    await finish(runHours(words.length === 0 ? null : words.join(' ')));
  });

program
  .command('status')
  .description('machines seen, slots, load, and who does what now')
  .option('--json', 'print JSON')
  .action(async (options: { json?: boolean }) => {
    const { runStatus } = await import('./cli/status.ts');
    await finish(runStatus(options.json ?? false));
  });

program
  .command('doctor')
  .description('looks at all that Tender needs on this machine, and says what to do about each fault')
  .option('--json', 'print JSON')
  .action(async (options: { json?: boolean }) => {
    const { runDoctor } = await import('./cli/doctor.ts');
    await finish(runDoctor(options.json ?? false));
  });

program
  .command('tasks')
  .description('what waits, what is away and where, what runs here')
  .option('--watch', 'show it again and again, until Ctrl-C')
  .option('--all', 'with those that ended lately')
  .option('--json', 'print JSON')
  .action(async (options: { watch?: boolean; all?: boolean; json?: boolean }) => {
    const { runTasks } = await import('./cli/tasks.ts');
    const { watch = false, all = false, json = false } = options;
    await finish(runTasks({ watch, all, json }));
  });

program
  .command('init')
  .description('makes a new cluster whose first machine is this one')
  .option('--name <name>', 'the cluster’s name', 'office')
  .option('--json', 'print JSON')
  .action(async (options: { name: string; json?: boolean }) => {
    const { runInit } = await import('./cli/cluster.ts');
    await finish(runInit(options.name, options.json ?? false));
  });

program
  .command('invite')
  .description('prints a one-time token with which another machine joins this cluster')
  .option('--minutes <n>', 'how long the token is good', positive, 15)
  .option('--print-token-only', 'print nothing but the token')
  .option('--json', 'print JSON')
  .action(async (options: { minutes: number; printTokenOnly?: boolean; json?: boolean }) => {
    const { runInvite } = await import('./cli/cluster.ts');
    await finish(
      runInvite({ minutes: options.minutes, bare: options.printTokenOnly ?? false, json: options.json ?? false }),
    );
  });

program
  .command('join')
  .description('joins the cluster of a token; this machine then takes tasks')
  .argument('<token>', 'from `tender invite` on a machine of the cluster')
  .option('--json', 'print JSON')
  .action(async (token: string, options: { json?: boolean }) => {
    const { runJoin } = await import('./cli/cluster.ts');
    await finish(runJoin(token, options.json ?? false));
  });

program
  .command('agent')
  .description('runs this machine’s agent in the foreground (it is started by itself when it is needed)')
  .option('--background', 'start it if it does not run, and return when it answers')
  .action(async (options: { background?: boolean }) => {
    if (options.background === true) {
      const { runAgentInBackground } = await import('./cli/agent-client.ts');
      await finish(runAgentInBackground());
      return;
    }
    const { homeDirectory } = await import('../adapters/config/config.ts');
    const { CodeCache } = await import('./agent/code-cache.ts');
    const code = new CodeCache(homeDirectory());
    const { runAgent } = await import('./agent/agent.ts');
    await finish(runAgent(undefined, code));
  });

program
  .command('stop')
  .description('ends this machine’s agent; builds go on with the local compiler')
  .option('--json', 'print JSON')
  .action(async (options: { json?: boolean }) => {
    const { runStop } = await import('./cli/agent-client.ts');
    await finish(runStop(options.json ?? false));
  });

program
  .command('masquerade')
  .description('prints the directory of compiler links (made if missing) to put first in PATH')
  .option('--print', 'the default')
  .action(async () => {
    const { runMasquerade } = await import('./cli/masquerade.ts');
    await finish(runMasquerade());
  });

program
  .command('explain')
  .description(
    'tells what became of a compile and why (the latest, or the one of TASK: number, path or a part of it); ' +
      'after --, what would become of a compiler call: it travels or stays, why, with what, and under which key',
  )
  .usage('[options] [TASK]\n       tender explain [options] -- g++ …')
  .option('--files', 'with a compiler call: name every file that goes along')
  .option('--json', 'print JSON')
  .argument('[words...]')
  .passThroughOptions()
  .action(async (words: string[], options: { files?: boolean; json?: boolean }) => {
    const at = process.argv.indexOf('--');
    const command = at === -1 ? [] : process.argv.slice(at + 1);
    // Options after the task, too: what comes before -- is never a compiler's.
    const before = words.slice(0, words.length - command.length);
    const [task = '', ...more] = before.filter((word) => word !== '--json');
    const json = options.json === true || before.includes('--json');
    if (at !== -1 && task === '' && command.length > 0) {
      const { runExplain } = await import('./cli/explain.ts');
      await finish(runExplain(command, { files: options.files ?? false, json }));
    } else if (at !== -1 || more.length > 0) {
      process.stderr.write(
        'tender: explain wants one TASK, or a compiler call after --: tender explain -- g++ -c file.cc\n',
      );
      process.exitCode = 1;
    } else {
      const { runExplainTask } = await import('./cli/explain-task.ts');
      await finish(runExplainTask(task, json));
    }
  });

program
  .command('store')
  .description('the results of compiles kept on this machine: what there is, away with it, or whether it is whole')
  .addArgument(new Argument('<what>', 'what to do').choices(['stats', 'clear', 'verify']))
  .option('--json', 'print JSON')
  .action(async (what: 'stats' | 'clear' | 'verify', options: { json?: boolean }) => {
    const { runStore } = await import('./cli/store.ts');
    await finish(runStore(what, options.json ?? false));
  });

program
  .command('record')
  .description('what was learnt of past compiles: projects, workers with their rates, the slowest units')
  .usage('[options] [show UNIT|WORKER | forget (--project P | --worker W | --owner | --all)]')
  .addArgument(new Argument('[what]', 'what to do').choices(['show', 'forget']))
  .argument('[name]', 'for show: a unit’s or worker’s name or path, or its end')
  .option('--project <dir>', 'forget: what was learnt in this project; else show only this one')
  .option('--worker <name>', 'forget: what was learnt of this worker; with --project, there only')
  .option('--owner', 'forget: what was learnt of this machine’s owner, their breaks, days and calendars')
  .option('--all', 'forget: everything')
  .option('--json', 'print JSON')
  .action(async (what: 'show' | 'forget' | undefined, name: string | undefined, options: RecordOptions) => {
    const { runRecord } = await import('./cli/record.ts');
    await finish(runRecord(what ?? 'list', name ?? '', options));
  });

await program.parseAsync().catch((error: unknown) => {
  // Only a bug comes here: what users can do wrong has its own message.
  process.stderr.write(
    `tender: ${error instanceof Error ? error.message : String(error)} (this is a fault of Tender)\n`,
  );
  if (process.env['TENDER_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = 70;
});
