// What a plan says of reuse, against the real compilers: where the directory is said not to show, the same tree in another
// directory gives the same bytes; where a result is said to be the same again, it is, at another time and under another process.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CompilePlan } from '../types.ts';
import { parseCommand } from './parse.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-certainty-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const SOURCES: Readonly<Record<string, string>> = {
  'a.c':
    '#include <assert.h>\n#include "inc/a.h"\nstatic const char *file = __FILE__;\nint f(const char *s) { int unused; ' +
    'assert(s != file); for (int i = 0; i < N; i++) if (s[i]) return i; return __COUNTER__; }\n',
  'b.cc':
    '#include <vector>\n#include "inc/a.h"\nnamespace { struct S { S(); int x = N; } s; S::S() { x = __LINE__; } }\n' +
    'inline int twice(int x) { static int n; int unused; return n += x; }\nint g(std::vector<int> &v) { v.push_back(s.x); ' +
    'auto l = [](int y) { return y + twice(N); }; return l(v[0]); }\n',
  'inc/a.h': '#pragma once\n#define N 7\nstatic inline const char *here(void) { return __FILE__; }\n',
};

const have = (compiler: string): boolean => {
  const found = spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status === 0;
  if (!found) console.warn(`SKIPPED: no ${compiler} here, so what shows in its outputs is not checked`);
  return found;
};

function planOf(compiler: string, line: string, cwd: string): CompilePlan {
  const verdict = parseCommand([compiler, ...line.split(' ')], {
    cwd,
    env: new Map(),
    readFile: () => null,
    stderrIsTerminal: false,
    isDirectory: () => false,
    exists: existsSync,
  });
  if (!verdict.travels) throw new Error(`stays: ${verdict.reason}, ${verdict.detail}`);
  return verdict.plan;
}

/** Every output's bytes, in hex, and what was printed, of a compile in a fresh tree called `name`. */
function make(compiler: string, line: string, name: string): readonly string[] {
  const cwd = join(dir, name);
  rmSync(cwd, { recursive: true, force: true });
  for (const [path, text] of Object.entries(SOURCES)) {
    mkdirSync(join(cwd, path, '..'), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  const plan = planOf(compiler, line, cwd);
  const ran = spawnSync(compiler, plan.args, { cwd, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' } });
  expect({ status: ran.status, stderr: ran.stderr }).toMatchObject({ status: 0 });
  return [ran.stderr, ...plan.outputs.map(({ path }) => readFileSync(join(cwd, path)).toString('hex'))];
}

const HIDDEN = [
  '-c a.c b.cc -MD',
  '-c b.cc -O2 -MMD -MP -MF x.d -Wall -Wextra -Iinc -iquote inc -include inc/a.h',
  '-c b.cc -O3 -std=c++17 -fno-exceptions -fno-rtti -fvisibility=hidden -fPIC -ffunction-sections -fdata-sections -MD',
  '-S a.c -O2 -fno-strict-aliasing -fstack-protector-strong -fcf-protection=full -march=x86-64 -pthread -pipe',
  '-c a.c -O1 -g0 -DNDEBUG -UX -Wp,-DA=1 -w -fopenmp -funroll-loops -fno-plt -fno-common',
  '-c b.cc -Os -fdiagnostics-color=always -Wall -fno-threadsafe-statics -fwrapv',
];
const SHOWN = ['-c a.c -g', '-c a.c -g --coverage -frandom-seed=1'];
const REPEATED = ['-c b.cc -O2 -g', '-c b.cc -g -gsplit-dwarf -fstack-usage', '-c a.c -save-temps -g3 -MD'];

describe.each(['gcc', 'clang'])('%s', (compiler) => {
  test.skipIf(!have(compiler)).each(HIDDEN)('hides the directory: %s', (line) => {
    expect(planOf(compiler, line, dir)).toMatchObject({ cwdShows: false, storable: true });
    expect(make(compiler, line, 'another/place')).toEqual(make(compiler, line, 'one'));
  });

  test.skipIf(!have(compiler)).each(SHOWN)('shows the directory, as the plan says: %s', (line) => {
    expect(planOf(compiler, line, dir).cwdShows).toBe(true);
    expect(make(compiler, line, 'another/place')).not.toEqual(make(compiler, line, 'one'));
  });

  const more = [
    ...REPEATED,
    ...(compiler === 'gcc'
      ? ['-c b.cc -flto -frandom-seed=b', '-c a.c --coverage -frandom-seed=a']
      : ['-c b.cc -flto', '-c a.c --coverage']),
  ];
  test.skipIf(!have(compiler)).each(more)('gives the same again: %s', (line) => {
    expect(planOf(compiler, line, dir).storable).toBe(true);
    expect(make(compiler, line, 'one')).toEqual(make(compiler, line, 'one'));
  });
});

test.skipIf(!have('gcc'))("gcc's link-time code differs from run to run, as the plan says", () => {
  expect(planOf('gcc', '-c b.cc -flto', dir).storable).toBe(false);
  expect(make('gcc', '-c b.cc -flto', 'one')).not.toEqual(make('gcc', '-c b.cc -flto', 'one'));
});
