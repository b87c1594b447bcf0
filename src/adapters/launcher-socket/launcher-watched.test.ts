// tender-cc beside a compiler that runs here and is watched: nothing differs for the build, whatever becomes of the agent,
// and the agent is told how it ended.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeStr, ReportParser } from './frames.ts';
import { Rig, buildLauncher, until, type Running } from './test-rig.ts';
import type { LauncherReport } from './types.ts';

const launcher = buildLauncher();
const KEPT_BYTES = 64 * 1024;
/** What a launcher is told that shall watch its compiler, as bytes in hex. */
const WATCH_HEX = '430400000000000000';

describe.skipIf(launcher === null)('tender-cc beside its compiler', () => {
  let rig: Rig;
  let fifo: string;
  let reports: LauncherReport[];
  /** One for each test: a call of the test before may close as late as in the next. */
  let calls: { closed: number };
  beforeEach(() => {
    rig = new Rig(launcher ?? '');
    fifo = join(rig.dir, 'fifo');
    execFileSync('mkfifo', [fifo]);
    [reports, calls] = [[], { closed: 0 }];
  });
  afterEach(() => rig.dispose());

  const watch = (onReport: (report: LauncherReport) => void = () => undefined): Promise<unknown> =>
    rig.agent((_request, call) => {
      const [told, ends] = [reports, calls];
      call.onClosed(() => ends.closed++);
      call.local('own-slot', (report) => {
        told.push(report);
        onReport(report);
      });
    });

  const printed = (report: LauncherReport | undefined): string[] =>
    report?.printed == null
      ? []
      : [report.printed.stdout, report.printed.stderr].map((data) => Buffer.from(data).toString());

  /** Resolves with the first bytes of a stream. */
  const firstOf = ({ child }: Running, stream: 'stdout' | 'stderr'): Promise<string> =>
    new Promise((resolve) => child[stream]?.once('data', (data: Buffer) => resolve(data.toString())));

  test('what it prints comes at once, and is told at the end, with the exit code', async () => {
    await watch();
    const cc = rig.script(
      'cc',
      'echo "$TENDER_NESTED $1"; echo early >&2; read go < "$2"; echo late; echo last >&2; exit 7',
    );
    const running = rig.start(rig.launcher, [cc, 'a  b', fifo], { env: { TENDER_VERBOSE: '1' } });
    expect(await firstOf(running, 'stdout')).toBe('1 a  b\n');
    expect(reports).toEqual([]);
    writeFileSync(fifo, 'go\n');
    expect(await running.ended).toMatchObject({
      code: 7,
      stdout: '1 a  b\nlate\n',
      stderr: 'tender-cc: cc runs here: own-slot\nearly\nlast\n',
    });
    await until('the call to close', () => calls.closed === 1);
    expect(reports).toMatchObject([{ exit: { how: 'exit', code: 7 } }]);
    expect(printed(reports[0])).toEqual(['1 a  b\nlate\n', 'early\nlast\n']);
  });

  test('of a compile that went well, the launcher waits until the agent has looked', async () => {
    const seen: string[] = [];
    await watch(() => seen.push(readFileSync(join(rig.work, 'a.o'), 'utf8')));
    const cc = rig.script('cc', 'echo mine > a.o');
    for (let i = 0; i < 20; i++) {
      const script = '"$0" "$1" && echo other > a.o';
      expect(await rig.start('/bin/sh', ['-c', script, rig.launcher, cc]).ended).toMatchObject({ code: 0 });
    }
    expect(seen).toEqual(Array.from({ length: 20 }, () => 'mine\n'));
    expect(reports[0]?.cpuMs).toBeGreaterThan(0);
  });

  test.each([
    [KEPT_BYTES, true],
    [KEPT_BYTES + 1, false],
    [3_000_000, false],
  ])('%i bytes are all passed on; told: %s', async (bytes, whole) => {
    await watch();
    const cc = rig.script('cc', `head -c ${bytes} /dev/zero | tr '\\0' x >&2; echo out`);
    const ended = await rig.cc([cc]);
    expect({ ...ended, stderr: ended.stderr.length }).toMatchObject({ code: 0, stdout: 'out\n', stderr: bytes });
    await until('the call to close', () => calls.closed === 1);
    expect(printed(reports[0]).map(({ length }) => length)).toEqual(whole ? [4, bytes] : []);
  });

  test.each([
    ['SIGSEGV', 11],
    ['SIGKILL', 9],
    ['SIGPIPE', 13],
  ] as const)('a compiler that dies by %s', async (name, number) => {
    await watch();
    const ended = await rig.cc([rig.script('cc', `echo dying >&2; kill -${number} $$`)]);
    expect(ended).toMatchObject({ code: null, signal: name, stderr: 'dying\n' });
    await until('the call to close', () => calls.closed === 1);
    expect(reports).toMatchObject([{ exit: { how: 'signal', code: number } }]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGALRM'] as const)(
    '%s to the launcher alone reaches the compiler',
    async (name) => {
      await watch();
      const kind = name.slice(3);
      const cc = rig.script('cc', `trap 'echo cleaning; exit 3' ${kind}; echo ready; read go < "$1"`);
      const running = rig.start(rig.launcher, [cc, fifo]);
      await firstOf(running, 'stdout');
      running.child.kill(name);
      expect(await running.ended).toMatchObject({ code: 3, stdout: 'ready\ncleaning\n' });
      const deaf = rig.start(rig.launcher, [rig.script('cc2', `echo ready; read go < "$1"`), fifo]);
      await firstOf(deaf, 'stdout');
      deaf.child.kill(name);
      expect(await deaf.ended).toMatchObject({ code: null, signal: name });
    },
  );

  test('a launcher that is killed takes the compiler along', async () => {
    await watch();
    const running = rig.start(rig.launcher, [rig.script('cc', `echo $$; read go < "$1"; echo alive > late`), fifo]);
    const pid = (await firstOf(running, 'stdout')).trim();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    running.child.kill('SIGKILL');
    expect(await running.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
    await until('the compiler to end', () => !existsSync(`/proc/${pid}`));
    await until('the call to close', () => calls.closed === 1);
    expect(reports).toEqual([]);
  });

  test('an agent that is killed, and one that is stopped, change nothing', async () => {
    const { child } = await rig.agentProcess(WATCH_HEX);
    const cc = rig.script('cc', `echo ready; read go < "$1"; echo done >&2`);
    const stopped = rig.start(rig.launcher, [cc, fifo]);
    await firstOf(stopped, 'stdout');
    child.kill('SIGSTOP');
    const sinceMs = performance.now();
    writeFileSync(fifo, 'go\n');
    expect(await stopped.ended).toMatchObject({ code: 0, stdout: 'ready\n', stderr: 'done\n' });
    expect(performance.now() - sinceMs).toBeLessThan(2000);
    child.kill('SIGCONT');
    const killed = rig.start(rig.launcher, [cc, fifo]);
    await firstOf(killed, 'stdout');
    child.kill('SIGKILL');
    await until('the agent to end', () => child.signalCode !== null);
    writeFileSync(fifo, 'go\n');
    expect(await killed.ended).toMatchObject({ code: 0, stdout: 'ready\n', stderr: 'done\n' });
  });

  test('a slot is taken until all has ended that the compiler left behind', async () => {
    await watch();
    const cc = rig.script('cc', `(exec > /dev/null 2>&1; read go < "$1") & echo left`);
    expect(await rig.cc([cc, fifo])).toMatchObject({ code: 0, stdout: 'left\n' });
    // A second call's answer is a round trip through the server: whatever closed before it would have been seen.
    await rig.cc(['true']);
    await until("the second call's close", () => calls.closed === 1);
    writeFileSync(fifo, 'go\n');
    await until('the first call to close', () => calls.closed === 2);
  });

  test('what is left behind and may print more is not waited for, and nothing is told as whole', async () => {
    await watch();
    const ended = await rig.cc([rig.script('cc', `(read go < "$1") & echo left`), fifo]);
    expect(ended).toMatchObject({ code: 0, stdout: 'left\n' });
    await until('the report', () => reports.length === 1);
    expect(reports[0]?.printed).toBeNull();
    writeFileSync(fifo, 'go\n');
  }, 15_000);

  test.each([
    ['closed streams', `exec "$0" "$1" >&- 2>&-`, ''],
    ['SIGCHLD ignored', `trap '' CHLD; exec "$0" "$1"`, 'out\n'],
    ['a reader that leaves', `"$0" "$1" x | head -n 1`, 'out\n'],
    ['one pipe for both', `exec "$0" "$1" 2>&1`, 'out\nerr\n'],
  ])('%s', async (_name, script, stdout) => {
    await watch();
    const cc = rig.script('cc', `echo out; sleep 0; echo err >&2; if [ -n "$1" ]; then yes; fi`);
    const ended = await rig.start('/bin/sh', ['-c', script, rig.launcher, cc]).ended;
    expect({ ...ended, stdout: ended.stdout.split('\n').sort().join('\n') }).toMatchObject({
      code: 0,
      stdout: stdout.split('\n').sort().join('\n'),
    });
  });

  test('in a terminal the compiler has a terminal of that size; what it prints there is not told', async () => {
    await watch();
    const cc = rig.script('cc', `[ -z "$1" ] && exit 0; [ -t 1 ] && [ -t 2 ] && stty size <&2 && printf 'a\\tb\\n'`);
    const inTerminal = `stty rows 20 cols 77; '${rig.launcher}' '${cc}' says`;
    const ended = await rig.start('script', ['-qec', inTerminal, '/dev/null']).ended;
    expect(ended).toMatchObject({ code: 0, stdout: '20 77\r\na\tb\r\n' });
    await until('the report', () => reports.length === 1);
    expect(reports[0]?.printed).toBeNull();
    expect(await rig.start('script', ['-qec', `'${rig.launcher}' '${cc}'`, '/dev/null']).ended).toMatchObject({
      code: 0,
    });
    await until('the second report', () => reports.length === 2);
    expect(printed(reports[1])).toEqual(['', '']);
  });
});

describe('a report', () => {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const frame = (...body: readonly Buffer[]): Buffer =>
    Buffer.concat([Buffer.from('D'), u32(Buffer.concat(body).length), ...body]);
  const head = Buffer.concat([Buffer.of(0), u32(3), u32(5_000), u32(1)]);
  const good = frame(head, encodeStr('out'), encodeStr('error'));

  test('is read in any pieces', () => {
    for (let cut = 1; cut < good.length; cut++) {
      const parser = new ReportParser();
      expect(parser.push(good.subarray(0, cut))).toBeNull();
      const report = parser.push(good.subarray(cut));
      expect(report).toEqual({
        exit: { how: 'exit', code: 3 },
        cpuMs: 5,
        printed: { stdout: Buffer.from('out'), stderr: Buffer.from('error') },
      });
    }
  });

  test.each([
    ['another frame', Buffer.from('K\0\0\0\0')],
    ['one too long', Buffer.concat([Buffer.from('D'), u32(1 << 20)])],
    ['one too short', frame(head)],
    ['a length that lies', frame(head, u32(100), encodeStr(''))],
    ['one with more behind it', Buffer.concat([good, Buffer.of(0)])],
    ['one with more in it', frame(head, encodeStr('out'), encodeStr('error'), Buffer.of(0))],
  ])('malformed: %s', (_name, bytes) => {
    expect(new ReportParser().push(bytes)).toBe('malformed');
  });
});
