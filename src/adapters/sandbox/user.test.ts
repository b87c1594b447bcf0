// The same sandbox for an agent that is an ordinary user, tried by root through a process of such a user.
// The agent's own user is then the task's user too, so what keeps it from the tree and from the stock is the mounts alone.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProcesses, until } from './fixture.ts';
import { checkSandbox } from './open.ts';

const uid = 54_321;
const isRoot = process.getuid?.() === 0;
const works = (await checkSandbox()).ok;
const reason = works ? 'needs root, to become another user' : 'the sandbox does not work here';
if (!isRoot || !works) console.warn(`SKIPPED: the sandbox of an ordinary user (${reason})`);

describe.skipIf(!isRoot || !works)('an agent that is an ordinary user', () => {
  const script = `
    id -u; cat /proc/self/status | grep -c '^Cap.*:.0000000000000000$'
    for f in /home/x/b.h; do chmod 777 $f; echo evil >$f; rm -f $f; done 2>&1 | grep -c 'Read-only'
    unshare --user true 2>&1 | grep -c failed
    echo o >/p/a.o; echo changed >/p/a.c
    n=0; while :; do sleep 60 & n=$((n+1)); echo $n; done 2>/dev/null`;

  function runAs(dir: string, marker: string) {
    const program = `
      import fs from 'node:fs';
      import { openFixture } from ${JSON.stringify(join(import.meta.dirname, 'fixture.ts'))};
      const fixture = await openFixture(${JSON.stringify(dir)});
      const names = ['id', 'cat', 'grep', 'chmod', 'rm', 'sleep', 'unshare'].map((name) => '/usr/bin/' + name);
      const header = fixture.file('/home/x/b.h', 'int b;');
      const source = fixture.file('/p/a.c', 'int a;');
      const files = [...fixture.programs('/bin/sh', ...names), header, source];
      const lease = fixture.acquire({ files });
      const run = (script, spec) => fixture.start(lease, { argv: ['/bin/sh', '-c', script], ...spec });
      const limits = { cpuSeconds: 60, memBytes: 2 ** 32, outputBytes: 1e7, processes: 30, openFiles: 256, wallMs: 20000 };
      const done = await run(${JSON.stringify(script)}, { outputs: ['/p/a.o'], limits }).done;
      const blobs = [header, source].map((it) => {
        const path = fixture.stockPath(it.digest);
        return [fs.readFileSync(path, 'utf8'), fs.statSync(path).mode & 0o777];
      });
      const killed = run('sleep 60; : ' + ${JSON.stringify(marker)});
      const value = done.ok ? { stdout: String(done.value.stdout), output: String(done.value.outputs[0]?.data) } : done.error;
      process.stdout.write(JSON.stringify({ value, blobs }) + '\\n');
      process.stdin.once('data', async () => {
        killed.kill('told to');
        const ended = await killed.done;
        await fixture.close();
        process.stdout.write(JSON.stringify(ended) + '\\n');
        process.exit(0);
      });
    `;
    return spawn(process.execPath, ['--input-type=module', '-e', program.replaceAll(marker, `${marker}" + "`)], {
      cwd: dir,
      env: { PATH: process.env['PATH'], HOME: dir },
      uid,
      gid: uid,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  }

  test('confines, bounds and ends its tasks just as well', async () => {
    const dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-user-'));
    const marker = `marker-${process.pid}-user`;
    fs.chownSync(dir, uid, uid);
    try {
      const agent = runAs(dir, marker);
      let said = '';
      agent.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const ended = new Promise((resolve) => agent.once('close', resolve));
      const lines = (): string[] => said.split('\n').filter((line) => line !== '');
      expect(await until(() => lines().length > 0 || agent.exitCode !== null, 25_000)).toBe(true);
      const { value, blobs } = JSON.parse(lines()[0] ?? '{}') as { value: Record<string, string>; blobs: unknown };
      const printed = (value['stdout'] ?? JSON.stringify(value)).trim().split('\n');
      expect(printed.slice(0, 4)).toEqual(['1000', '5', '3', '1']);
      expect(Number(printed.at(-1))).toBeGreaterThan(20);
      expect(Number(printed.at(-1))).toBeLessThan(31);
      expect(value['output']).toBe('o\n');
      expect(blobs).toEqual([
        ['int b;', 0o555],
        ['int a;', 0o555],
      ]);
      expect(await until(() => findProcesses(marker, '/bin/sh').length > 0)).toBe(true);
      agent.stdin.write('kill\n');
      await ended;
      expect(JSON.parse(lines()[1] ?? '{}')).toMatchObject({ ok: false, error: { message: 'told to' } });
      expect(findProcesses(marker)).toEqual([]);
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  });
});
