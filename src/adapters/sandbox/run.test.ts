// What a task can and cannot do, tried by real programs in a real sandbox.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProcesses, limits, openFixture, until, type Fixture } from './fixture.ts';
import { checkSandbox } from './open.ts';
import type { RunFailure, RunResult, RunSpec, TreeFile, TreeLease } from './types.ts';

const checked = await checkSandbox();
if (!checked.ok) console.warn(`SKIPPED: all runs in the sandbox (${checked.error.message})`);
const isRoot = process.getuid?.() === 0;

describe.skipIf(!checked.ok)('a run', () => {
  let fixture: Fixture;
  let tools: TreeFile[];
  let lease: TreeLease;
  beforeAll(async () => {
    fixture = await openFixture();
    const names = [
      'cat',
      'chmod',
      'ln',
      'ls',
      'mkdir',
      'mkfifo',
      'mv',
      'rm',
      'sleep',
      'touch',
      'id',
      'head',
      'stat',
      'sort',
    ];
    tools = fixture.programs('/bin/sh', ...names.map((name) => `/usr/bin/${name}`));
    lease = fixture.acquire({ files: tools, dirs: ['/home/x/work'] });
  });
  afterAll(async () => await fixture.close());

  const start = (script: string, spec: Partial<RunSpec> = {}, tree = lease) =>
    fixture.start(tree, { argv: ['/bin/sh', '-c', script], cwd: '/home/x/work', ...spec });

  async function run(script: string, spec: Partial<RunSpec> = {}, tree = lease): Promise<RunResult> {
    const done = await start(script, spec, tree).done;
    if (!done.ok) throw new Error(`${done.error.code}: ${done.error.message}`);
    return done.value;
  }
  async function fail(script: string, spec: Partial<RunSpec> = {}): Promise<RunFailure> {
    const done = await start(script, spec).done;
    if (done.ok) throw new Error(`did not fail: ${JSON.stringify(done.value.exit)} ${done.value.stderr.toString()}`);
    return done.error;
  }
  const text = (bytes: Buffer): string => bytes.toString().trim();

  describe('gives back', () => {
    test('exit code, both streams, outputs with their modes, and nothing left on disk', async () => {
      const outputs = ['/home/x/work/a', '/home/x/work/b', '/home/x/other/c'];
      const result = await run('echo out; echo err >&2; echo A >a; echo C >../other/c; chmod 751 a; exit 7', {
        outputs,
      });
      expect(result.exit).toEqual({ how: 'exit', code: 7 });
      expect([text(result.stdout), text(result.stderr)]).toEqual(['out', 'err']);
      expect(result.outputs.map((it) => it && [text(it.data), it.mode])).toEqual([['A', 0o751], null, ['C', 0o644]]);
      expect(fs.readdirSync(join(fixture.dir, 'scratch'))).toEqual([]);
    });

    test('a file that it was not asked for, where it may write; not what a failure left', async () => {
      const outputs = ['/home/x/work/a'];
      expect((await run('echo A >a', { outputs })).unnamed).toBeUndefined();
      expect((await run('echo A >a; echo B >b', { outputs })).unnamed).toBe('/home/x/work/b');
      expect((await run('echo B >$TMPDIR/b', { outputs })).unnamed).toMatch(/\/tmp\/b$/);
      expect((await run('echo B >b; exit 1', { outputs })).unnamed).toBeUndefined();
    });

    test('the signal that ended the command', async () => {
      expect((await run('kill -SEGV $$')).exit).toEqual({ how: 'signal', signal: 11 });
      expect((await run('kill -ABRT $$')).exit).toEqual({ how: 'signal', signal: 6 });
    });

    test('environment, working directory and umask as asked, TMPDIR as set here', async () => {
      const env = ['PATH=/usr/bin', 'A=1 2', 'B=', 'LD_LIBRARY_PATH=/nowhere', 'UID=7', 'odd-name=1', 'TMPDIR=/x'];
      const script =
        'echo "$A|$B|$LD_LIBRARY_PATH|${PWD}|$(umask)|$TMPDIR"; touch $TMPDIR/x && ls $TMPDIR; umask 0; echo >a';
      const result = await run(script, { env, umask: 0o027, outputs: ['/home/x/work/a'] });
      expect(text(result.stdout)).toBe('1 2||/nowhere|/home/x/work|0027|/.tender/tmp\nx');
      expect(result.outputs[0]?.mode).toBe(0o666);
    });

    test('CPU time of all processes, and memory', async () => {
      const script = `(n=0; while [ $n -lt 400000 ]; do n=$((n+1)); done)
        (head -c 30000000 /dev/zero; sleep 1) | sort -S 100M | cat >/dev/null`;
      const result = await run(script);
      expect(result.cpuMs).toBeGreaterThan(100);
      expect(result.cpuMs).toBeLessThan(result.ranMs * os.availableParallelism() + 50);
      expect(result.maxRssBytes).toBeGreaterThan(20e6);
      expect(result.maxRssBytes).toBeLessThan(1e9);
    });

    test('the lowest priority to what it starts', async () => {
      const dir = join(fixture.dir, 'nice');
      fs.mkdirSync(dir);
      const nice = await openFixture(dir, 19);
      const tree = nice.acquire({
        files: tools.map((it) => nice.file(it.path, fs.readFileSync(fixture.stockPath(it.digest)))),
      });
      // An ordinary user's wish for its group is granted at most every tenth of a second, so it may come late.
      const script = `n=0; while [ $n -lt 80 ]; do
        read -r group </proc/self/autogroup || break
        case $group in *'nice 19') break;; esac; sleep 0.1; n=$((n+1))
        done; cat /proc/self/stat; echo $group`;
      const done = await nice.start(tree, { argv: ['/bin/sh', '-c', script] }).done;
      const [stat = '', group = ''] = done.ok ? text(done.value.stdout).split('\n') : [];
      expect(stat.split(') ')[1]?.split(' ')[16]).toBe('19');
      if (fs.existsSync('/proc/self/autogroup')) expect(group).toContain('nice 19');
      await nice.close();
    });
  });

  describe('an output directory that is the source directory', () => {
    test('shows the sources read-only in effect, large ones and directories too, and keeps what is written apart', async () => {
      const big = Buffer.alloc(300_000, 'b');
      const tree = fixture.acquire({
        epoch: 'source',
        files: [
          ...tools,
          fixture.file('/p/a.c', 'int a;'),
          fixture.file('/p/big.h', big),
          fixture.file('/p/inc/a.h', 'int h;'),
          fixture.file('/p/obj/deep/in.h', 'int d;'),
        ],
        symlinks: [{ path: '/p/link.h', target: 'inc/a.h' }],
        dirs: ['/p/empty'],
      });
      const script = `
        ls -1; cat a.c link.h inc/a.h obj/deep/in.h; stat -c %s big.h
        echo o >a.o; echo x >obj/deep/b.o; echo changed >a.c
        echo no >inc/a.h; echo no >big.h; rm -f big.h; echo no >inc/new; echo no >empty/new; echo no >obj/new; ls obj/deep`;
      const result = await run(script, { cwd: '/p', outputs: ['/p/a.o', '/p/obj/deep/b.o'] }, tree);
      expect(text(result.stdout).split('\n').slice(0, 6)).toEqual(['a.c', 'big.h', 'empty', 'inc', 'link.h', 'obj']);
      expect(text(result.stdout)).toContain('int a;int h;int h;int d;300000\nb.o\nin.h');
      expect(result.outputs.map((it) => it && text(it.data))).toEqual(['o', 'x']);
      expect(text(result.stderr).match(/cannot create|Read-only|busy/g)?.length).toBeGreaterThanOrEqual(6);
      // The task's own copy of the source was its to spoil; the tree's and the stock's were not.
      expect(fs.readFileSync(`${tree.root}/p/a.c`, 'utf8')).toBe('int a;');
      expect(text((await run('cat a.c', { cwd: '/p', outputs: ['/p/a.o'] }, tree)).stdout)).toBe('int a;');
      tree.release();
    });

    test('an output in a directory that a symbolic link leads to', async () => {
      const tree = fixture.acquire({ epoch: 'link', files: tools, symlinks: [{ path: '/p/out', target: '/var/out' }] });
      const result = await run('echo 1 >/p/out/a.o; ls /var/out', { cwd: '/', outputs: ['/p/out/a.o'] }, tree);
      expect(result.outputs.map((it) => it && text(it.data))).toEqual(['1']);
      expect(text(result.stdout)).toBe('a.o');
      tree.release();
    });

    test('an old file at the output’s path is not taken for the new one', async () => {
      const tree = fixture.acquire({ epoch: 'old', files: [...tools, fixture.file('/p/a.o', 'old')] });
      expect((await run(':', { outputs: ['/p/a.o'] }, tree)).outputs).toEqual([null]);
      tree.release();
    });
  });

  describe('cannot', () => {
    test('write outside its outputs', async () => {
      const places = ['/', '/home/x', '/usr/bin', '/proc/sys/kernel', '/dev', '/.tender', '/.tender/init', '/bin'];
      const script = places.map((dir) => `(echo x >${dir}/written) 2>/dev/null && echo ${dir}`).join('\n');
      const result = await run(`${script}\necho done`, { outputs: ['/home/x/work/a'] });
      expect(text(result.stdout)).toBe('done');
    });

    test('see the host’s files, processes or name', async () => {
      const secret = join(fixture.dir, 'secret');
      fs.writeFileSync(secret, 'secret');
      const result = await run(`ls -a /; cat ${secret} /etc/passwd; ls /proc | sort -n; cat /proc/sys/kernel/hostname`);
      const [, processes = ''] = /sys\n([\s\S]*)/.exec(result.stdout.toString()) ?? [];
      expect(text(result.stdout)).not.toContain('secret');
      expect(text(result.stdout)).toContain('tender');
      expect(processes).not.toContain(`\n${process.pid}\n`);
      expect(text(result.stderr).match(/No such file/g)?.length).toBe(2);
    });

    test('reach the network', async () => {
      const server = net.createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      try {
        const devices = text((await run('cat /proc/net/dev /proc/net/route')).stdout);
        expect(devices.match(/^ *\w+:/gm)).toEqual([expect.stringContaining('lo:')]);
        expect(devices.split('\n').filter((line) => line.includes('00000000'))).toEqual([]);
        const bash = fixture.acquire({ epoch: 'net', files: [...tools, ...fixture.programs('/bin/bash')] });
        const { port } = server.address() as net.AddressInfo;
        const script = `echo hello >/dev/tcp/127.0.0.1/${port} && echo reached`;
        const result = await fixture.start(bash, { argv: ['/bin/bash', '-c', script] }).done;
        expect(result.ok && text(result.value.stdout)).toBe('');
        expect(result.ok && text(result.value.stderr)).toContain('refused');
        bash.release();
      } finally {
        server.close();
      }
    });

    test('change a blob through its hard link', async () => {
      const header = fixture.file('/home/x/work/a.h', 'int a;');
      const other = fixture.file('/home/x/b.h', 'int b;');
      const tree = fixture.acquire({ epoch: 'blob', files: [...tools, header, other] });
      const before = fs.statSync(fixture.stockPath(other.digest));
      const script = `for f in /home/x/b.h /home/x/work/a.h; do
        chmod 777 $f; echo evil >$f; touch $f; mv $f $f.moved; ln $f /home/x/work/linked; done; chmod 777 /home/x; rm -rf /home /usr`;
      await run(script, { outputs: ['/home/x/work/a.o'] }, tree);
      for (const it of [header, other]) {
        expect(fs.readFileSync(fixture.stockPath(it.digest), 'utf8')).toMatch(/^int [ab];$/);
        expect(fs.statSync(fixture.stockPath(it.digest)).mode & 0o777).toBe(0o555);
      }
      expect(fs.statSync(fixture.stockPath(other.digest)).mtimeMs).toBe(before.mtimeMs);
      expect(fs.readFileSync(`${tree.root}/home/x/b.h`, 'utf8')).toBe('int b;');
      tree.release();
    });

    test('gain rights: no capabilities, no new privileges, not root, no user namespaces of its own', async () => {
      const tree = fixture.acquire({ epoch: 'rights', files: [...tools, ...fixture.programs('/usr/bin/unshare')] });
      const result = await run('id -u; cat /proc/self/status; unshare --user true; true', {}, tree);
      const status = text(result.stdout);
      expect(status.split('\n')[0]).toBe('1000');
      expect(status.match(/^Cap\w+:\t(\w+)$/gm)?.length).toBe(5);
      expect(status.match(/^Cap\w+:\t0+$/gm)?.length).toBe(5);
      expect(status).toContain('NoNewPrivs:\t1');
      expect(text(result.stderr)).toContain('unshare failed');
      tree.release();
    });

    test('inherit files of the agent', async () => {
      const open = text((await run('ls /proc/self/fd')).stdout)
        .split('\n')
        .map(Number);
      // 3 is the directory that ls itself reads; what the test's own starter left open is not ours.
      const ours = new Set([0, 1, 2, 3]);
      const inherited = fs.readdirSync('/proc/self/fd').map(Number);
      expect(open.filter((fd) => !ours.has(fd) && fd < 10)).toEqual([]);
      expect(open.every((fd) => ours.has(fd) || inherited.includes(fd))).toBe(true);
    });

    test.skipIf(!isRoot)('be root’s own number on the host, when the agent is root', async () => {
      const marker = `marker-${process.pid}-uid`;
      const running = start(`sleep 60; echo ${marker}`);
      expect(await until(() => findProcesses(marker).some((pid) => uidOf(pid) > 1_000_000))).toBe(true);
      running.kill('seen enough');
      await running.done;
    });

    test('hand back anything but regular files', async () => {
      const outputs = ['/home/x/work/a'];
      const scripts = ['ln -s /etc/passwd a', 'mkfifo a', 'mkdir a', 'ln -s a a'];
      for (const script of scripts) expect((await fail(script, { outputs })).code).toBe('bad-result');
    });
  });

  describe('is bounded', () => {
    test('processes: no more than allowed, and a bomb harms nobody else', async () => {
      const bounded = { ...limits, processes: 30, wallMs: 2000 };
      const counted = await run('n=0; while :; do sleep 60 & n=$((n+1)); echo $n; done', { limits: bounded });
      expect(text(counted.stderr)).toContain('Cannot fork');
      expect(Number(text(counted.stdout).split('\n').at(-1))).toBeGreaterThan(20);
      expect(Number(text(counted.stdout).split('\n').at(-1))).toBeLessThan(31);

      const bomb = start('bomb() { bomb | bomb & }; while :; do (bomb; sleep 1); done', { limits: bounded });
      expect(text((await run('sleep 0.2; echo fine')).stdout)).toBe('fine');
      const done = await bomb.done;
      if (!done.ok) expect(done.error.code).toBe('deadline');
      expect(findProcesses('bomb | bomb')).toEqual([]);
    });

    test('what is printed', async () => {
      const small = { ...limits, outputBytes: 1_000_000 };
      expect((await fail('while :; do echo line; done', { limits: small })).code).toBe('too-large');
      expect((await fail('cat /dev/zero >&2', { limits: small })).code).toBe('too-large');
      expect((await fail('trap "" XFSZ; cat /dev/zero', { limits: small })).code).toBe('too-large');
    });

    test('what is written: one file, many files, and outputs together', async () => {
      const small = { ...limits, outputBytes: 1_000_000 };
      const outputs = ['a', 'b'].map((name) => `/home/x/work/${name}`);
      expect((await fail('exec cat /dev/zero >a', { limits: small, outputs })).code).toBe('too-large');
      const many = 'n=0; while :; do n=$((n+1)); head -c 900000 /dev/zero >$TMPDIR/$n; done';
      expect((await fail(many, { limits: small })).code).toBe('too-large');
      const both = 'head -c 900000 /dev/zero >a; head -c 900000 /dev/zero >b';
      expect((await fail(both, { limits: small, outputs })).code).toBe('too-large');
    });

    test('time on the clock and on the CPU', async () => {
      const late = await fail('sleep 60', { limits: { ...limits, wallMs: 300 } });
      expect(late).toMatchObject({ code: 'deadline', message: expect.stringContaining('300 ms') });
      const busy = await fail('exec sh -c "while :; do :; done"', { limits: { ...limits, cpuSeconds: 1 } });
      expect(busy.code).toBe('deadline');
    });

    test('memory: of one process', async () => {
      const failure = await fail('sort -S 900M /dev/zero', { limits: { ...limits, memBytes: 200e6 } });
      expect(failure.code).toBe('out-of-memory');
    });

    test('memory: of all together', async () => {
      const greedy = '(head -c 150000000 /dev/zero; sleep 9) | sort -S 140M --parallel=1 | cat >/dev/null & ';
      const failure = await fail(`${greedy}${greedy}${greedy}wait`, {
        limits: { ...limits, memBytes: 300e6 },
      });
      expect(failure.code).toBe('out-of-memory');
    });
  });

  describe('ends', () => {
    const marker = `marker-${process.pid}-end`;

    test('when killed, with all that it started, however it hides', async () => {
      const tree = fixture.acquire({ epoch: 'hide', files: [...tools, ...fixture.programs('/usr/bin/setsid')] });
      const script = `trap "" TERM INT HUP; setsid sh -c 'trap "" TERM; sleep 61; : ${marker}' & sleep 62; : ${marker}`;
      const running = start(script, {}, tree);
      expect(await until(() => findProcesses(marker, '/bin/sh').length >= 1)).toBe(true);
      running.kill('the owner is back', 'owner-returned');
      expect(await running.done).toEqual({
        ok: false,
        error: { code: 'owner-returned', message: 'the owner is back' },
      });
      expect(findProcesses(marker)).toEqual([]);
      running.kill('again');
      tree.release();
    });

    test('when killed before it began', async () => {
      const running = start(`: ${marker}`, { outputs: ['/home/x/work/a'] });
      running.kill('never mind');
      expect(await running.done).toMatchObject({ ok: false, error: { code: 'killed', message: 'never mind' } });
      const atOnce = start(`sleep 60; : ${marker}`, { onStart: () => atOnce.kill('at once') });
      expect(await atOnce.done).toMatchObject({ ok: false, error: { message: 'at once' } });
      expect(await until(() => findProcesses(marker).length === 0)).toBe(true);
    });

    test('when its first process ends, whatever it left running', async () => {
      expect((await run(`(sleep 60; : ${marker}) & exit 3`)).exit).toEqual({ how: 'exit', code: 3 });
      expect(findProcesses(marker)).toEqual([]);
    });

    test('when the agent is killed', async () => {
      const program = `
        import { openFixture } from ${JSON.stringify(join(import.meta.dirname, 'fixture.ts'))};
        const fixture = await openFixture(${JSON.stringify(join(fixture.dir, 'agent'))});
        const lease = fixture.acquire({ files: fixture.programs('/bin/sh', '/usr/bin/sleep') });
        fixture.start(lease, { argv: ['/bin/sh', '-c', 'sleep 60; : ${marker}-agent'] });
      `;
      fs.mkdirSync(join(fixture.dir, 'agent'));
      const agent = spawn(
        process.execPath,
        ['--input-type=module', '-e', program.replaceAll(`${marker}-agent`, `${marker}-'+'agent`)],
        {
          stdio: ['ignore', 'inherit', 'inherit'],
        },
      );
      const gone = new Promise((resolve) => agent.once('exit', resolve));
      expect(await until(() => findProcesses(`${marker}-agent`, '/bin/sh').length > 0, 20_000)).toBe(true);
      agent.kill('SIGKILL');
      await gone;
      expect(await until(() => findProcesses(`${marker}-agent`).length === 0)).toBe(true);
    });
  });

  describe('fails in words', () => {
    test('a command that is not there, or not named by a path', async () => {
      const missing = await fixture.start(lease, { argv: ['/usr/bin/gcc-99'] }).done;
      expect(missing).toMatchObject({
        ok: false,
        error: { code: 'missing-file', message: expect.stringContaining('gcc-99') },
      });
      const unnamed = await fixture.start(lease, { argv: ['gcc'] }).done;
      expect(unnamed).toMatchObject({ ok: false, error: { code: 'sandbox' } });
    });

    test('a program whose libraries are not there', async () => {
      const library = tools.find((it) => /\/libc\.so/.test(it.path));
      const tree = fixture.acquire({ epoch: 'bare', files: tools.filter((it) => it !== library) });
      const done = await fixture.start(tree, { argv: ['/bin/sh', '-c', ':'] }).done;
      expect(done).toMatchObject({ ok: false, error: { code: 'missing-file' } });
      tree.release();
    });

    test('bad paths and words', async () => {
      const bad: Partial<RunSpec>[] = [
        { outputs: ['/home/x/../y'] },
        { outputs: ['/top'] },
        { outputs: ['/proc/self/a'] },
        { cwd: '/proc/self' },
        { argv: ['/bin/sh', 'a\0b'] },
      ];
      for (const spec of bad)
        expect(await fixture.start(lease, spec).done).toMatchObject({ ok: false, error: { code: 'sandbox' } });
    });

    test.skipIf(!isRoot)('a full disk (root: on a small tmpfs)', async () => {
      const small = join(fixture.dir, 'small');
      fs.mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
      try {
        const scratchDir = join(small, 'run');
        const failure = await fail('cat /dev/zero >$TMPDIR/x', { scratchDir });
        expect(failure.code).toBe('disk-full');
        expect(fs.readdirSync(small)).toEqual([]);
        expect(text((await run('echo fine', { scratchDir })).stdout)).toBe('fine');
        fs.writeFileSync(join(small, 'filler'), Buffer.alloc(1_040_000));
        expect((await fail('cat /dev/zero >$TMPDIR/x', { scratchDir })).code).toBe('disk-full');
      } finally {
        execFileSync('umount', [small]);
      }
    });
    if (!isRoot) console.warn('SKIPPED: a full disk in the sandbox, and another user’s number (need root)');
  });
});

function uidOf(pid: number): number {
  try {
    return fs.statSync(`/proc/${pid}`).uid;
  } catch {
    return -1;
  }
}
