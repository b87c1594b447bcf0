// What «native» is replaced by: the real compilers must make the same object of it, debug information included.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Toolchains } from './index.ts';
import { askNative, nativeQuestion, writeNative } from './native.ts';

let dir = '';
beforeAll(() => {
  dir = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-native-')));
  writeFileSync(
    join(dir, 'n.c'),
    'float a[99]; int f(int x) { for (int i = 0; i < 99; i++) a[i] += x; return __builtin_popcount(x); }\n',
  );
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function where(program: string): string {
  const path = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
  if (path === '') console.warn(`SKIPPED: ${program} is not installed here, so what native means to it is not checked`);
  return path;
}

const toolchains = new Toolchains({ env: process.env });

test('only words that can have a say are asked about', () => {
  const words =
    '-O2 -march=native -mllvm -x -target x86_64-linux-gnu --target=y -mno-avx -mthread-model posix -c a.c'.split(' ');
  expect(nativeQuestion(words)).toEqual(
    '-march=native -target x86_64-linux-gnu --target=y -mno-avx -mthread-model posix'.split(' '),
  );
});

describe.each(['gcc', 'g++', 'clang'])('%s', (name) => {
  const compiler = where(name);
  const place = () => ({ env: process.env, dir: join(dir, 'kept') });
  const make = (args: readonly string[]): { object: Buffer; stderr: string } => {
    const ran = spawnSync(compiler, [...args, '-c', 'n.c', '-o', 'n.o'], { cwd: dir, encoding: 'utf8' });
    expect({ status: ran.status, stderr: ran.stderr }).toMatchObject({ status: 0 });
    return { object: readFileSync(join(dir, 'n.o')), stderr: ran.stderr };
  };

  test
    .skipIf(compiler === '' || process.arch !== 'x64')
    .each([
      '-march=native',
      '-mtune=native -O2 -g',
      '-O3 -g -mavx2 -march=native -mno-fma -mtune=generic -DX',
      '-g3 -march=native -mtune=native -flto -frandom-seed=1',
      '-march=native -march=x86-64-v2 -g',
      '-march=x86-64-v3 -mtune=native -ffast-math -g',
    ])('%s means the same when it is written down', async (line) => {
    const args = line.split(' ');
    const resolved = await toolchains.resolveNative(compiler, args, place());
    if (!resolved.ok) throw new Error(resolved.error.message);
    const there = resolved.value.args;
    // Gcc finds its answers in a file; there the word itself asks no more.
    if (name === 'clang') expect(there.join(' ')).not.toContain('=native');
    else expect(readFileSync(resolved.value.files[0] ?? '', 'utf8')).not.toContain('local_cpu_detect');
    const [one, other] = [make(args), make(there)];
    expect(other.object.equals(one.object)).toBe(true);
    expect(other.stderr).toBe(one.stderr);
  });

  test.skipIf(compiler === '' || process.arch !== 'x64')('is asked once for the same words', async () => {
    const one = await toolchains.resolveNative(compiler, ['-march=native', '-O2'], place());
    const other = await toolchains.resolveNative(compiler, ['-O3', '-march=native'], place());
    expect(one.ok && other.ok && one.value.files).toBe(other.ok ? other.value.files : null);
    if (!one.ok || one.value.files[0] === undefined) return;
    rmSync(one.value.files[0]);
    const fresh = new Toolchains({ env: process.env, recheckMs: 0 });
    expect((await fresh.resolveNative(compiler, ['-march=native'], place())).ok).toBe(true);
    expect(existsSync(one.value.files[0])).toBe(true);
    rmSync(one.value.files[0]);
    expect((await fresh.resolveNative(compiler, ['-march=native'], place())).ok).toBe(true);
    expect(existsSync(one.value.files[0])).toBe(true);
  });

  test.skipIf(compiler === '')('what the driver refuses is an error', async () => {
    const resolved = await toolchains.resolveNative(compiler, ['-march=native', '-mnonsense'], place());
    expect(resolved.ok).toBe(false);
  });
});

test.skipIf(where('clang') === '')('a complaint that would name another word keeps the command here', async () => {
  const resolved = await toolchains.resolveNative(where('clang'), ['-mcpu=native'], { env: process.env, dir });
  expect(resolved.ok).toBe(process.arch === 'arm64');
});

describe('a driver that puts words in the place of others', () => {
  /** Stands for gcc on arm: `native` becomes a name; `also` is what else it makes of it, which no word can say. */
  const fake = (also: string): string => {
    const path = join(dir, `fake${also}`);
    const script = `#!/bin/sh
[ "$1" = -dumpspecs ] && exit 0
words=
for word; do case $word in
  -march=native) words="$words -march=armv8.2-a+crypto ${also}";;
  -mcpu=native) words="$words -mcpu=cortex-a72";;
  *) words="$words $word";; esac; done
echo " /lib/cc1 -quiet $words -o /tmp/cc$$.s" >&2; echo " as $words" >&2\n`;
    writeFileSync(path, script, { mode: 0o755 });
    return path;
  };
  const options = () => ({ family: 'gcc' as const, env: process.env, dir });

  test('gets those words', async () => {
    const words = await askNative(fake(''), ['-mcpu=native', '-march=native', '-mabi=lp64'], options());
    if (!words.ok) throw new Error(words.error.message);
    expect(writeNative(['-O2', '-march=native', '-c', '-mcpu=native'], words.value)).toEqual(
      '-O2 -march=armv8.2-a+crypto -c -mcpu=cortex-a72'.split(' '),
    );
  });

  test('keeps a command here whose steps come out otherwise', async () => {
    expect((await askNative(fake('-mmore'), ['-march=native'], options())).ok).toBe(false);
    expect((await askNative(fake(''), ['-mtune=native'], options())).ok).toBe(false);
  });
});
