// ./tender and scripts/setup.sh in a small copy of a checkout: what is set up, when, once, and what is said when it cannot be.
// The network is never used: npm and apt-get are stand-ins that record how they were called.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const pinned = path.join(root, 'node_modules/typescript/package.json');
/** Needs root, and a checkout that others can read. */
const canBeNobody = process.getuid?.() === 0 && spawnSync('setpriv', [...asNobody, 'test', '-r', pinned]).status === 0;
if (!canBeNobody) console.warn('SKIPPED: starts by another user (needs root, and a checkout that others can read)');

let base = '';
let checkout = '';
let bin = '';
let calls = '';

const write = (file: string, text: string, mode = 0o644): void => {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode });
};
/** A command first in PATH that records its call and then runs `body`. */
const standIn = (name: string, body: string): void =>
  write(path.join(bin, name), `#!/bin/sh\necho "${name} $*" >>"${calls}"\n${body}\n`, 0o755);
const recorded = (): string[] =>
  fs.existsSync(calls) ? fs.readFileSync(calls, 'utf8').split('\n').filter(Boolean) : [];

const main = (word: string): string =>
  `console.log(JSON.stringify(['${word}', process.versions.node.split('.')[0], ...process.argv.slice(2)]));\nexport {};\n`;

beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'tender-setup-'));
  fs.chmodSync(base, 0o755);
  [checkout, bin, calls] = [path.join(base, 'checkout'), path.join(base, 'bin'), path.join(base, 'calls')];
  for (const name of ['tender', 'scripts/setup.sh', 'package.json', 'package-lock.json', 'tsconfig.base.json']) {
    fs.mkdirSync(path.dirname(path.join(checkout, name)), { recursive: true });
    fs.copyFileSync(path.join(root, name), path.join(checkout, name));
  }
  const options = {
    rootDir: '..',
    outDir: '../../dist',
    tsBuildInfoFile: '../../dist/.tsbuildinfo/apps.json',
    types: ['node'],
  };
  write(
    path.join(checkout, 'src/apps/tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.base.json', compilerOptions: options, include: ['**/*.ts'] }),
  );
  write(path.join(checkout, 'src/apps/main.ts'), main('one'));
  write(path.join(checkout, 'proto/tender.proto'), '');
  const launcher = `echo launcher >>"${calls}"\nmkdir -p "${checkout}/build/bin"\n: >"${checkout}/build/bin/tender-cc"\n`;
  write(path.join(checkout, 'launcher/build.sh'), `${launcher}chmod +x "${checkout}/build/bin/tender-cc"\n`);
  fs.mkdirSync(path.join(checkout, 'node_modules'));
  for (const name of fs.readdirSync(path.join(root, 'node_modules'))) {
    if (name.startsWith('.')) continue;
    fs.symlinkSync(path.join(root, 'node_modules', name), path.join(checkout, 'node_modules', name));
  }
  fs.copyFileSync(path.join(root, 'package-lock.json'), path.join(checkout, 'node_modules/.tender-lock.json'));
  standIn('npm', 'exit 1');
  standIn('apt-get', 'exit 1');
  // An old Node on PATH, as Debian and Ubuntu have it.
  write(path.join(bin, 'node'), '#!/bin/sh\necho v20.19.0\n', 0o755);
});

afterEach(() => fs.rmSync(base, { recursive: true, force: true }));

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: `${bin}:/usr/bin:/bin`, TENDER_NO_INSTALL: '1' });

function run(
  command: string,
  args: readonly string[],
  cwd = checkout,
): { code: number | null; out: string; err: string } {
  const ended = spawnSync(command, args, { cwd, env: environment(), encoding: 'utf8' });
  return { code: ended.status, out: ended.stdout, err: ended.stderr };
}
const start = (...args: string[]) => run('./tender', args);

/** Runs shell text with the set-up's functions loaded, as `id -u` says. */
function shell(
  text: string,
  uid = '0',
  env: NodeJS.ProcessEnv = {},
): { code: number | null; out: string; err: string } {
  write(path.join(bin, 'id'), `#!/bin/sh\necho ${uid}\n`, 0o755);
  const script = `set -u; root="${checkout}"; . "$root/scripts/setup.sh"; mkdir -p "$state"; ${text}`;
  const merged = { ...environment(), TENDER_NO_INSTALL: '', ...env };
  const ended = spawnSync('sh', ['-c', script], { env: merged, encoding: 'utf8' });
  return { code: ended.status, out: ended.stdout, err: ended.stderr };
}

describe('./tender', () => {
  test('builds at the first start only, and again when a source changed', () => {
    const first = start('a', 'b c');
    expect(first).toMatchObject({ code: 0, out: '["one","24","a","b c"]\n' });
    expect(first.err).toContain('tender: building\n');
    expect(start()).toEqual({ code: 0, out: '["one","24"]\n', err: '' });
    write(path.join(checkout, 'src/apps/main.ts'), main('two'));
    const third = start();
    expect(third).toMatchObject({ code: 0, out: '["two","24"]\n' });
    expect(recorded().filter((line) => line === 'launcher')).toHaveLength(2);
    // A test beside the sources is no source.
    write(path.join(checkout, 'proto/x.test.ts'), '');
    fs.utimesSync(path.join(checkout, 'proto'), 0, 0);
    expect(start().err).toBe('');
    fs.rmSync(path.join(checkout, 'dist'), { recursive: true });
    expect(start()).toMatchObject({ code: 0, out: '["two","24"]\n' });
  });

  test('costs little when all is there', () => {
    start();
    const cpuMs = Array.from({ length: 7 }, () => {
      // The clock would measure what else this machine does.
      const { err } = run('/bin/bash', ['-c', 'TIMEFORMAT="%U %S"; time ./tender --help']);
      const [user = NaN, system = NaN] = (err.trimEnd().split('\n').pop() ?? '').split(' ').map(Number);
      return (user + system) * 1000;
    });
    expect(Math.min(...cpuMs)).toBeLessThan(300);
  });

  test('works through links and from anywhere', () => {
    fs.symlinkSync(path.join(checkout, 'tender'), path.join(base, 'first'));
    fs.symlinkSync('../first', path.join(bin, 'second'));
    expect(run(path.join(bin, 'second'), ['x'], '/').out).toBe('["one","24","x"]\n');
    expect(run('sh', ['-c', 'second y'], '/').out).toBe('["one","24","y"]\n');
    expect(run('sh', ['tender', 'z']).out).toBe('["one","24","z"]\n');
    expect(run('sh', ['checkout/tender', 'z'], base).out).toBe('["one","24","z"]\n');
  });

  test('builds once when many start at once', async () => {
    const starts = Array.from({ length: 5 }, async () => {
      const child = spawn('./tender', [], { cwd: checkout, env: environment() });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      const code = await new Promise((resolve) => child.on('close', resolve));
      return [code, out];
    });
    expect(await Promise.all(starts)).toEqual(Array.from({ length: 5 }, () => [0, '["one","24"]\n']));
    expect(recorded().filter((line) => line === 'launcher')).toHaveLength(1);
  });

  test('says what npm said when packages cannot be fetched', () => {
    fs.rmSync(path.join(checkout, 'node_modules/.tender-lock.json'));
    standIn('npm', 'echo npm error network is down; exit 1');
    const { code, err } = start();
    expect(code).toBe(1);
    expect(err).toContain('npm error network is down');
    expect(err).toContain('npm ci failed, see above');
    expect(recorded()).toContain('npm ci --loglevel=error');
  });

  test('runs with type errors after saying so, and says so until they are gone', () => {
    write(path.join(checkout, 'src/apps/main.ts'), `const wrong: number = 'x';\nvoid wrong;\n${main('one')}`);
    for (let n = 0; n < 2; n += 1) {
      const { code, out, err } = start();
      expect([code, out]).toEqual([0, '["one","24"]\n']);
      expect(err).toContain('type errors, see above');
    }
  });

  test.skipIf(!canBeNobody)('runs from a checkout of someone else that is set up, else says who must', () => {
    const startAsNobody = () => run('setpriv', [...asNobody, './tender', 'q']);
    const before = startAsNobody();
    expect([before.code, before.out]).toEqual([1, '']);
    expect(before.err).toContain('please run ./tender there once as its owner');
    start();
    expect(startAsNobody()).toEqual({ code: 0, out: '["one","24","q"]\n', err: '' });
  });
});

describe('packages', () => {
  const ensure = "ensure_packages 'the test' sh=dash tender-no-such=pkg-one 'tender-none=pkg-two pkg-three'";

  test('root: installs just what is missing', () => {
    standIn('apt-get', 'exit 0');
    expect(shell(ensure)).toEqual({
      code: 0,
      out: '',
      err: 'tender: installing pkg-one pkg-two pkg-three (apt-get)\n',
    });
    const [update, install, ...rest] = recorded();
    expect(update).toMatch(/^apt-get .*update$/);
    expect(install).toMatch(/^apt-get .*install -y --no-install-recommends pkg-one pkg-two pkg-three$/);
    expect(rest).toEqual([]);
  });

  test('nothing missing: nothing said, nothing run', () => {
    expect(shell("ensure_packages 'the test' sh=dash")).toEqual({ code: 0, out: '', err: '' });
    expect(recorded()).toEqual([]);
  });

  test('no root and no sudo: prints the line to run', () => {
    standIn('sudo', 'exit 1');
    const { code, err } = shell(ensure, '1000');
    expect(code).toBe(0);
    expect(err).toContain('run:  sudo apt-get install -y --no-install-recommends pkg-one pkg-two pkg-three');
    expect(recorded()).toEqual(['sudo -n true']);
  });

  test('sudo without a password: uses it', () => {
    standIn('sudo', 'shift; exec "$@"');
    standIn('apt-get', 'exit 0');
    shell(ensure, '1000');
    expect(recorded().some((line) => /^apt-get .*install .*pkg-one/.test(line))).toBe(true);
    expect(recorded()).toContain('sudo -n true');
  });

  test('forbidden, or failed: prints the line and what apt-get said', () => {
    expect(shell(ensure, '0', { TENDER_NO_INSTALL: '1' }).err).toContain('run:  apt-get install');
    expect(recorded()).toEqual([]);
    standIn('apt-get', 'echo E: no such package; exit 100');
    const { err } = shell(ensure);
    expect(err).toContain('E: no such package');
    expect(err).toContain('going on without');
  });
});
