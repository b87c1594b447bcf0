// A real GNU make with our jobserver: as many jobs as allowed, more when more are allowed, fewer when fewer; through `cmake --build`
// and through a make within make too.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, createReadStream, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formOf, Jobserver, jobserverForm } from './jobserver.ts';

let dir = '';
let jobserver: Jobserver;
let child: ChildProcess | null = null;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-jobs-'));
  const opened = Jobserver.open(dir, 'pipe');
  if (!opened.ok) throw new Error(opened.error);
  jobserver = opened.value;
});
afterEach(() => {
  child?.kill('SIGKILL');
  child = null;
  jobserver.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Jobs say that they have started and wait for their own gate. */
class Gates {
  readonly running = new Set<string>();
  most = 0;
  readonly #events;
  readonly #fds: number[] = [];
  #changed: () => void = () => undefined;

  constructor(names: readonly string[]) {
    for (const name of ['events', ...names.map((n) => `gate-${n}`)]) execFileSync('mkfifo', [join(dir, name)]);
    this.#events = createReadStream('', { fd: openSync(join(dir, 'events'), 'r+'), encoding: 'utf8' });
    this.#events.on('data', (text) => {
      for (const name of String(text).trim().split(/\s+/)) this.running.add(name);
      this.most = Math.max(this.most, this.running.size);
      this.#changed();
    });
  }

  async until(count: number): Promise<void> {
    while (this.running.size !== count) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  /** Lets one job end. */
  release(): void {
    const [name = ''] = this.running;
    this.running.delete(name);
    const fd = openSync(join(dir, `gate-${name}`), 'r+');
    this.#fds.push(fd);
    writeFileSync(fd, 'go\n');
  }

  close(): void {
    this.#events.destroy();
    for (const fd of this.#fds) closeSync(fd);
  }
}

const names = Array.from({ length: 14 }, (_, i) => `t${i}`);
const recipe = (name: string): string => `${name}:\n\t@echo ${name} > ${dir}/events; read x < ${dir}/gate-${name}\n`;

function run(command: readonly string[], cwd: string): { said: () => string; ended: Promise<number | null> } {
  const env = { ...process.env, MAKEFLAGS: ` ${jobserver.flags('pipe', 3, 4)}` };
  const made = spawn(command[0] ?? '', command.slice(1), {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe', jobserver.readEnd, jobserver.writeEnd],
  });
  child = made;
  let said = '';
  for (const stream of [made.stdout, made.stderr]) stream?.on('data', (data) => (said += String(data)));
  return { said: () => said, ended: new Promise((resolve) => made.on('close', resolve)) };
}

/** Through 3, 6 and 2 jobs at a time; the outermost command is the one job that has no byte. */
async function checkFollows(gates: Gates, made: ReturnType<typeof run>): Promise<void> {
  await gates.until(3);
  gates.release();
  await gates.until(3);
  expect(gates.most).toBe(3);
  jobserver.allow(6);
  await gates.until(6);
  expect(gates.most).toBe(6);
  // Jobs return their bytes as they end, and they are taken back before others find them or not at all: then the next time.
  jobserver.allow(2);
  let left = names.length - 1;
  while (left > 0) {
    await gates.until(Math.min(left, jobserver.jobs));
    jobserver.allow(2);
    gates.release();
    left -= 1;
  }
  jobserver.allow(2);
  expect(await made.ended).toBe(0);
  jobserver.allow(2);
  expect(jobserver.jobs).toBe(2);
  expect(made.said()).not.toMatch(/jobserver|forced in submake/);
}

describe('a real make', () => {
  test('runs as many jobs as allowed, while it runs too', async () => {
    writeFileSync(join(dir, 'Makefile'), `all: ${names.join(' ')}\n${names.map(recipe).join('')}`);
    const gates = new Gates(names);
    jobserver.allow(3);
    await checkFollows(gates, run(['make'], dir));
    gates.close();
  });

  test('within another make', async () => {
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'Makefile'), 'all:\n\t@$(MAKE) --no-print-directory -C sub\n');
    writeFileSync(join(dir, 'sub/Makefile'), `all: ${names.join(' ')}\n${names.map(recipe).join('')}`);
    const gates = new Gates(names);
    jobserver.allow(3);
    await checkFollows(gates, run(['make'], dir));
    gates.close();
  });

  test('called by cmake --build', async () => {
    const script = join(dir, 'job.sh');
    writeFileSync(script, `echo $1 > ${dir}/events\nread x < ${dir}/gate-$1\n`);
    const lines = names.map((name) => `add_custom_target(${name} ALL sh ${script} ${name} VERBATIM)`);
    writeFileSync(
      join(dir, 'CMakeLists.txt'),
      `cmake_minimum_required(VERSION 3.20)\nproject(p NONE)\n${lines.join('\n')}\n`,
    );
    execFileSync('cmake', ['-S', dir, '-B', join(dir, 'b'), '-G', 'Unix Makefiles'], { stdio: 'ignore' });
    const gates = new Gates(names);
    jobserver.allow(3);
    await checkFollows(gates, run(['cmake', '--build', join(dir, 'b')], dir));
    gates.close();
  });
});

test('what a make understands is told by its version', () => {
  expect(formOf('GNU Make 4.3\nBuilt for x86_64')).toBe('pipe');
  expect(formOf('GNU Make 4.4.1\n')).toBe('fifo');
  expect(formOf('GNU Make 4.2.1\n')).toBe('pipe');
  expect(formOf('GNU Make 4.1\n')).toBe('none');
  expect(formOf('GNU Make 3.82\n')).toBe('none');
  expect(formOf('bmake')).toBe('none');
  expect(jobserverForm('/nowhere/make')).toBe('none');
  expect(jobserverForm('make')).not.toBe('none');
});

test('the path form names the pipe', () => {
  jobserver.allow(5);
  expect(jobserver.flags('fifo', 3, 4)).toBe(`-j5 --jobserver-auth=fifo:${join(dir, 'pipe')}`);
});
