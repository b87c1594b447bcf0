// Options that say what is compiled and how: none of them reads or writes a file that the plan does not know of.
import type { Section } from './option-types.ts';
import { builtin, dir, mode, stays, travels, turn } from './option-types.ts';

export const COMPILE_SECTIONS: readonly Section[] = [
  {
    title: 'What is asked for',
    outcome: 'travels',
    why: 'The sources go along, and the object or assembly of each comes back. One command may name several sources.',
    rows: [
      ['alone', '-c --compile', mode('compile')],
      ['alone', '-S --assemble', mode('assembly')],
      ['either', '-x', { is: 'language' }],
      ['either', '-o', { is: 'object' }],
    ],
  },
  {
    title: 'Dependency files',
    outcome: 'travels',
    why: 'The dependency file comes back under its own name, or under the one that `-MF` or `-Wp,-MD,FILE` gives it.',
    rows: [
      ['alone', '-MD -MMD', { is: 'depfile' }],
      ['either', '-MF', { is: 'depfile-name' }],
      ['either', '-MT -MQ', travels],
      ['alone', '-MP -MG -MV -H', travels],
    ],
  },
  {
    title: 'Headers and macros',
    outcome: 'travels',
    why: 'All headers that the source may include go along, and what matters of the directories that were searched.',
    rows: [
      ['either', '-I', dir('includeDirs')],
      ['either', '-iquote', dir('quoteDirs')],
      ['either', '-isystem', dir('systemDirs')],
      ['either', '-idirafter', dir('afterDirs')],
      ['either', '-iprefix', { is: 'dir-prefix' }],
      ['either', '-iwithprefix', { is: 'dir', list: 'afterDirs', prefixed: true }],
      ['either', '-iwithprefixbefore', { is: 'dir', list: 'includeDirs', prefixed: true }],
      ['either', '-include -imacros', { is: 'forced-include' }],
      ['either', '-D', { is: 'macro', kind: 'D' }],
      ['either', '-U', { is: 'macro', kind: 'U' }],
      ['either', '-A', travels],
      ['joined', '--sysroot=', { is: 'sysroot', headersOnly: false }],
      ['separate', '--sysroot', { is: 'sysroot', headersOnly: false }],
      ['either', '-isysroot', { is: 'sysroot', headersOnly: true }],
      ['alone', '-nostdinc', { is: 'no-standard-dirs', of: 'c' }],
      ['alone', '-nostdinc++', { is: 'no-standard-dirs', of: 'c++' }],
      ['alone', '-nostdlibinc -nobuiltininc', builtin, 'clang'],
      ['alone', '-undef -trigraphs -traditional -traditional-cpp -C -CC -P -no-integrated-cpp', travels],
    ],
  },
  {
    title: 'The language and the machine',
    outcome: 'travels',
    why: 'Cross compilers too. What `native` means is asked of the compiler here, and the others compile for that.',
    rows: [
      ['joined', '-std= --std= -stdlib= --stdlib= --target=', builtin],
      ['separate', '-target', builtin, 'clang'],
      ['joined', '--gcc-toolchain=', builtin, 'clang'],
      ['alone', '-ansi --ansi', builtin],
      ['joined', '-m', { is: 'machine' }],
      // Some of -m… are refused without them.
      ['alone', '-fpic -fPIC -fpie -fPIE -fno-pic -fno-PIC -fno-pie -fno-PIE', builtin],
      ['separate', '-mthread-model', travels, 'clang'],
    ],
  },
  {
    title: 'Fortran',
    outcome: 'it depends',
    why:
      'Files of `INCLUDE` lines and of the modules that a source uses go along, and the module files that it makes come ' +
      'back; one that is there and would be the same stays untouched. A source whose modules depend on macros stays.',
    rows: [
      ['either', '-J', { is: 'module-dir' }, 'gcc'],
      ['alone', '-cpp', turn('cpp'), 'gcc'],
      ['alone', '-nocpp -fmodule-private -static-libgfortran -static-libquadmath', travels, 'gcc'],
      ['joined', '-ffixed-line-length- -ffree-line-length-', { is: 'line-length' }, 'gcc'],
      ['joined', '-fpre-include=', { is: 'reads' }, 'gcc'],
      [
        'separate',
        '-fintrinsic-modules-path',
        stays('unknown-option', 'it changes where modules are found in a way that is not followed'),
        'gcc',
      ],
    ],
  },
  {
    title: 'Code, warnings and messages',
    outcome: 'it depends',
    why:
      'They change the object or what is printed. A member of `-f…` that has a path for its value and is named nowhere on ' +
      'this page stays, and so does a `-g…` or `-O…` that is not known.',
    rows: [
      ['alone', '-O', { is: 'optimise' }],
      ['joined', '-O', { is: 'optimise' }],
      ['alone', '-g', { is: 'debug' }],
      ['joined', '-g', { is: 'debug' }],
      ['joined', '-f', { is: 'feature' }],
      ['joined', '-W', travels],
      [
        'alone',
        '-W -w -pedantic -pedantic-errors --pedantic --pedantic-errors --extra-warnings --all-warnings',
        travels,
      ],
      ['alone', '-pthread -pthreads -p -pg -pipe --pipe -pass-exit-codes --pass-exit-codes', travels],
      ['alone', '-no-canonical-prefixes', travels],
      ['alone', '-Qunused-arguments', travels, 'clang'],
      // Remarks go to stderr.
      ['joined', '-Rpass', travels, 'clang'],
      ['joined', '--param=', travels],
      ['separate', '--param', travels],
      [
        'alone',
        '-fdiagnostics-color -fno-diagnostics-color -fcolor-diagnostics -fno-color-diagnostics',
        { is: 'color' },
      ],
      ['alone', '-fdiagnostics-plain-output', { is: 'color' }],
      ['joined', '-fdiagnostics-color=', { is: 'color' }],
      ['alone', '-frecord-gcc-switches -grecord-gcc-switches', turn('record-command')],
      ['alone', '-frecord-command-line -grecord-command-line', turn('record-command')],
      ['alone', '-fno-record-gcc-switches -gno-record-gcc-switches', travels],
      ['alone', '-flto', turn('flto')],
      ['joined', '-flto=', turn('flto')],
      ['alone', '-fno-lto', turn('flto', false)],
      ['alone', '-emit-llvm', turn('emit-llvm'), 'clang'],
      // Letters that only change what goes to the output or to stderr; the others write dumps.
      ['alone', '-dA -dp -dP -dD -dI -dN -dU', travels, 'gcc'],
    ],
  },
  {
    title: 'Paths that only name things',
    outcome: 'travels',
    why: 'Nothing is read or written there: the words go into the object as they are.',
    rows: [
      ['joined', '-fdebug-prefix-map= -ffile-prefix-map= -fmacro-prefix-map= -fcoverage-prefix-map=', travels],
      [
        'joined',
        '-frandom-seed= -fdebug-compilation-dir= -fcoverage-compilation-dir= -ffile-compilation-dir=',
        travels,
      ],
      ['joined', '-fdepfile-entry= -finstrument-functions-exclude-file-list=', travels],
      ['joined', '-finstrument-functions-exclude-function-list= -fuse-ld=', travels],
      ['separate', '-fdebug-compilation-dir', travels, 'clang'],
    ],
  },
  {
    title: 'Words for the programs behind the driver',
    outcome: 'it depends',
    why:
      'Macros, search directories, dependency files, assembler listings (`-Wa,-a=FILE`) and the usual switches are ' +
      'understood; any other word keeps the command here.',
    rows: [
      ['joined', '-Wp,', { is: 'hand-on', to: 'preprocessor', commas: true }],
      ['separate', '-Xpreprocessor', { is: 'hand-on', to: 'preprocessor', commas: false }],
      ['joined', '-Wa,', { is: 'hand-on', to: 'assembler', commas: true }],
      ['separate', '-Xassembler', { is: 'hand-on', to: 'assembler', commas: false }],
      ['separate', '-Xclang', { is: 'hand-on', to: 'clang', commas: false }, 'clang'],
      ['either', '-mllvm', { is: 'llvm' }, 'clang'],
    ],
  },
  {
    title: "The linker's",
    outcome: 'travels',
    why: 'A compile does not call the linker: they change nothing.',
    rows: [
      ['either', '-L -l -u -z -T', travels],
      ['separate', '-Xlinker -e -h', travels],
      ['joined', '-rtlib= --rtlib= -unwindlib= --unwindlib=', travels],
      [
        'alone',
        '-s -r -shared -static -static-pie -pie -no-pie -nopie -rdynamic -symbolic -nostdlib -nostdlib++',
        travels,
      ],
      ['alone', '-nostartfiles -nodefaultlibs -nolibc -static-libgcc -shared-libgcc -static-libstdc++', travels],
      ['alone', '-static-libasan -static-libtsan -static-liblsan -static-libubsan -shared-libasan', travels],
      ['alone', '-shared-libsan', travels],
    ],
  },
];
