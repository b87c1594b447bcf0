// The promise of the Fortran scan, checked against the compiler itself on random projects: whatever `-MD` lists the scan had found,
// and every module file that came to be was foreseen.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FileCache } from '../../src/adapters/files/file-cache.ts';
import { Toolchains } from '../../src/adapters/toolchain/index.ts';
import { parseDependencies } from '../../src/compiler/scan/depfile.ts';
import { spellAbsolute } from '../../src/compiler/scan/directories.ts';
import { IncludeScanner } from '../../src/compiler/scan/scan.ts';
import type { BuiltinSearch } from '../../src/compiler/types.ts';
import { have } from '../build-systems/support.ts';
import { NO_OPTIONS } from './support.ts';

const there = have('gfortran');
const path = spawnSync('sh', ['-c', 'command -v gfortran'], { encoding: 'utf8' }).stdout.trim();
let root = '';
let builtin: BuiltinSearch;
beforeAll(async () => {
  root = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-fortran-')));
  if (!there) return;
  const asked = await new Toolchains().builtinSearch(path, 'fortran-cpp', []);
  if (!asked.ok) throw new Error(asked.error.message);
  builtin = asked.value;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const RUNS = process.env['TENDER_ALL_UNITS'] === '1' ? 300 : 20;
const MODULES = ['m0', 'm1', 'm2', 'm3'];
const INTRINSIC = ['iso_c_binding', 'iso_fortran_env', 'ieee_arithmetic', 'omp_lib'];

/** Ways to write one and the same statement; `$` stands for the name. */
const FREE_USES = [
  'use $',
  '  USE, non_intrinsic :: $',
  'use &\n  ! why not\n  $ , only: v_$',
  'us&\n&e $',
  '10 use $; continue',
  '#if 1\nuse $\n#endif',
];
const FIXED_USES = [
  '      use $',
  '      U S E $',
  '      USE\nC between\n     1 $,ONLY:V_$',
  '\tuse $',
  '      use $                                                             12345678',
];
const FREE_INCLUDES = ["include '$'", '  INCLUDE "$" ! x', '#include "$"'];
const FIXED_INCLUDES = ["      IN CLUDE '$'", '      include "$"', '#include "$"'];

const unit = fc.record({
  fixed: fc.boolean(),
  uses: fc.uniqueArray(fc.nat(3), { maxLength: 3 }),
  intrinsic: fc.option(fc.constantFrom(...INTRINSIC)),
  include: fc.option(fc.constantFrom('a.inc', 'b.inc', 'd/c.inc')),
  spelling: fc.nat(99),
  submodule: fc.boolean(),
  dir: fc.constantFrom('', 'src/'),
});
const project = fc.record({
  units: fc.array(unit, { minLength: 4, maxLength: 4 }),
  into: fc.constantFrom('', 'mods'),
  places: fc.uniqueArray(
    fc.constantFrom('a.inc', 'inc/a.inc', 'src/a.inc', 'inc/b.inc', 'b.inc', 'inc/d/c.inc', 'src/d/c.inc'),
    { minLength: 3 },
  ),
});
type Project = typeof project extends fc.Arbitrary<infer T> ? T : never;

/** Of `choices` by a number. */
const one = (choices: readonly string[], number: number, name: string): string =>
  (choices[number % choices.length] ?? '').replaceAll('$', name);

/** The text of module `at`, which uses modules before it, and perhaps a submodule of it. */
function textOf({ units }: Project, at: number): string {
  const { fixed, uses, intrinsic, include, spelling, submodule } = units[at] as Project['units'][number];
  const lines = (text: string): string => (fixed ? text.replaceAll(/^/gm, '      ') : text);
  const used = uses
    .filter((other) => other < at)
    .map((other, n) => one(fixed ? FIXED_USES : FREE_USES, spelling + n, MODULES[other] ?? ''));
  if (intrinsic !== null) used.push(lines(`use ${intrinsic}`));
  const included = include === null ? '' : one(fixed ? FIXED_INCLUDES : FREE_INCLUDES, spelling, include);
  const name = MODULES[at] ?? '';
  const face = submodule ? `interface\nmodule subroutine s_${name}()\nend subroutine\nend interface` : '';
  const body = submodule
    ? lines(`submodule (${name}) deep_${name}\ncontains\nmodule subroutine s_${name}()\nend subroutine\nend submodule`)
    : '';
  return [
    lines(`module ${name}`),
    ...used,
    included,
    lines(`integer :: v_${name} = 1\n${face}\nend module`),
    body,
    '',
  ].join('\n');
}

const modulesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.s?mod$/.test(name))
    .map((name) => join(dir, name));

test.skipIf(!there)(
  `${RUNS} random projects`,
  () => {
    let run = 0;
    let compiled = 0;
    const check = (drawn: Project): void => {
      const cwd = join(root, `${run++}`);
      for (const dir of ['src/d', 'inc/d', 'mods']) mkdirSync(join(cwd, dir), { recursive: true });
      for (const [number, place] of drawn.places.entries())
        writeFileSync(join(cwd, place), `      integer i${number}\n`);
      for (const at of MODULES.keys()) {
        const { fixed, dir } = drawn.units[at] as Project['units'][number];
        const source = `${dir}${MODULES[at] ?? ''}.${fixed ? 'f' : 'f90'}`;
        writeFileSync(join(cwd, source), textOf(drawn, at));
        const moduleDir = drawn.into === '' ? cwd : join(cwd, drawn.into);
        // Later ones may be there from a build before, and must not matter.
        const before = new Set(modulesIn(cwd));
        const scanned = new IncludeScanner(new FileCache()).scan({
          ...{ source: join(cwd, source), cwd, builtin, envDirs: { afterI: [], afterSystem: [] } },
          scan: { ...NO_OPTIONS, includeDirs: ['inc'] },
          fortran: { moduleDir, preprocessed: true, before: [] },
        });
        expect(scanned.fortran?.doubt).toBe(null);
        const into = drawn.into === '' ? [] : [`-J${drawn.into}`];
        const words = ['-cpp', '-fopenmp', '-Iinc', ...into, '-MD', '-MF', 'dep', '-c', source, '-o', 'out.o'];
        const ran = spawnSync(path, words, { cwd, encoding: 'utf8' });
        const made = modulesIn(cwd).filter((file) => !before.has(file));
        expect(made.filter((file) => scanned.fortran?.modules.includes(file) !== true)).toEqual([]);
        if (ran.status !== 0) continue;
        compiled++;
        const read = parseDependencies(readFileSync(join(cwd, 'dep'), 'utf8')).map((file) => spellAbsolute(file, cwd));
        expect(read.length).toBeGreaterThan(0);
        // A name that a macro of the compiler's would spell otherwise is the same file.
        const found = new Set(scanned.files.map((file) => realpathSync.native(file)));
        const own = new Set(scanned.fortran?.modules);
        expect(read.filter((file) => !found.has(realpathSync.native(file)) && !own.has(file))).toEqual([]);
      }
    };
    fc.assert(fc.property(project, check), { numRuns: RUNS, seed: 42 });
    expect(compiled).toBeGreaterThan(RUNS);
  },
  240_000,
);
