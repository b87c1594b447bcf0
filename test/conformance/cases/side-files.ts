// Compiles that write or read more than source, object and depfile: several sources, kept temporaries, reports,
// dumps, profiles, plugins, specs, lists, precompiled headers and modules.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const files = {
  'a.c': '#include "a.h"\nint loop(int *p) { int s = 0; for (int i = 0; i < 64; i++) s += p[i]; return s + A; }\n',
  'a.h': '#define A 3\n',
  'b.c': '#include "a.h"\nint b(void) { return A; }\n',
  'c.cc': '#include "a.h"\nint c() { return A; }\n',
  's.S': '#include "a.h"\n\t.globl s\ns:\t.long A\n',
  'out/keep': '',
};
const wrong = { ...files, 'b.c': 'int b(void) { return nothing; }\n' };
const precompiled = {
  'a.c': '#include "pch.h"\nint a = PCH;\n',
  'pch.h': '#ifndef P\n#define P\n#define PCH 3\nstatic inline int p(void) { return PCH; }\n#endif\n',
};
const module = {
  'm.cppm': 'export module m;\nexport int m() { return 3; }\n',
  'm.cc': 'export module m;\nexport int m() { return 3; }\n',
};
const times = 'it shows times';

const both: readonly Row[] = [
  ['several sources', { files, run: '$CC -c a.c b.c' }],
  ['several sources with depfiles', { files, run: '$CC -MD -g -c a.c b.c' }],
  ['several sources of several languages', { files, run: '$CC -O1 -c a.c c.cc s.S' }],
  ['several sources, -S', { files, run: '$CC -S a.c b.c' }],
  ['several sources, one wrong', { files: wrong, run: '$CC -c a.c b.c c.cc', exit: 1 }],
  ['several sources and -o', { files, run: '$CC -c a.c b.c -o both.o', exit: 1, expect: 'several-sources' }],
  [
    'several sources of one name',
    { files: { 'x/a.c': 'int x;\n', 'y/a.c': 'int y;\n' }, run: '$CC -c x/a.c y/a.c', expect: 'output-not-a-file' },
  ],
  [
    '-x between several sources',
    { files: { ...files, 'd.txt': 'int d;\n' }, run: '$CC -c a.c -x c d.txt -x none s.S' },
  ],
  ['-save-temps', { files, run: '$CC -save-temps -c a.c' }],
  ['-save-temps=obj', { files, run: '$CC -save-temps=obj -c a.c -o out/x.o' }],
  ['-save-temps=cwd', { files, run: '$CC -save-temps=cwd -c a.c -o out/x.o' }],
  ['-save-temps with -g and depfile', { files, run: '$CC -save-temps -g -MD -c a.c' }],
  ['-save-temps of C++', { files, run: '$CXX -save-temps -c c.cc' }],
  ['-save-temps of an error', { files: wrong, run: '$CC -save-temps -c b.c', exit: 1 }],
  ['-fplugin= that is not there', { files, run: '$CC -fplugin=./none.so -c a.c', exit: 1, expect: 'plugin' }],
  ['-B with no programs', { files, run: '$CC -Bout -c a.c', expect: 'side-files' }],
  ['-include of a file without a precompiled form', { files: precompiled, run: '$CC -include pch.h -c a.c' }],
  ['-Winvalid-pch', { files: precompiled, run: '$CC -Winvalid-pch -c a.c' }],
];

const gcc: readonly Row[] = [
  [
    '-specs=',
    {
      files: { ...files, 'my.specs': '*cpp:\n+ -DEXTRA=1\n' },
      run: '$CC -specs=my.specs -c a.c',
      expect: 'side-files',
    },
  ],
  ['-specs= that is not there', { files, run: '$CC -specs=none.specs -c a.c', exit: 1, expect: 'side-files' }],
  [
    'a precompiled header',
    {
      files: precompiled,
      run: { lines: ['$CC -c pch.h', '$CC -c a.c'] },
      expect: ['precompiled-header', 'precompiled-header'],
      unsteady: { 'pch.h.gch': { whole: 'it holds addresses, and its length varies with them' } },
    },
  ],
  [
    'a precompiled header by -include',
    {
      files: precompiled,
      run: { lines: ['$CC -x c-header pch.h -o pch.h.gch', '$CC -include pch.h -c a.c'] },
      expect: ['not-a-compile', 'precompiled-header'],
      unsteady: { 'pch.h.gch': { whole: 'it holds addresses, and its length varies with them' } },
    },
  ],
  [
    '-fmodules-ts',
    { files: module, run: '$CXX -fmodules-ts -c m.cc', env: { SOURCE_DATE_EPOCH: '1' }, expect: 'module' },
  ],
  ['-fdump-tree-optimized', { files, run: '$CC -O2 -fdump-tree-optimized -c a.c', expect: 'side-files' }],
  [
    '-fdump-tree-all',
    { files, run: '$CC -fdump-tree-original -fdump-rtl-expand -c a.c -o out/a.o', expect: 'side-files' },
  ],
  ['-da', { files, run: '$CC -dP -S a.c', expect: 'travels' }],
  ['-dumpbase', { files, run: '$CC -dumpbase x -fstack-usage -c a.c', expect: 'side-files' }],
  ['-dumpdir', { files, run: '$CC -dumpdir out/ -fstack-usage -c a.c', expect: 'side-files' }],
  ['-fopt-info-all=FILE', { files, run: '$CC -O2 -fopt-info-all=report.txt -c a.c' }],
  [
    '-fsave-optimization-record',
    {
      files,
      run: '$CC -O2 -fsave-optimization-record -c a.c',
      unsteady: { 'a.c.opt-record.json.gz': 'it holds addresses and times' },
    },
  ],
  [
    '-fprofile-use=FILE',
    {
      files: { ...files },
      run: {
        lines: [
          '$CC -O1 -fprofile-generate -c a.c -frandom-seed=1',
          '$CC -O2 -fprofile-use=none.gcda -Wmissing-profile -c a.c',
        ],
      },
      expect: 'travels',
    },
  ],
  ['-fauto-profile=', { files, run: '$CC -O2 -fauto-profile=none.afdo -c a.c', exit: 1, expect: 'file-missing' }],
  ['-wrapper', { files, run: '$CC -wrapper env,X=1 -c a.c', expect: 'side-files' }],
  [
    '-fdiagnostics-format=json-file',
    {
      files,
      run: '$CC -Wall -fdiagnostics-format=json-file -c a.c',
      expect: 'side-files',
      needs: ['echo "int x;" | gcc -fdiagnostics-format=json-file -x c -c - -o /dev/null'],
    },
  ],
  [
    '-fstack-usage over an older .su of another mode',
    { files: { ...files, 'a.su': { text: 'old', mode: 0o600 } }, run: '$CC -fstack-usage -c a.c' },
  ],
  ['-save-temps with -fstack-usage, -MD and -o', { files, run: '$CC -save-temps -fstack-usage -MD -c a.c -o out/x.o' }],
  ['-save-temps of several sources', { files, run: '$CC -save-temps -c a.c b.c' }],
  ['--coverage of several sources', { files, run: '$CC --coverage -frandom-seed=1 -c a.c b.c' }],
  ['-flto -save-temps', { files, run: '$CC -flto -frandom-seed=1 -save-temps -c a.c' }],
];

const clang: readonly Row[] = [
  ['-ftime-trace', { files, run: '$CC -ftime-trace -c a.c', unsteady: { 'a.json': { whole: times } } }],
  [
    '-ftime-trace -o',
    {
      files,
      run: '$CC -ftime-trace -ftime-trace-granularity=100 -c a.c -o out/x.o',
      unsteady: { 'out/x.json': { whole: times } },
    },
  ],
  [
    '-fsanitize-ignorelist=',
    {
      files: { ...files, 'ignore.txt': 'fun:loop\n' },
      run: '$CC -fsanitize=address -fsanitize-ignorelist=ignore.txt -c a.c',
    },
  ],
  [
    '-fsanitize-ignorelist= and a depfile',
    {
      files: { ...files, 'ignore.txt': 'src:a.c\n' },
      run: '$CC -fsanitize=undefined -fsanitize-ignorelist=ignore.txt -MD -c a.c',
    },
  ],
  [
    '-fsanitize-ignorelist= that is not there',
    { files, run: '$CC -fsanitize=address -fsanitize-ignorelist=none.txt -c a.c', exit: 1, expect: 'file-missing' },
  ],
  [
    'a precompiled header',
    {
      files: precompiled,
      run: { lines: ['$CC -x c-header -c pch.h -o pch.h.pch', '$CC -include pch.h -c a.c'] },
      expect: ['precompiled-header', 'precompiled-header'],
    },
  ],
  [
    '-include-pch',
    {
      files: precompiled,
      run: { lines: ['$CC -x c-header -c pch.h -o p.pch', '$CC -include-pch p.pch -c a.c'] },
      expect: ['precompiled-header', 'precompiled-header'],
    },
  ],
  [
    'a module interface',
    {
      files: module,
      run: '$CXX -std=c++20 -c m.cppm -o m.o',
      expect: 'module',
      unsteady: { 'm.o': 'the name of a temporary file is random' },
    },
  ],
  ['-fmodules', { files, run: '$CC -fmodules -fmodules-cache-path=cache -c a.c', expect: 'module' }],
  ['-fsave-optimization-record', { files, run: '$CC -O2 -fsave-optimization-record -c a.c' }],
  [
    '-foptimization-record-file=',
    { files, run: '$CC -O2 -fsave-optimization-record=yaml -foptimization-record-file=out/r.yaml -c a.c' },
  ],
  [
    '-fprofile-instr-use= that is not there',
    { files, run: '$CC -O2 -fprofile-instr-use=none.profdata -c a.c', exit: 1, expect: 'file-missing' },
  ],
  ['--config', { files: { ...files, 'my.cfg': '-DX=1\n' }, run: '$CC --config ./my.cfg -c a.c', expect: 'side-files' }],
  [
    '-working-directory',
    { files: { 'out/a.c': 'int x;\n' }, run: '$CC -working-directory=$DIR/out -c a.c', expect: 'side-files' },
  ],
  [
    '-fxray-attr-list=',
    {
      files: { ...files, 'x.txt': '[always]\nfun:loop\n' },
      run: '$CC -fxray-instrument -fxray-attr-list=x.txt -c a.c',
    },
  ],
  ['-resource-dir', { files, run: '$CC -resource-dir $DIR/none -c a.c', expect: 'side-files' }],
];

export const sideFiles: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
