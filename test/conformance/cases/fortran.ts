// Fortran: both source forms, INCLUDE lines, modules and submodules that one command makes and the next one reads, module files
// that stay untouched when nothing in them is new, and what becomes of old ones when a compile fails.
import { forGcc, type Case, type Row, type Spec } from '../case.ts';

const gfortran = ['command -v gfortran'];
const shapes =
  'module shapes\n  implicit none\n  integer, parameter :: sides = 4\n  type :: square\n    real :: a\n  end type\n' +
  'contains\n  pure function area(s) result(r)\n    type(square), intent(in) :: s\n    real :: r\n    r = s%a**2\n  end function\nend module shapes\n';
const user =
  'program p\n  use shapes, only: square, area, sides\n  type(square) :: s\n  s%a = 2.0\n  if (area(s) /= 4.0 .or. sides /= 4) stop 1\n  print *, "fine"\nend program\n';
const two = { 'shapes.f90': shapes, 'user.f90': user };
const parent =
  'module parent\n  implicit none\n  interface\n    module subroutine work(x)\n      integer, intent(inout) :: x\n    end subroutine\n' +
  '    module function twice(x) result(r)\n      integer, intent(in) :: x\n      integer :: r\n    end function\n  end interface\nend module\n';
const child =
  'submodule (parent) child\n  implicit none\n  integer, parameter :: step = 3\ncontains\n  module subroutine work(x)\n    integer, intent(inout) :: x\n    x = x + step\n  end subroutine\nend submodule\n';
const grandchild =
  'submodule (parent:child) grandchild\ncontains\n  module procedure twice\n    r = 2 * x + step\n  end procedure\nend submodule\n';
const family = { 'parent.f90': parent, 'child.f90': child, 'grandchild.f90': grandchild };
const fixed =
  "C     A comment\n      PROGRAM MAIN\n      INTEGER I, TOTAL\n      COMMON /BLOCK/ TOTAL\n      INCLUDE 'values.inc'\n      TOTAL = 0\n      DO 10 I = 1,\n     &   LIMIT\n" +
  "   10 TOTAL = TOTAL + I\n* Another one\n      PRINT *, 'TOTAL IS ! NOT A COMMENT', TOTAL\n      END\n";
const preprocessed =
  '#include "config.h"\n#ifdef WITH_MODULE\nmodule picked\n  integer :: n = LIMIT\nend module\n#endif\nsubroutine s(x)\n#ifdef WITH_MODULE\n  use picked\n#endif\n' +
  '  integer :: x\n  x = LIMIT\n  print *, __FILE__, __LINE__\nend subroutine\n';
const configured = { 'a.F90': preprocessed, 'include/config.h': '#define LIMIT 7\n' };
const parallel =
  'program p\n!$ use omp_lib\n  implicit none\n  integer :: i, n\n  n = 0\n!$omp parallel do reduction(+:n)\n  do i = 1, 10\n    n = n + i\n  end do\n!$ n = n + 0 * omp_get_max_threads()\n  if (n /= 55) stop 1\nend program\n';
const link = 'not-a-compile';

const rows: readonly Row[] = [
  [
    'free form',
    { files: { 'a.f90': 'subroutine s(x)\n  integer :: x\n  x = x + 1\nend subroutine\n' }, run: 'gfortran -c a.f90' },
  ],
  [
    'fixed form with INCLUDE',
    { files: { 'a.f': fixed, 'values.inc': '      PARAMETER (LIMIT = 9)\n' }, run: 'gfortran -O2 -c a.f' },
  ],
  [
    'fixed form by option',
    { files: { 'a.f90': fixed, 'values.inc': '      PARAMETER (LIMIT = 9)\n' }, run: 'gfortran -ffixed-form -c a.f90' },
  ],
  [
    'fixed form with long lines',
    {
      files: {
        'a.f':
          "      subroutine s(text)\n      character*80 text\n                                                            text='0123456789012345678901234567890'\n      end\n",
      },
      run: 'gfortran -ffixed-line-length-132 -c a.f',
    },
  ],
  ['a language by -x', { files: { 'a.txt': 'subroutine s\nend subroutine\n' }, run: 'gfortran -x f95 -c a.txt' }],
  ['gcc for a Fortran source', { files: { 'shapes.f90': shapes }, run: 'gcc -O1 -c shapes.f90' }],
  ['.s by -S', { files: { 'shapes.f90': shapes }, run: 'gfortran -O2 -S shapes.f90 -o out.s' }],
  ['C by the Fortran driver', { files: { 'a.c': 'int f(void) { return 3; }\n' }, run: 'gfortran -c a.c' }],
  [
    'a module, then its user, linked and run',
    {
      files: two,
      run: { lines: ['gfortran -c shapes.f90', 'gfortran -c user.f90', 'gfortran shapes.o user.o -o p', './p'] },
      expect: ['travels', 'travels', link, 'plain'],
    },
  ],
  ['two sources, the second needs the first', { files: two, run: 'gfortran -c shapes.f90 user.f90' }],
  [
    'two sources again',
    { files: two, run: { lines: ['gfortran -c shapes.f90 user.f90', 'gfortran -c shapes.f90 user.f90'] } },
  ],
  [
    'two sources in the wrong order, with a module of before',
    {
      files: two,
      run: { lines: ['gfortran -c shapes.f90', 'gfortran -c user.f90 shapes.f90'] },
      expect: ['travels', 'module'],
    },
  ],
  ['two sources in the wrong order', { files: two, run: 'gfortran -c user.f90 shapes.f90', exit: 1 }],
  [
    'a module and its user in one file',
    { files: { 'a.f90': shapes + user }, run: { lines: ['gfortran -c a.f90', 'gfortran -c a.f90'] } },
  ],
  [
    '-J and -I',
    {
      files: { ...two, 'mods/keep': '' },
      run: { lines: ['gfortran -Jmods -c shapes.f90', 'gfortran -J mods -c user.f90', 'gfortran -Imods -c user.f90'] },
    },
  ],
  [
    '-J and -I by absolute names, out of the tree',
    {
      files: { 'src/shapes.f90': shapes, 'src/user.f90': user, 'build/mods/keep': '' },
      cwd: 'build',
      run: {
        lines: [
          'gfortran -J$DIR/build/mods -c $DIR/src/shapes.f90 -o shapes.o',
          'gfortran -I$DIR/build/mods -c ../src/user.f90 -o user.o',
        ],
      },
    },
  ],
  [
    '-J for a source without modules',
    { files: { 'a.f90': 'subroutine s\nend subroutine\n', 'mods/keep': '' }, run: 'gfortran -Wall -Jmods -c a.f90' },
  ],
  [
    '-J where there is nothing, for a source without modules',
    { files: { 'a.f90': 'subroutine s\nend subroutine\n' }, run: 'gfortran -Wall -Jmods -c a.f90' },
  ],
  [
    '-I of a file',
    { files: { 'a.f90': 'subroutine s\nend subroutine\n', inc: '' }, run: 'gfortran -Wall -Iinc -c a.f90', exit: 1 },
  ],
  [
    '-J where there is nothing',
    { files: two, run: 'gfortran -Jgone -c shapes.f90', exit: 1, expect: 'output-not-a-file' },
  ],
  [
    '-J of a file',
    {
      files: { 'a.f90': 'subroutine s\nend subroutine\n', inc: '' },
      run: 'gfortran -Wall -Jinc -c a.f90',
      exit: 1,
    },
  ],
  ['-I where there is nothing', { files: two, run: 'gfortran -Igone -Wall -c shapes.f90' }],
  ['a module that is missing', { files: two, run: 'gfortran -c user.f90', exit: 1 }],
  [
    'the first of two modules of one name',
    {
      files: { ...two, 'other/shapes.f90': 'module shapes\n  integer :: x\nend module\n' },
      run: {
        lines: [
          'gfortran -Jother -c other/shapes.f90 -o other/shapes.o',
          'gfortran -Iother -c user.f90',
          'gfortran -c shapes.f90',
          'gfortran -Iother -c user.f90',
        ],
      },
      exit: [0, 1, 0, 0],
    },
  ],
  [
    'submodules, linked',
    {
      files: {
        ...family,
        'main.f90':
          'program p\n  use parent\n  integer :: x = 1\n  call work(x)\n  if (twice(x) /= 11) stop 1\nend program\n',
      },
      run: {
        lines: [
          'gfortran -c parent.f90',
          'gfortran -c child.f90',
          'gfortran -c grandchild.f90',
          'gfortran -c main.f90',
          'gfortran parent.o child.o grandchild.o main.o -o p',
          './p',
        ],
      },
      expect: ['travels', 'travels', 'travels', 'travels', link, 'plain'],
    },
  ],
  ['submodules in one file', { files: { 'a.f90': parent + child + grandchild }, run: 'gfortran -c a.f90' }],
  ['a submodule without its parent', { files: family, run: 'gfortran -c child.f90', exit: 1 }],
  [
    'intrinsic modules',
    {
      files: {
        'a.f90':
          'subroutine s(x) bind(c)\n  use, intrinsic :: iso_c_binding, only: c_int\n  use iso_fortran_env\n  use, intrinsic :: ieee_arithmetic\n  integer(c_int) :: x\n  real(real64) :: y\n' +
          '  y = x\n  if (ieee_is_nan(y)) x = 0\nend subroutine\n',
      },
      run: 'gfortran -O2 -c a.f90',
    },
  ],
  [
    'statements over several lines, in odd spelling',
    {
      files: {
        ...two,
        'odd.f90':
          "program p\n  USE, & ! a comment\n\n  ! and another\n    & non_intrinsic :: sha&\n  &pes, only : & \n    area; use :: iso_c_binding\n  implicit none\n  include 'a file.inc' ! here\nend\n",
        'a file.inc': 'integer :: n = 3\n',
      },
      run: { lines: ['gfortran -c shapes.f90', 'gfortran -c odd.f90'] },
    },
  ],
  [
    'blanks that mean nothing in fixed form',
    {
      files: {
        ...two,
        'b.f':
          "      PROGRAM P\n      U S E SHAPES, ONL\n     1Y: SIDES\n      IN CLUDE 'v.inc'\n      PRINT *, SIDES\n      END\n",
        'v.inc': '      INTEGER V\n',
      },
      run: { lines: ['gfortran -c shapes.f90', 'gfortran -c b.f'] },
    },
  ],
  [
    'included files include files',
    {
      files: {
        'src/a.f90': "subroutine s\n  include 'one.inc'\nend subroutine\n",
        'inc/one.inc': "include 'deep/two.inc'\n",
        'inc/deep/two.inc': 'integer :: n = 4\n',
      },
      run: 'gfortran -Iinc -c src/a.f90',
    },
  ],
  [
    'an included file that is missing',
    { files: { 'a.f90': "program p\n  include 'gone.inc'\nend\n" }, run: 'gfortran -c a.f90', exit: 1 },
  ],
  [
    'a warning in an included file, quoted',
    {
      files: { 'a.f90': "subroutine s\n  include 'd/w.inc'\nend subroutine\n", 'd/w.inc': 'integer :: unused\n' },
      run: 'gfortran -Wall -c a.f90',
    },
  ],
  ['.F90 with #include', { files: configured, run: 'gfortran -Iinclude -c a.F90' }],
  [
    '.F90 with -D and its module',
    {
      files: configured,
      run: { lines: ['gfortran -Iinclude -DWITH_MODULE -c a.F90', 'gfortran -Iinclude -c a.F90'] },
      expect: ['travels', 'module'],
    },
  ],
  [
    '.F90 with -D once more',
    {
      files: configured,
      run: { lines: ['gfortran -Iinclude -DWITH_MODULE -c a.F90', 'gfortran -Iinclude -DWITH_MODULE -c a.F90'] },
      expect: ['travels', 'module'],
    },
  ],
  ['.F90 with -MD', { files: configured, run: 'gfortran -Iinclude -MD -c a.F90' }],
  ['.F90 with -MMD -MF -MT', { files: configured, run: 'gfortran -Iinclude -MMD -MF a.dep -MT all -c a.F90 -o b.o' }],
  [
    '-cpp -MD with modules',
    { files: two, run: { lines: ['gfortran -cpp -MD -c shapes.f90', 'gfortran -cpp -MD -MP -c user.f90'] } },
  ],
  ['-MD without the preprocessor', { files: two, run: 'gfortran -MD -c shapes.f90', exit: 1 }],
  [
    '.F90 with a header that is missing',
    { files: { 'a.F90': '#include "gone.h"\nend\n' }, run: 'gfortran -c a.F90', exit: 1 },
  ],
  [
    '.F with long macros and -traditional text',
    {
      files: { 'a.F': "#define TEXT 'it''s'\n      subroutine s\n      print *, TEXT\n      end\n" },
      run: 'gfortran -c a.F',
    },
  ],
  [
    'a module whose name is a macro',
    {
      files: { 'a.F90': '#define NAME real_name\nmodule NAME\n  integer :: x\nend module\n' },
      run: 'gfortran -c a.F90',
      expect: 'module',
    },
  ],
  [
    'a module whose name -D gives',
    {
      files: { 'a.F90': 'module THE_NAME\n  integer :: x\nend module\n' },
      run: 'gfortran -DTHE_NAME=real_name -c a.F90',
      expect: 'module',
    },
  ],
  [
    'a macro that uses a module',
    {
      files: { ...two, 'a.F90': '#define USES use shapes\nsubroutine s\n  USES\nend subroutine\n' },
      run: { lines: ['gfortran -c shapes.f90', 'gfortran -c a.F90'] },
      expect: ['travels', 'module'],
    },
  ],
  ['-fopenmp', { files: { 'a.f90': parallel }, run: { lines: ['gfortran -fopenmp -c a.f90', 'gfortran -c a.f90'] } }],
  [
    '-fopenmp with INCLUDE of omp_lib.h',
    {
      files: { 'a.f90': "program p\n  include 'omp_lib.h'\n  print *, omp_get_num_procs()\nend\n" },
      run: 'gfortran -fopenmp -c a.f90',
    },
  ],
  [
    'an error',
    {
      files: { 'a.f90': 'subroutine s\n  implicit none\n  x = 3\nend subroutine\n' },
      run: 'gfortran -c a.f90',
      exit: 1,
    },
  ],
  [
    'warnings',
    {
      files: { 'a.f90': 'subroutine s\n  integer :: unused\n  real :: y\n  y = 1\nend subroutine\n' },
      run: 'gfortran -Wall -Wextra -pedantic -c a.f90',
    },
  ],
  [
    '-std=f2018 refuses',
    { files: { 'a.f90': 'program p\n  real*8 x\n  x = 1\nend\n' }, run: 'gfortran -std=f2018 -c a.f90', exit: 1 },
  ],
  ['-g', { files: two, run: { lines: ['gfortran -g -c shapes.f90', 'gfortran -g -O2 -c user.f90'] } }],
  ['-g -gsplit-dwarf', { files: { 'a.f90': shapes }, run: 'gfortran -g -gsplit-dwarf -c a.f90 -o x.o' }],
  ['--coverage', { files: { 'a.f90': shapes }, run: 'gfortran --coverage -frandom-seed=1 -c a.f90' }],
  [
    '-fstack-usage -fcallgraph-info',
    { files: { 'a.f90': shapes }, run: 'gfortran -fstack-usage -fcallgraph-info -c a.f90' },
  ],
  ['-flto', { files: { 'a.f90': shapes }, run: 'gfortran -flto -frandom-seed=1 -O2 -c a.f90' }],
  [
    'checks and defaults',
    {
      files: two,
      run: 'gfortran -fcheck=all -fbacktrace -fdefault-real-8 -finit-real=snan -ffpe-trap=zero -c shapes.f90',
    },
  ],
  ['-march=native', { files: { 'a.f90': shapes }, run: 'gfortran -march=native -O3 -c a.f90' }],
  ['-save-temps', { files: { 'a.f90': shapes }, run: 'gfortran -save-temps -c a.f90', expect: 'save-temps' }],
  ['-E', { files: configured, run: 'gfortran -Iinclude -E a.F90', expect: link }],
  ['-fsyntax-only', { files: { 'a.f90': shapes }, run: 'gfortran -fsyntax-only a.f90', expect: link }],
  [
    'a module that is broken now: the old file goes',
    {
      files: { 'a.f90': shapes, 'b.f90': shapes.replace('r = s%a**2', 'r = nothing%a') },
      run: { lines: ['gfortran -c a.f90', 'gfortran -c b.f90'] },
      exit: [0, 1],
      expect: ['travels', 'output-not-written'],
    },
  ],
  [
    'a broken module where there was none',
    { files: { 'b.f90': shapes.replace('r = s%a**2', 'r = nothing%a') }, run: 'gfortran -c b.f90', exit: 1 },
  ],
  [
    'one good module and a broken one',
    {
      files: { 'a.f90': `module good\n  integer :: x\nend module\n${shapes.replace('r = s%a**2', 'r = nothing%a')}` },
      run: 'gfortran -c a.f90',
      exit: 1,
    },
  ],
  [
    'coarrays, types and operators',
    {
      files: {
        'a.f90':
          'module vectors\n  implicit none\n  type :: v\n    real :: x(3)\n  contains\n    procedure :: plus\n    generic :: operator(+) => plus\n  end type\ncontains\n  elemental function plus(a, b) result(c)\n' +
          '    class(v), intent(in) :: a\n    type(v), intent(in) :: b\n    type(v) :: c\n    c%x = a%x + b%x\n  end function\nend module\nprogram p\n  use vectors\n  integer :: n[*]\n  type(v) :: a\n  a = a + a\n  n = 1\n  sync all\nend program\n',
      },
      run: 'gfortran -fcoarray=single -O2 -c a.f90',
    },
  ],
];

const needing = ([title, spec]: Row): Row => [
  `Fortran: ${title}`,
  { ...spec, needs: [...gfortran, ...(spec.needs ?? [])] } satisfies Spec,
];

export const fortran: readonly Case[] = forGcc(rows.map(needing));
