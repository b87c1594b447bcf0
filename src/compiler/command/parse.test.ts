// The verdicts, one line a case: what travels with which outputs, what stays and why, what the scanner is told.
// The output names in here are what gcc 12 and clang 14 do; conformance.test.ts asks the real ones.
import { describe, expect, test } from 'vitest';
import type { CompilePlan, StayReason, Verdict } from '../types.ts';
import type { CommandContext } from './parse.ts';
import { parseCommand } from './parse.ts';

const context: CommandContext = {
  cwd: '/src/project',
  env: new Map(),
  readFile: () => null,
  stderrIsTerminal: false,
  isDirectory: (path) => path === '/src/project/build',
};

const parse = (line: string, over: Partial<CommandContext> = {}): Verdict =>
  parseCommand(line.split(' '), { ...context, ...over });

function plan(line: string, over: Partial<CommandContext> = {}): CompilePlan {
  const verdict = parse(line, over);
  if (!verdict.travels) throw new Error(`${line} stays: ${verdict.reason}, ${verdict.detail}`);
  return verdict.plan;
}

function reason(line: string, over: Partial<CommandContext> = {}): StayReason | 'travels' {
  const verdict = parse(line, over);
  return verdict.travels ? 'travels' : verdict.reason;
}

describe('what a compile writes', () => {
  test.each([
    ['gcc -c a.c', 'a.o'],
    ['gcc -c sub/a.c', 'a.o'],
    ['gcc -c a.b.c', 'a.b.o'],
    ['gcc -S sub/a.c', 'a.s'],
    ['gcc -c -S a.c', 'a.s'],
    ['gcc -c a.c -o b.o', 'b.o'],
    ['gcc -c a.c -ob.o', 'b.o'],
    ['gcc -c a.c -o a.o -o b.o', 'b.o'],
    ['gcc -c a.c -o sub/b', 'sub/b'],
    ['gcc -c a.c -MD', 'a.o a.d'],
    ['gcc -c sub/a.c -MMD', 'a.o a.d'],
    ['gcc -c a.c -MD -o sub/b.o', 'sub/b.o sub/b.d'],
    ['gcc -c a.c -MD -o sub/b', 'sub/b sub/b.d'],
    ['gcc -c a.c -MD -o b.x.o', 'b.x.o b.x.d'],
    ['gcc -c a.c -MD -o d.x/b', 'd.x/b d.x/b.d'],
    ['gcc -c a.c -MD -o .b', '.b .d'],
    ['gcc -c a.c -MD -MF dep', 'a.o dep'],
    ['gcc -c a.c -MD -MFdep', 'a.o dep'],
    ['gcc -c a.c -MD -MF one -MF two', 'a.o two'],
    ['gcc -c a.c -MF dep', 'a.o'],
    ['gcc -c a.c -MD -MT x -MQ y -MP', 'a.o a.d'],
    ['gcc -S a.c -MD -o b.s', 'b.s b.d'],
    ['gcc -c a.i -MD', 'a.o'],
    ['gcc -c a.s -MD', 'a.o'],
    ['gcc -c a.S -MD', 'a.o a.d'],
    ['gcc -c a.c -Wp,-MD,x.d', 'a.o x.d'],
    ['gcc -c a.c -Wp,-MMD,x.d -MD', 'a.o x.d'],
    ['gcc -c a.c -Wp,-MMD,.a.o.d -o a.o', 'a.o .a.o.d'],
    ['gcc -c a.c -Wp,-MD,x.d,-MT,t,-MP', 'a.o x.d'],
    ['gcc -c a.c -Wp,-MD -Wp,x.d', 'a.o x.d'],
    ['gcc -c a.c -Xpreprocessor -MD -Xpreprocessor x.d', 'a.o x.d'],
    ['clang -c a.c -Wp,-MD,x.d', 'a.o x.d'],
    ['gcc -c a.c -gsplit-dwarf', 'a.o a.dwo'],
    ['gcc -c a.c -gsplit-dwarf -g0', 'a.o a.dwo'],
    ['gcc -c a.c -gsplit-dwarf -gno-split-dwarf', 'a.o'],
    ['gcc -c a.c -gsplit-dwarf -o sub/b.o', 'sub/b.o sub/b.dwo'],
    ['gcc -c a.c -gsplit-dwarf -o sub/.b', 'sub/.b sub/.b.dwo'],
    ['gcc -S a.c -gsplit-dwarf', 'a.s'],
    ['gcc -c a.s -gsplit-dwarf', 'a.o a.dwo'],
    ['clang -c a.c -gsplit-dwarf', 'a.o'],
    ['clang -c a.c -gsplit-dwarf -g', 'a.o a.dwo'],
    ['clang -c a.c -g -gsplit-dwarf -o .b', '.b .dwo'],
    ['clang -c a.c -gsplit-dwarf -g -g0', 'a.o'],
    ['clang -c a.c -gsplit-dwarf=single -g', 'a.o'],
    ['gcc -c a.c --coverage', 'a.o a.gcno'],
    ['gcc -c a.c -coverage -o b.o', 'b.o b.gcno'],
    ['gcc -c a.c -ftest-coverage -fprofile-arcs', 'a.o a.gcno'],
    ['gcc -c a.c -ftest-coverage -fno-test-coverage', 'a.o'],
    ['gcc -c a.c --coverage -fno-test-coverage', 'a.o a.gcno'],
    ['gcc -c a.c -fprofile-arcs', 'a.o'],
    ['gcc -c a.S --coverage -fstack-usage', 'a.o'],
    ['gcc -c a.c -fstack-usage -o sub/b.o', 'sub/b.o sub/b.su'],
    ['gcc -c a.c -fstack-usage -flto', 'a.o'],
    ['gcc -c a.c -fstack-usage -flto=auto -fno-lto', 'a.o a.su'],
    ['clang -c a.c -emit-llvm', 'a.bc'],
    ['clang -S a.c -emit-llvm', 'a.ll'],
    ['gcc -c a.c -MD -g -gsplit-dwarf --coverage -fstack-usage -o o/b.o', 'o/b.o o/b.d o/b.dwo o/b.gcno o/b.su'],
    ['gcc -c a.c x/b.cc -MD', 'a.o a.d b.o b.d'],
    ['gcc -S a.c b.i -MD -MF x.d', 'a.s x.d b.s'],
    ['gcc -c a.c b.c -MD -MF x.d -aux-info p', 'a.o x.d b.o p'],
    ['gcc -c a.c -x assembler b -x none c.c -save-temps', 'a.o a.i a.s b.o c.o c.i c.s'],
    ['gcc -c a.c -save-temps -o o/b.o', 'o/b.o o/b.i o/b.s'],
    ['gcc -c a.c -save-temps=cwd -o o/b.o -MD -g -gsplit-dwarf', 'o/b.o o/b.d b.dwo b.i b.s'],
    ['gcc -S a.mm -save-temps=obj -o o/b.s', 'o/b.s o/b.mii'],
    ['clang -c a.c -save-temps -o o/b.o', 'o/b.o a.i a.bc a.s'],
    ['clang -c a.c -save-temps=obj -flto -o o/b.o', 'o/b.o o/a.i o/a.bc'],
    ['clang -S a.c --save-temps=cwd -emit-llvm', 'a.ll a.i a.tmp.bc'],
    ['clang -c a.i -save-temps', 'a.o a.s'],
    ['gcc -c a.b.c -fcallgraph-info=su -fsave-optimization-record', 'a.b.o a.b.ci a.b.c.opt-record.json.gz'],
    ['clang -c a.b.c -fsave-optimization-record', 'a.b.o a.opt.yaml'],
    ['clang -c a.b.c -fsave-optimization-record=bitstream -o x.y.o', 'x.y.o x.y.opt.bitstream'],
    ['clang -c a.c -foptimization-record-passes=inline -foptimization-record-file=r', 'a.o r'],
    ['clang -c a.c -ftime-trace -o o/x.y.o', 'o/x.y.o o/x.y.json'],
    ['clang -c a.c b.c --serialize-diagnostics s.dia', 'a.o b.o s.dia'],
    ['gcc -c a.c -ftest-coverage -fprofile-note=n', 'a.o n'],
    ['gcc -c a.s -Wa,-als=a.lst,--MD,as.d', 'a.o a.lst as.d'],
    ['gcc -c a.s -Wa,-als', 'a.o'],
    ['gcc -c a.c -fopt-info-vec-missed=stderr -fdump-tree-optimized=stdout', 'a.o'],
    ['clang -S a.c -g -gsplit-dwarf', 'a.s a.dwo'],
    ['clang -S sub/a.b.c -g -gsplit-dwarf -o o/x.s', 'o/x.s a.b.dwo'],
    ['clang -c a.c -g -gsplit-dwarf -flto', 'a.o'],
  ])('%s → %s', (line, outputs) => {
    expect(
      plan(line)
        .outputs.map((output) => output.path)
        .join(' '),
    ).toBe(outputs);
  });

  test('names that releases of gcc changed are marked', () => {
    expect(plan('gcc -c a.c -save-temps').namesSince).toBe(11);
    expect(plan('gcc -c a.c -fsave-optimization-record').namesSince).toBe(11);
    expect(plan('gcc -c a.c --coverage -MD').namesSince).toBe(0);
    expect(plan('clang -c a.c -save-temps').namesSince).toBe(0);
  });

  test('each output says what it is', () => {
    const { outputs } = plan('gcc -c a.c -MD -g -gsplit-dwarf --coverage -fstack-usage');
    expect(outputs.map((output) => output.kind)).toEqual(['object', 'depfile', 'dwo', 'gcno', 'stack-usage']);
  });
});

describe('what a source is', () => {
  test.each([
    ['gcc -c a.c', 'c'],
    ['gcc -c a.i', 'c-preprocessed'],
    ['gcc -c a.cc', 'c++'],
    ['gcc -c a.cp', 'c++'],
    ['gcc -c a.cxx', 'c++'],
    ['gcc -c a.cpp', 'c++'],
    ['gcc -c a.CPP', 'c++'],
    ['gcc -c a.c++', 'c++'],
    ['gcc -c a.C', 'c++'],
    ['gcc -c a.ii', 'c++-preprocessed'],
    ['gcc -c a.m', 'objc'],
    ['gcc -c a.mm', 'objc++'],
    ['gcc -c a.M', 'objc++'],
    ['gcc -c a.s', 'assembler'],
    ['gcc -c a.S', 'assembler-cpp'],
    ['gcc -c a.sx', 'assembler-cpp'],
    ['clang -c a.CXX', 'c++'],
    ['clang -c a.asm', 'assembler'],
    ['g++ -c a.c', 'c++'],
    ['g++ -c a.i', 'c++-preprocessed'],
    ['g++ -c a.S', 'assembler-cpp'],
    ['clang++ -c a.c', 'c++'],
    ['g++ -x c -c a.c', 'c'],
    ['gcc -x c++ -c a.c', 'c++'],
    ['gcc -xc++ -c a.c', 'c++'],
    ['gcc -x c++ -x none -c a.c', 'c'],
    ['gcc -c a.c -x c++', 'c'],
    ['gcc -x c -c a.h', 'c'],
    ['gcc -x cpp-output -c a', 'c-preprocessed'],
    ['gcc -x c++-cpp-output -c a', 'c++-preprocessed'],
    ['gcc -x objective-c++ -c a', 'objc++'],
    ['gcc -x assembler-with-cpp -c a', 'assembler-cpp'],
    ['x86_64-linux-gnu-g++-12 -c a.c', 'c++'],
    ['/usr/lib/ccache/gcc-12 -c a.c', 'c'],
    ['/opt/x/clang++-14 -c a.c', 'c++'],
  ])('%s: %s', (line, language) => {
    expect(plan(line).sources[0].language).toBe(language);
  });
});

describe('what stays, and why', () => {
  test.each<[string, StayReason]>([
    ['gcc a.c', 'not-a-compile'],
    ['gcc -o a a.o -lm', 'not-a-compile'],
    ['gcc -E a.c', 'not-a-compile'],
    ['gcc -c -E a.c', 'not-a-compile'],
    ['gcc -M a.c', 'not-a-compile'],
    ['gcc -MM -c a.c -MF x', 'not-a-compile'],
    ['gcc -fsyntax-only -c a.c', 'not-a-compile'],
    ['gcc --version', 'not-a-compile'],
    ['gcc -v -c a.c', 'not-a-compile'],
    ['gcc -dumpmachine', 'not-a-compile'],
    ['gcc -print-file-name=libc.a', 'not-a-compile'],
    ['gcc -print-search-dirs', 'not-a-compile'],
    ['gcc -### -c a.c', 'not-a-compile'],
    ['gcc --help=common', 'not-a-compile'],
    ['gcc -fversion -c a.c', 'not-a-compile'],
    ['gcc -S a.s', 'not-a-compile'],
    ['clang --analyze -c a.c', 'not-a-compile'],
    ['gcc', 'not-a-compile'],
    ['gcc -c', 'no-source'],
    ['gcc -c a.o', 'no-source'],
    ['gcc -c a', 'no-source'],
    ['gcc -c .c', 'no-source'],
    ['gcc -c @missing', 'no-source'],
    ['gcc -c a.c b.c -o x.o', 'several-sources'],
    ['gcc -c a.c b.o', 'no-source'],
    ['gcc -c a.c @missing', 'no-source'],
    ['gcc -c a.c b.h', 'precompiled-header'],
    ['gcc -c a.c sub/a.c', 'output-not-a-file'],
    ['gcc -c a.c a.cc', 'output-not-a-file'],
    ['gcc -S a.c b.s', 'not-a-compile'],
    ['gcc -c -x c -', 'stdin-source'],
    ['gcc -c -x c /dev/stdin', 'stdin-source'],
    ['gcc -c -x c /dev/fd/0', 'stdin-source'],
    ['gcc -c a.c -o -', 'output-not-a-file'],
    ['gcc -c a.c -o /dev/null', 'output-not-a-file'],
    ['gcc -c a.c -o build', 'output-not-a-file'],
    ['gcc -c a.c -o nodir/', 'output-not-a-file'],
    ['gcc -c a.c -MD -MF -', 'output-not-a-file'],
    ['gcc -c a.c -MD -MF /dev/stdout', 'output-not-a-file'],
    ['gcc -c a.c -MD -MF a.o', 'output-not-a-file'],
    ['gcc -c a.c -o a.c', 'output-not-a-file'],
    ['gcc -c conftest.c', 'probe'],
    ['gcc -o conftest conftest.c', 'probe'],
    ['gcc -c /tmp/x/conftest1.c', 'probe'],
    ['gcc -c -o /tmp/cgAbC3ef/dummy.o /tmp/cgAbC3ef/dummy.c', 'probe'],
    ['gcc -c -o /var/tmp/cg123-456/dummy.o /var/tmp/cg123-456/dummy.c', 'probe'],
    ['gcc -c CMakeFiles/CMakeTmp/src.c', 'probe'],
    ['gcc -c -o CMakeFiles/3.25.1/CompilerIdC/a.o x.c', 'probe'],
    ['gcc -c meson-private/tmpabc/testfile.c', 'probe'],
    ['gcc -Wno-x -c -x c /dev/null -o .tmp', 'probe'],
    ['gcc -c a.c -Wa,-march=native', 'native-cpu'],
    ['gcc -c a.c -march=native -frecord-gcc-switches', 'native-cpu'],
    ['gcc -c a.c -march=native+crc', 'native-cpu'],
    ['clang -c a.c b.S -march=native', 'native-cpu'],
    ['gcc -c a.h', 'precompiled-header'],
    ['g++ -c a.hpp -o a.gch', 'precompiled-header'],
    ['gcc -x c++-header -c a.c', 'precompiled-header'],
    ['clang -c a.c -include-pch a.pch', 'precompiled-header'],
    ['g++ -fmodules-ts -c a.cc', 'module'],
    ['g++ -fmodule-mapper=x -c a.cc', 'module'],
    ['clang++ -fmodules -c a.cc', 'module'],
    ['clang++ -c a.cppm', 'module'],
    ['clang++ -x c++-module -c a.cc', 'module'],
    ['gcc -fprofile-use -fprofile-prefix-path=/x -c a.c', 'profile'],
    ['clang -fmemory-profile-use=x -c a.c', 'profile'],
    ['gcc -save-temps=x -c a.c', 'save-temps'],
    ['gcc -save-temps -c a.c -o a.i', 'output-not-a-file'],
    ['clang -save-temps -ftime-trace -c a.c', 'side-files'],
    ['clang -fsave-optimization-record -c a.c b.c', 'side-files'],
    ['gcc -ftime-trace -c a.c', 'side-files'],
    ['clang -fcallgraph-info -c a.c', 'side-files'],
    ['gcc -fproc-stat-report=x -c a.c', 'side-files'],
    ['gcc -fdump-tree-all -c a.c', 'side-files'],
    ['gcc -fdump-tree-all=x -c a.c', 'side-files'],
    ['gcc -fdump-tree-all-graph=x -c a.c', 'side-files'],
    ['gcc -fdump-tree-original= -c a.c', 'side-files'],
    ['gcc -da -c a.c', 'side-files'],
    ['gcc -fopt-info-vec=x -c a.c', 'side-files'],
    ['gcc -fcompare-debug -c a.c', 'side-files'],
    ['gcc -dumpbase x -c a.c', 'side-files'],
    ['gcc -fdiagnostics-format=sarif-file -c a.c', 'side-files'],
    ['clang -c a.c -I app.hmap', 'side-files'],
    ['gcc -fexec-charset=CP1252 -c a.c', 'side-files'],
    ['gcc -fexec-charset=UTF-16 -c a.c', 'side-files'],
    ['gcc -fwide-exec-charset=utf-32 -c a.c', 'side-files'],
    ['gcc -fexec-charset=UTF16LE -c a.c', 'side-files'],
    ['gcc -B x -c a.c', 'side-files'],
    ['gcc -Bx -c a.c', 'side-files'],
    ['gcc -specs=x -c a.c', 'side-files'],
    ['gcc -wrapper x -c a.c', 'side-files'],
    ['gcc -fsomething-new=a/b -c a.c', 'side-files'],
    ['clang -MJ x.json -c a.c', 'side-files'],
    ['clang --config x -c a.c', 'side-files'],
    ['clang -fno-integrated-as -c a.c', 'side-files'],
    ['clang -gen-reproducer -c a.c', 'side-files'],
    ['gcc --made-up -c a.c', 'unknown-option'],
    ['gcc -qmade-up -c a.c', 'unknown-option'],
    ['gcc -c a.c -o', 'unknown-option'],
    ['gcc -c -- a.c', 'unknown-option'],
    ['gcc -I- -c a.c', 'unknown-option'],
    ['gcc -remap -c a.c', 'unknown-option'],
    ['gcc -iwithprefix x -c a.c', 'unknown-option'],
    ['gcc -I=x -c a.c', 'unknown-option'],
    ['gcc -Ojunk -c a.c', 'unknown-option'],
    ['gcc -Wp,-MD,x -MD -MF y -c a.c', 'unknown-option'],
    ['clang -Wp,-MD,x,-MT,y -c a.c', 'unknown-option'],
    ['gcc -Xpreprocessor -dM -c a.c', 'unknown-option'],
    ['gcc -Wa,-ag=x -c a.c', 'unknown-option'],
    ['gcc -Wa,-o,x -c a.c', 'unknown-option'],
    ['clang -Wa,-a=x -c a.c', 'unknown-option'],
    ['clang -mllvm -info-output-file=x -c a.c', 'unknown-option'],
    ['clang -mllvm -print-after-all -c a.c', 'unknown-option'],
    ['clang -Xclang -ast-dump -c a.c', 'unknown-option'],
    ['clang -Xclang -plugin -Xclang x -c a.c', 'unknown-option'],
    ['clang -c a.f90', 'language'],
    ['gcc -x ada -c a.c', 'language'],
    ['clang -c a.cu', 'language'],
    ['cl -c a.c', 'compiler-unknown'],
    ['clang-cl -c a.c', 'compiler-unknown'],
    ['flang -c a.f', 'compiler-unknown'],
    ['gcc -c a\uFFFD.c', 'path-not-utf8'],
  ])('%s: %s', (line, why) => {
    expect(reason(line)).toBe(why);
  });

  test('a probe is known by where it runs', () => {
    for (const cwd of [
      '/b/CMakeFiles/CMakeTmp',
      '/b/CMakeFiles/CMakeScratch/TryCompile-x',
      '/b/CMakeFiles/3.25.1/CompilerIdCXX',
      '/b/meson-private/tmpx',
    ]) {
      expect(reason('gcc -c a.c', { cwd })).toBe('probe');
    }
    expect(reason('gcc -c a.c', { cwd: '/b/CMakeFiles/app.dir' })).toBe('travels');
    expect(reason('gcc -c src/conftest_helpers.c')).toBe('travels');
    expect(reason('gcc -c cg/dummy.c')).toBe('travels');
    expect(reason('gcc -c /p/cgroup/dummy.c')).toBe('travels');
  });

  test.each(['DEPENDENCIES_OUTPUT', 'SUNPRO_DEPENDENCIES', 'GCC_EXEC_PREFIX', 'COMPILER_PATH', 'CC_PRINT_HEADERS'])(
    'the variable %s keeps it here',
    (name) => {
      expect(reason('gcc -c a.c', { env: new Map([[name, 'x']]) })).toBe('environment');
    },
  );

  test('a reason comes with a sentence', () => {
    expect(parse('gcc -c -fmodules-ts a.cc')).toEqual({
      travels: false,
      reason: 'module',
      detail: '«-fmodules-ts»: modules are not followed',
    });
  });
});

describe('what travels', () => {
  test.each([
    'gcc -c a.c -O2 -g -Wall -Wextra -Werror=foo -w -pedantic -std=gnu11 -fPIC -fno-strict-aliasing -m64 -msse4.2 -pthread -pipe',
    'gcc -c a.c -O -Os -Og -Ofast -O3 -g3 -ggdb3 -gdwarf-4 -gz=zlib -gno-column-info -grecord-gcc-switches',
    'gcc -c a.c -march=x86-64-v3 -mtune=generic -mabi=sysv -fvisibility=hidden -fsanitize=address,undefined',
    'gcc -c a.c -flto -ffat-lto-objects -fuse-linker-plugin -fuse-ld=/usr/bin/ld.gold --param ssp-buffer-size=4 --param=x=1',
    'gcc -c a.c -fdebug-prefix-map=/a=/b -ffile-prefix-map=/a=/b -fmacro-prefix-map=/a=. -frandom-seed=sub/a.o -fmessage-length=0',
    'gcc -c a.c -Wl,-z,now -L/x -lm -shared -static -rdynamic -s -nostdlib -pie -Xlinker x -T x.ld -u f -z now',
    'gcc -c a.c -Wa,--noexecstack,--fatal-warnings -Wa,-mbranches-within-32B-boundaries=yes -Xassembler --compress-debug-sections',
    'gcc -c a.c -fprofile-arcs -fprofile-update=atomic -fprofile-abs-path -fprofile-generate -finput-charset=UTF-8 -p -pg',
    'gcc -c a.c -fexec-charset=utf8 -fwide-exec-charset=UTF-32BE -finput-charset=utf-16le',
    'gcc -c a.c -fopt-info-vec-missed -fdiagnostics-format=json -ftime-report -fstack-protector-strong -fcf-protection=full',
    'gcc -c a.c -fdiagnostics-color=never -ftest-coverage -fno-test-coverage -A x=y -trigraphs -undef -traditional-cpp -H -MP',
    'clang -c a.c -Qunused-arguments -Rpass=inline --target=x86_64-linux-gnu -target x86_64-linux-gnu -stdlib=libc++ -fcolor-diagnostics',
    'clang -c a.c -Xclang -fno-pch-timestamp -Xclang -fdebug-compilation-dir -Xclang . -mthread-model posix -flto=thin',
    'clang -c a.c -mllvm -inline-threshold=200 -Xclang -mllvm -Xclang -enable-name-compression=false -Xclang -target-feature -Xclang +avx',
    'gcc -c a.c -dA -dP -fdump-noaddr -fprofile-generate=pd -fprofile-dir=pd -Wp,-w,-Wundef -Wa,-als',
    'clang -c -fprofile-instr-generate -fcoverage-mapping -fms-extensions -- a.c',
  ])('%s', (line) => {
    const words = line.split(' ').slice(1);
    expect(plan(line).args).toEqual(words);
  });

  test('files that an option names go along', () => {
    expect(plan('clang -c a.c -fsanitize=address -fsanitize-ignorelist=lists/x.txt').extraInputs).toEqual([
      'lists/x.txt',
    ]);
  });

  test('what is added to a file travels while there is none', () => {
    const line = 'gcc -c a.c -fdump-tree-all=dump -fopt-info-vec=/info';
    const there = (present: string) => ({ exists: (path: string) => path === present });
    expect(plan(line, there('/none')).outputs.map(({ path }) => path)).toEqual(['a.o', 'dump', '/info']);
    expect(reason(line, there('/src/project/dump'))).toBe('side-files');
    expect(reason(line, there('/info'))).toBe('side-files');
  });

  test.each([
    ['gcc -c a.c -fprofile-use', 'a.gcda'],
    ['gcc -c a.c -fprofile-use -o sub/x.y.o', 'sub/x.y.gcda'],
    ['gcc -c a.c b.c -fbranch-probabilities', 'a.gcda b.gcda'],
    ['gcc -c a.c -fprofile-use -fno-profile-use', ''],
    ['gcc -c a.c -fprofile-use=pd', 'pd/#src#project#a.gcda'],
    ['gcc -c a.c -fprofile-use -fprofile-dir=/pd -o ./sub/../x.o', '/pd/#src#project#.#sub#^#x.gcda'],
    ['gcc -c a.c -fprofile-use=pd -o /abs/x.o', 'pd//abs/x.gcda'],
    ['gcc -c a.c -fprofile-generate=pd', ''],
    ['gcc -c a.c -fauto-profile', 'fbdata.afdo'],
  ])('%s reads, where there is one, %s', (line, files) => {
    expect(plan(line).optionalInputs.join(' ')).toBe(files);
  });

  test('a profile kept by directory is looked for under both spellings of it', () => {
    const env = new Map([['PWD', '/link']]);
    expect(plan('gcc -c a.c -fprofile-use=pd', { env }).optionalInputs).toEqual([
      'pd/#src#project#a.gcda',
      'pd/#link#a.gcda',
    ]);
  });

  test.each([
    ['clang -c a.c -fprofile-use', 'default.profdata'],
    ['clang -c a.c -fprofile-use=build', 'build/default.profdata'],
    ['clang -c a.c -fprofile-instr-use=x.profdata', 'x.profdata'],
    ['clang -c a.c -fprofile-sample-use=x.prof -fxray-attr-list=l', 'x.prof l'],
    ['clang -c a.c -fprofile-use -fno-profile-use', ''],
  ])('%s needs %s', (line, files) => {
    expect(plan(line).extraInputs.join(' ')).toBe(files);
  });

  test("words that mean this machine's processor are pointed at", () => {
    const line = 'gcc -c a.c -march=native -O2 -mtune=native';
    expect(plan(line).nativeAt).toEqual([2, 4]);
    const seen = plan(line, { stderrIsTerminal: true, env: new Map([['TERM', 'xterm']]) });
    expect(seen.nativeAt.map((at) => seen.args[at])).toEqual(['-march=native', '-mtune=native']);
    const files = { readFile: (path: string) => (path.endsWith('/at') ? '-march=native' : null) };
    expect(plan('gcc -c a.c @at', files).nativeAt).toEqual([2]);
  });

  test("the assembler's own directories", () => {
    expect(plan('gcc -c a.s -Ix -Wa,-Iy,-I,z -Xassembler -Iw').assemblerDirs).toEqual(['y', 'z', 'w']);
  });

  test('what -Wp hands on takes part in the search', () => {
    const { scan } = plan('gcc -c a.c -Wp,-Ix,-isystem,y -Wp,-include,z.h -I w');
    expect([scan.includeDirs, scan.systemDirs, scan.forcedIncludes]).toEqual([['w', 'x'], ['y'], ['z.h']]);
  });

  test('the search, as the command has it', () => {
    const line =
      'gcc -c a.c -I i1 -Ii2 -iquote q -isystem s1 -isystems2 -idirafter after -include f.h -imacrosm.h -DA -D B=1 -UA -U C ' +
      '-Wp,-DD=2,-UE -nostdinc -nostdinc++ --sysroot=/r -iprefix /p/ -iwithprefix x -iwithprefixbefore y -I=usr -isystem $SYSROOT/t';
    expect(plan(line).scan).toEqual({
      quoteDirs: ['q'],
      includeDirs: ['i1', 'i2', '/p/y', '/rusr'],
      systemDirs: ['s1', 's2', '/r/t'],
      afterDirs: ['after', '/p/x'],
      forcedIncludes: ['f.h', 'm.h'],
      macros: [
        ['D', 'A'],
        ['D', 'B=1'],
        ['U', 'A'],
        ['U', 'C'],
        ['D', 'D=2'],
        ['U', 'E'],
      ],
      noStdInc: true,
      noStdIncPlusPlus: true,
      sysroot: '/r',
    });
  });

  test('what clang preprocesses twice has the built-in macros', () => {
    const macros = (line: string) => plan(`${line} -D__DATE__="r" -DX=1 -U__TIMESTAMP__`).scan.macros.length;
    expect(macros('clang -c a.c')).toBe(3);
    expect(macros('clang -c a.i')).toBe(1);
    expect(macros('clang -c a.c -save-temps')).toBe(1);
    expect(macros('gcc -c a.i -save-temps')).toBe(3);
  });

  test("-isysroot counts before --sysroot, for the headers' sake", () => {
    expect(plan('gcc -c a.c -isysroot /h --sysroot /r').scan.sysroot).toBe('/h');
  });

  test("what selects the compiler's own directories and macros", () => {
    const line = 'gcc -std=c11 -O2 -m32 -Ix -nostdinc --sysroot /r -isysroot/h -ansi -DX -march=x86-64 -c a.c -o m.o';
    expect(plan(line).builtinArgs).toEqual(
      '-std=c11 -m32 -nostdinc --sysroot /r -isysroot/h -ansi -march=x86-64'.split(' '),
    );
  });
});

describe('@files', () => {
  const files: Readonly<Record<string, string>> = {
    '/src/project/args': '-c "a b.c"\n-DX=\\"y\\" @sub/more\n',
    '/src/project/sub/more': "-o 'o b.o'",
    '/src/project/self': '@self',
    '/src/project/odd': "'a\\b'",
  };
  const over = { readFile: (path: string) => files[path] ?? null };

  test('are read from cwd, nested', () => {
    const { args, sources, outputs } = plan('gcc @args', over);
    expect(args).toEqual(['-c', 'a b.c', '-DX="y"', '-o', 'o b.o']);
    expect(sources[0].path).toBe('a b.c');
    expect(outputs).toEqual([{ kind: 'object', path: 'o b.o' }]);
  });

  test('that include themselves or are read differently by compilers stay', () => {
    expect(reason('gcc -c a.c @self', over)).toBe('unknown-option');
    expect(reason('gcc -c a.c @odd', over)).toBe('unknown-option');
  });
});

describe('colours', () => {
  const terminal = { stderrIsTerminal: true, env: new Map([['TERM', 'xterm']]) };
  const added = (line: string, over: Partial<CommandContext>): boolean =>
    plan(line, over).args.includes('-fdiagnostics-color=always');

  test('are asked for when the user would have seen them', () => {
    expect(plan('gcc -c a.c', terminal).args).toEqual(['-fdiagnostics-color=always', '-c', 'a.c']);
    expect(plan('gcc -c -fdiagnostics-color=auto a.c', terminal).args).toEqual([
      '-c',
      '-fdiagnostics-color=always',
      'a.c',
    ]);
    expect(added('clang -c a.c', terminal)).toBe(true);
  });

  test('are left alone otherwise', () => {
    expect(added('gcc -c a.c', {})).toBe(false);
    for (const option of ['-fno-diagnostics-color', '-fdiagnostics-color=never', '-fdiagnostics-plain-output']) {
      expect(added(`gcc -c a.c ${option}`, terminal)).toBe(false);
    }
    expect(added('clang -c a.c -fno-color-diagnostics', terminal)).toBe(false);
    expect(added('gcc -c a.c', { ...terminal, env: new Map([['TERM', 'dumb']]) })).toBe(false);
    const none = new Map([
      ['TERM', 'xterm'],
      ['GCC_COLORS', ''],
    ]);
    expect(added('gcc -c a.c', { ...terminal, env: none })).toBe(false);
    expect(added('clang -c a.c', { ...terminal, env: none })).toBe(true);
    // Clang would record the added word in the object.
    expect(added('clang -c a.c -grecord-gcc-switches', terminal)).toBe(false);
  });
});

test('the caller may know better than the name what the compiler is', () => {
  expect(reason('cc -c -- a.c')).toBe('unknown-option');
  expect(reason('cc -c -- a.c', { family: 'clang' })).toBe('travels');
  expect(reason('/opt/acme/compile -c a.c', { family: 'gcc' })).toBe('travels');
});

describe('what a result may be reused for', () => {
  test.each([
    ['gcc -c a.c -MD -O2 -Wall -Iinc -DX -std=c11 -fPIC -fvisibility=hidden -march=x86-64 -Wp,-DA --param x=1', false],
    [
      'g++ -c a.cc -o b/a.o -MMD -MF d -fno-exceptions -fno-rtti -g0 -gno-column-info -fdiagnostics-color=always',
      false,
    ],
    ['clang -c a.c b.c -O2 -ffunction-sections -target x86_64-linux-gnu', false],
    ['gcc -c sub/a.c -isystem /abs -Isub/inc -I. -iquote sub', false],
    ['gcc -c a.c -isystem inc', true],
    ['gcc -c a.c -idirafter inc', true],
    ['gcc -c a.c -I../../inc', true],
    ['clang -c a.c -isystem inc -I../inc', false],
    ['gcc -c ../a.c', true],
    ['gcc -c a.c -g', true],
    ['gcc -c a.c -ggdb3', true],
    ['gcc -c a.c -gdwarf-4', true],
    ['gcc -c a.c --coverage', true],
    ['gcc -c a.c -fprofile-generate', true],
    ['gcc -c a.c -fprofile-use', true],
    ['clang -c a.c -fprofile-instr-generate -fcoverage-mapping', true],
    ['gcc -c a.c -flto', true],
    ['gcc -c a.c -frecord-gcc-switches', true],
    ['gcc -c a.c -save-temps', true],
    ['gcc -c a.c -fstack-usage', true],
    ['gcc -c a.s', true],
    ['gcc -c a.S', true],
    ['gcc -c a.c -Wa,--noexecstack', true],
    ['clang -c a.c -Xclang -fno-pch-timestamp', true],
    ['gcc -c a.c -fworking-directory', true],
    ['gcc -c a.c -fmade-up-tomorrow', true],
    ['clang -c a.c -fdiagnostics-absolute-paths', true],
    ['gcc -c a.c -H', true],
  ])('%s: the directory shows: %s', (line, shows) => {
    expect(plan(line).cwdShows).toBe(shows);
  });

  test('a relative search directory of a variable may show the directory', () => {
    for (const [value, shows] of [
      ['/a:/b', false],
      ['/a:b', true],
      ['', true],
    ] as const) {
      expect(plan('gcc -c a.c', { env: new Map([['C_INCLUDE_PATH', value]]) }).cwdShows).toBe(shows);
    }
  });

  test.each([
    ['gcc -c a.c -O2 -g -MD', true],
    ['gcc -c a.c -g -gsplit-dwarf -fstack-usage -save-temps', true],
    ['gcc -c a.c -flto', false],
    ['gcc -c a.c -flto -frandom-seed=a.o', true],
    ['clang -c a.c -flto', true],
    ['gcc -c a.c --coverage', false],
    ['gcc -c a.c -ftest-coverage', false],
    ['gcc -c a.c -fprofile-arcs', false],
    ['gcc -c a.c --coverage -frandom-seed=1', true],
    ['clang -c a.c --coverage', true],
    ['gcc -c a.c -fsave-optimization-record', false],
    ['clang -c a.c -fsave-optimization-record', true],
    ['clang -c a.c -ftime-trace', false],
    ['gcc -c a.c -ftime-report', false],
    ['gcc -c a.s -Wa,-a', false],
    ['gcc -c a.c -aux-info x', false],
  ])('%s: the same again: %s', (line, storable) => {
    expect(plan(line).storable).toBe(storable);
  });
});
