// `tender doctor`: looks at everything on this machine that helping and being helped needs, by doing it where that is possible, and says
// for each fault what to do. Works with and without an agent, and starts none.
import { existsSync, realpathSync, statfsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadSources, sourcesPath } from '../../adapters/calendars/source-file.ts';
import { loadCluster } from '../../adapters/cluster/files.ts';
import { homeDirectory, loadConfig, prepareHome, storeDirectory, type Config } from '../../adapters/config/config.ts';
import { openSandbox } from '../../adapters/sandbox/open.ts';
import { isTrustedCompiler, Toolchains } from '../../adapters/toolchain/index.ts';
import { complain } from '../complain.ts';
import type { StatusReport } from '../report.ts';
import { ask } from './agent-client.ts';
import { readOnce } from './calendar.ts';
import { fold, paintFor, widthOf } from './terminal.ts';

export interface Finding {
  readonly area: 'home' | 'agent' | 'cluster' | 'clock' | 'compiler' | 'sandbox' | 'disk' | 'calendar';
  /** `note`: works, but the owner may want to know. */
  readonly state: 'ok' | 'note' | 'fault';
  readonly said: string;
  /** What to do about it; empty: nothing. */
  readonly todo: string;
}

/** Ends with 1 when something does not work. */
export async function runDoctor(json: boolean): Promise<number> {
  const home = homeDirectory();
  const prepared = prepareHome(home);
  if (!prepared.ok) return complain(prepared.error);
  const config = loadConfig(home);
  const findings: Finding[] = [checkHome(home, config.ok ? null : config.error)];
  const asked = await ask(home, { cmd: 'status' });
  const status = asked.ok ? (asked.value[0] as StatusReport) : null;
  findings.push(...checkAgent(home, status));
  findings.push(checkCluster(home), checkClock());
  findings.push(...(await checkCompilers(home)));
  findings.push(await checkSandbox(home, config.ok ? config.value : null, status));
  findings.push(...checkDisks(home, config.ok ? config.value : null));
  findings.push(...(await checkCalendars(home, config.ok ? config.value : null)));
  const faults = findings.filter(({ state }) => state === 'fault').length;
  if (json) process.stdout.write(`${JSON.stringify(findings)}\n`);
  else process.stdout.write(`${render(findings)}\n`);
  return faults === 0 ? 0 : 1;
}

function render(findings: readonly Finding[]): string {
  const { stdout } = process;
  const [width, paint] = [widthOf(stdout), paintFor(stdout)];
  const lines: string[] = [];
  for (const { area, state, said, todo } of findings) {
    const mark = state === 'ok' ? 'ok   ' : state === 'note' ? 'note ' : 'FAULT';
    const [first = '', ...more] = fold(`${area}: ${said}`, width - 6);
    const shown = state === 'fault' ? paint.warn(mark) : mark;
    lines.push(`${shown} ${first}`, ...more.map((line) => `      ${line}`));
    if (todo !== '') lines.push(...fold(`→ ${todo}`, width - 6).map((line) => `      ${paint.bold(line)}`));
  }
  const faults = findings.filter(({ state }) => state === 'fault').length;
  lines.push(faults === 0 ? 'Nothing to mend.' : `${faults} to mend.`);
  return lines.join('\n');
}

const good = (area: Finding['area'], said: string): Finding => ({ area, state: 'ok', said, todo: '' });
const note = (area: Finding['area'], said: string, todo = ''): Finding => ({ area, state: 'note', said, todo });
const fault = (area: Finding['area'], said: string, todo: string): Finding => ({ area, state: 'fault', said, todo });

function checkHome(home: string, problem: string | null): Finding {
  if (problem !== null) return fault('home', problem, `mend that line; the agent does not start before`);
  const secret = sourcesPath(home);
  if (existsSync(secret) && (statSync(secret).mode & 0o077) !== 0) {
    return fault('home', `${secret} holds passwords and may be read by others`, `chmod 600 ${secret}`);
  }
  return good('home', `${home}, configuration read`);
}

function checkAgent(home: string, status: StatusReport | null): Finding[] {
  if (status === null) {
    return [
      note('agent', `none runs for ${home}`, 'it starts by itself with a build; `tender agent --background` starts it'),
    ];
  }
  const { agent, owner, machines } = status;
  const problems = agent.problems.map((problem) => fault('agent', problem, 'the log may say more: log/agent.log'));
  const lends = agent.slots > 0 ? `lends ${agent.slots} slots, ${owner.why}` : `lends nothing: ${agent.closedBecause}`;
  const heard = machines.length === 0 ? '' : `; ${machines.length} machines heard of`;
  return [good('agent', `runs (pid ${agent.pid}), ${lends}${heard}`), ...checkGivesWay(agent.givesWay), ...problems];
}

/** Without a group of their own tasks are felt more; nothing is wrong with that machine, though. */
function checkGivesWay(how: string): Finding[] {
  if (how === '') return [];
  const said = `tasks of others give way to your programs by ${how}`;
  if (how.includes('idle')) return [good('agent', said)];
  if (how.startsWith('not at all')) return [note('agent', `tasks of others give way ${how}`)];
  return [note('agent', said, 'docs/operations.md says where an idle control group is to be had')];
}

function checkCluster(home: string): Finding {
  const cluster = loadCluster(home);
  if (!cluster.ok) return fault('cluster', cluster.error.message, cluster.error.hint);
  if (cluster.value === null) {
    return note('cluster', 'none: builds run here alone', '`tender init` makes one, `tender join TOKEN` joins one');
  }
  return good('cluster', `«${cluster.value.clusterName}» as ${cluster.value.nodeName}; the certificate is good`);
}

/** What chrony, ntpd and systemd-timesyncd have told the kernel; announcements that are two minutes off are refused. */
function checkClock(): Finding {
  const builtAtMs = statSync(process.execPath).mtimeMs;
  if (Date.now() < builtAtMs - 86_400_000) {
    return fault(
      'clock',
      `says ${new Date().toISOString()}, which is before Node was installed`,
      'set it: other machines refuse what comes from another time',
    );
  }
  const isSynchronised = existsSync('/run/systemd/timesync/synchronized') || existsSync('/run/chrony');
  const said = `${new Date().toISOString()}, zone ${new Intl.DateTimeFormat().resolvedOptions().timeZone}`;
  if (isSynchronised) return good('clock', `${said}, kept by the network`);
  return note(
    'clock',
    `${said}; nothing seems to keep it right`,
    'two minutes of difference to other machines end all help; install chrony or systemd-timesyncd',
  );
}

async function checkCompilers(home: string): Promise<Finding[]> {
  const toolchains = new Toolchains({ memory: join(home, 'compilers.json') });
  const findings: Finding[] = [];
  for (const name of ['gcc', 'g++', 'clang', 'clang++']) {
    const path = (process.env['PATH'] ?? '')
      .split(':')
      .map((dir) => join(dir, name))
      .find((file) => file.startsWith('/') && existsSync(file) && !isOurLink(file));
    if (path === undefined) continue;
    const described = await toolchains.describe(path);
    if (!described.ok)
      findings.push(
        fault(
          'compiler',
          `${path}: ${described.error.message}`,
          'is the compiler installed whole? its package may be reinstalled',
        ),
      );
    else if (!isTrustedCompiler(path)) {
      findings.push(
        note(
          'compiler',
          `${path}: ${described.value.label}; others may change it, so it compiles nothing for other machines`,
          `sudo chown root:root ${path}; sudo chmod go-w ${path}`,
        ),
      );
    } else findings.push(good('compiler', `${path}: ${described.value.label}`));
  }
  return findings.length > 0
    ? findings
    : [fault('compiler', 'there is neither gcc nor clang on PATH', 'sudo apt-get install -y gcc g++')];
}

/** The links that stand in for compilers during a build. */
const isOurLink = (file: string): boolean => basename(realpathSync(file)) === 'tender-cc';

async function checkSandbox(home: string, config: Config | null, status: StatusReport | null): Promise<Finding> {
  if (config !== null && (!config.work.enabled || config.work.slots === 0)) {
    return note('sandbox', 'not tried: work is switched off in config.toml');
  }
  if (status !== null && status.agent.slots > 0) return good('sandbox', 'the agent tried it when it started');
  const opened = await openSandbox(home);
  if (!opened.ok) return fault('sandbox', `${opened.error.message}; this machine takes no tasks`, opened.error.command);
  opened.value.close();
  return good('sandbox', `a trial ran in bubblewrap ${opened.value.version}`);
}

const FREE_WANTED = 2 * 2 ** 30;

function checkDisks(home: string, config: Config | null): Finding[] {
  const store = config === null ? null : storeDirectory(config, home);
  const places = new Map([['home', home]]);
  if (store?.ok === true && existsSync(store.value)) places.set('store', store.value);
  return [...places].map(([what, dir]) => {
    const { bavail, bsize, ffree, files } = statfsSync(dir);
    const free = bavail * bsize;
    const said = `${what} ${dir}: ${(free / 2 ** 30).toFixed(1)} GiB free`;
    if (files > 0 && ffree < 10_000)
      return fault(
        'disk',
        `${said}, but only ${ffree} files more`,
        'remove files there, or set store.dir to another disk',
      );
    return free < FREE_WANTED
      ? fault(
          'disk',
          said,
          'compiles of others and kept results need room: `tender store clear`, or set store.dir to another disk',
        )
      : good('disk', said);
  });
}

async function checkCalendars(home: string, config: Config | null): Promise<Finding[]> {
  const sources = loadSources(home);
  if (!sources.ok) return [fault('calendar', sources.error, '`tender calendar list` shows what is left')];
  const findings: Finding[] = [];
  const names = new Set(sources.value.map(({ name }) => name));
  for (const { calendar, match } of config?.calendar.rules ?? []) {
    if (calendar === '' || names.has(calendar)) continue;
    findings.push(
      fault(
        'calendar',
        `the rule for «${match}» in config.toml is for a calendar «${calendar}», which there is not`,
        '`tender calendar list` shows the names',
      ),
    );
  }
  if (sources.value.length === 0) {
    return [
      ...findings,
      note('calendar', 'none; presence and habits decide alone', '`tender calendar add FILE-OR-ADDRESS`'),
    ];
  }
  const read = await Promise.all(sources.value.map(async (source) => ({ source, found: await readOnce(source) })));
  for (const { source, found } of read) {
    const name = `«${source.name}»`;
    if (found.ok) findings.push(good('calendar', `${name}: ${found.value.said}`));
    else
      findings.push(
        fault('calendar', `${name} (${source.place}): ${found.error}`, adviceFor(found.error, source.name)),
      );
  }
  return findings;
}

function adviceFor(problem: string, name: string): string {
  if (problem.includes('(401)'))
    return `\`tender calendar remove ${name}\`, then add it with the right password; some servers want an app password`;
  if (/\(40[34]\)|\(410\)|no calendar|no such file/.test(problem)) {
    return `its address may have changed: docs/calendars.md says where to find it; \`tender calendar remove ${name}\` forgets it`;
  }
  return 'until it answers again the last copy counts for a day; `tender calendar list` says when it is asked next';
}
