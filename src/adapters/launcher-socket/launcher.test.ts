// tender-cc beside an agent that is well: what it asks, how it prints, moves outputs, dies, and steps aside.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Rig, buildLauncher, until } from './test-rig.ts';
import type { LauncherCall, LauncherRequest } from './types.ts';

const launcher = buildLauncher();
const NONE = new Uint8Array();

describe.skipIf(launcher === null)('tender-cc', () => {
  let rig: Rig;
  beforeEach(() => void (rig = new Rig(launcher ?? '')));
  afterEach(() => rig.dispose());

  test('argv, cwd, environment and umask arrive exactly', async () => {
    const requests: LauncherRequest[] = [];
    await rig.agent((request, call) => {
      requests.push(request);
      call.result({ how: 'exit', code: 0 }, [], NONE, NONE);
    });
    const gxx = rig.script('bin/g++', 'exit 9');
    const cwd = join(rig.dir, 'a b\nc');
    mkdirSync(cwd);
    const args = ['-c', 'a file.cc', '', 'two\nlines', '-DX="ü"', '@x', ' '];
    const env = {
      PATH: `${rig.dir}/bin:/usr/bin:/bin`,
      EMPTY: '',
      ODD: 'a=b\n c',
      MAKEFLAGS: '-j --jobserver-auth=3,4',
    };
    const ended = await rig.start('/bin/sh', ['-c', 'umask 027; exec "$0" "$@"', rig.launcher, 'g++', ...args], {
      cwd,
      env,
    }).ended;
    expect(ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const [request] = requests;
    expect(request).toMatchObject({ compiler: gxx, cwd, argv: ['g++', ...args], umask: 0o027, validUtf8: true });
    expect(request).toMatchObject({ stderrIsTerminal: false, stdoutIsTerminal: false });
    const sent = new Map(request?.env.map((entry) => [entry.split('=')[0], entry.slice(entry.indexOf('=') + 1)]));
    expect(
      Object.fromEntries([...sent].filter(([name]) => name !== 'PWD' && name !== '_' && name !== 'OLDPWD')),
    ).toEqual({
      LC_ALL: 'C',
      TENDER_HOME: rig.home,
      TENDER_NO_START: '1',
      ...env,
    });
  });

  test('bytes that are not UTF-8 are said to be lost', async () => {
    const flags: boolean[] = [];
    await rig.agent((request, call) => {
      flags.push(request.validUtf8);
      call.local('path-not-utf8');
    });
    const probe = rig.script('probe', 'printf %s "$1" | od -An -tx1');
    const script = `exec "$0" "$1" "$(printf 'a\\377')"`;
    const ended = await rig.start('/bin/sh', ['-c', script, rig.launcher, probe]).ended;
    expect(flags).toEqual([false]);
    expect(ended.stdout.trim()).toBe('61 ff');
  });

  test('a terminal is reported as one', async () => {
    const seen: [boolean, boolean][] = [];
    await rig.agent((request, call) => {
      seen.push([request.stdoutIsTerminal, request.stderrIsTerminal]);
      call.result({ how: 'exit', code: 0 }, [], NONE, NONE);
    });
    await rig.start('script', ['-qec', `${rig.launcher} true`, '/dev/null']).ended;
    expect(seen).toEqual([[true, true]]);
  });

  test('a result is printed, its files are moved and removed, and its exit code is ours', async () => {
    const events: string[] = [];
    const [object, stale] = [join(rig.work, 'a.o'), join(rig.work, 'a.dwo')];
    writeFileSync(object, 'old');
    writeFileSync(stale, 'old');
    await rig.agent((_request, call) => {
      writeFileSync(join(rig.work, '.a.o.tmp'), 'new');
      call.onKept(() => events.push(`kept ${readFileSync(object, 'utf8')}`));
      call.onClosed(() => events.push('closed'));
      const stderr = Buffer.alloc(300_000, 'e');
      call.result(
        { how: 'exit', code: 3 },
        [
          [join(rig.work, '.a.o.tmp'), object],
          ['', stale],
          ['', `${stale}2`],
        ],
        Buffer.from('out\0put'),
        stderr,
      );
    });
    const ended = await rig.cc(['true', '-c', 'a.c']);
    expect(ended).toMatchObject({ code: 3, stdout: 'out\0put', stderr: 'e'.repeat(300_000) });
    expect(readdirSync(rig.work)).toEqual(['a.o']);
    await until('the call to close', () => events.includes('closed'));
    expect(events).toEqual(['kept new', 'closed']);
  });

  test.each([
    ['SIGSEGV', 11],
    ['SIGKILL', 9],
    ['SIGABRT', 6],
  ] as const)('a compiler killed by %s is a launcher killed by it', async (name, number) => {
    await rig.agent((_request, call) => call.result({ how: 'signal', code: number }, [], NONE, Buffer.from('dying')));
    const ended = await rig.cc(['true']);
    expect(ended).toMatchObject({ code: null, signal: name, stderr: 'dying' });
    expect(readdirSync(rig.work)).toEqual([]);
  });

  test('a launcher killed before the result leaves no output behind', async () => {
    const calls: LauncherCall[] = [];
    let kept = false;
    let closed = false;
    const waiting = new Promise<void>((resolve) => {
      void rig.agent((_request, call) => {
        calls.push(call);
        call.onKept(() => (kept = true));
        call.onClosed(() => (closed = true));
        resolve();
      });
    });
    await until('the socket', () => existsSync(rig.socket));
    const { child, ended } = rig.start(rig.launcher, ['true']);
    await waiting;
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGINT' });
    await until('the call to close', () => closed);
    writeFileSync(join(rig.work, 'tmp'), '');
    expect(calls[0]?.closed).toBe(true);
    calls[0]?.result({ how: 'exit', code: 0 }, [[join(rig.work, 'tmp'), join(rig.work, 'a.o')]], NONE, NONE);
    let again = false;
    calls[0]?.onClosed(() => (again = true));
    await until('a late onClosed', () => again);
    expect(kept).toBe(false);
    expect(readdirSync(rig.work)).toEqual(['tmp']);
  });

  test('told «locally», it runs the compiler and the call stays open until that ends', async () => {
    let closed = false;
    const server = await rig.agent((_request, call) => {
      call.onClosed(() => (closed = true));
      call.local('own-slot');
    });
    const compiler = rig.script('slow cc', 'echo "$TENDER_NESTED $1"; read go < "$2"; exit 7');
    const fifo = join(rig.dir, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const { child, ended } = rig.start(rig.launcher, [compiler, 'a  b', fifo], { env: { TENDER_VERBOSE: '1' } });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    // A second call's answer is a round trip through the server: whatever closed before it would have been seen.
    await rig.cc(['true']);
    await until("the second call's close", () => closed);
    closed = false;
    expect(server.connections).toBe(1);
    writeFileSync(fifo, 'go\n');
    expect(await ended).toMatchObject({
      code: 7,
      stdout: '1 a  b\n',
      stderr: 'tender-cc: slow cc runs here: own-slot\n',
    });
    await until('the call to close', () => closed);
  });

  test('a rename that fails: the real compiler says what is wrong, and the call ends without being kept', async () => {
    const events: string[] = [];
    await rig.agent((_request, call) => {
      call.onKept(() => events.push('kept'));
      call.onClosed(() => events.push('closed'));
      writeFileSync(join(rig.work, 'tmp'), '');
      call.result(
        { how: 'exit', code: 0 },
        [[join(rig.work, 'tmp'), join(rig.work, 'none/a.o')]],
        Buffer.from('no'),
        NONE,
      );
    });
    writeFileSync(join(rig.work, 'a.c'), 'int a;\n');
    const ended = await rig.cc(['gcc', '-c', 'a.c', '-o', 'none/a.o']);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toMatch(/none\/a\.o: No such file or directory/);
    await until('the call to close', () => events.includes('closed'));
    expect(events).toEqual(['closed']);
  });

  test('with gcc the object is the one that gcc makes', async () => {
    await rig.agent((_request, call) => call.local('stays'));
    writeFileSync(join(rig.work, 'a.c'), 'int main(void) { return 0; }\n');
    execFileSync('gcc', ['-g', '-c', 'a.c', '-o', 'direct.o'], { cwd: rig.work });
    expect(await rig.cc(['gcc', '-g', '-c', 'a.c', '-o', 'ours.o'])).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(rig.work, 'ours.o')).equals(readFileSync(join(rig.work, 'direct.o')))).toBe(true);
  });

  test('two hundred at once each get their own answer', async () => {
    const waiting: [LauncherRequest, LauncherCall][] = [];
    await rig.agent((request, call) => {
      waiting.push([request, call]);
      if (waiting.length < 200) return;
      for (const [{ argv }, each] of waiting) {
        each.result({ how: 'exit', code: Number(argv[1]) % 100 }, [], Buffer.from(`out ${argv[1]}`), NONE);
      }
    });
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => rig.cc(['true', `${i}`])));
    expect(all.map(({ code, stdout }) => [code, stdout])).toEqual(all.map((_, i) => [i % 100, `out ${i}`]));
  }, 30_000);

  test.each(['TENDER_DISABLE', 'TENDER_NESTED'])('%s: the agent is not asked', async (name) => {
    let asked = 0;
    await rig.agent((_request, call) => {
      asked++;
      call.local('');
    });
    const compiler = rig.script('cc', 'echo "compiled $*"');
    expect(await rig.cc([compiler, 'x'], { env: { [name]: '1' } })).toMatchObject({ code: 0, stdout: 'compiled x\n' });
    expect(asked).toBe(0);
    expect(await rig.cc([compiler, 'x'], { env: { [name]: '0' } })).toMatchObject({ code: 0, stdout: 'compiled x\n' });
    expect(asked).toBe(1);
  });

  test('alone, with --help or --version it says how to use it', async () => {
    for (const args of [[], ['--help'], ['--version']]) {
      const ended = await rig.cc(args);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout).toMatch(/tender-cc g\+\+ -c/);
    }
  });

  test('a compiler that is not there: 127 and a plain word', async () => {
    const byName = await rig.cc(['no-such-cc', '-c']);
    expect(byName).toMatchObject({ code: 127, stdout: '' });
    expect(byName.stderr).toBe(
      'tender-cc: no compiler no-such-cc in PATH besides the launcher: install it or correct its name\n',
    );
    expect((await rig.cc(['./no-such-cc'])).stderr).toBe(
      'tender-cc: no compiler ./no-such-cc: install it or correct its name\n',
    );
  });
});
