// Options that keep a command here: it is no compile, or what it reads or writes is not followed.
import type { Section } from './option-types.ts';
import { mode, stays } from './option-types.ts';

const WRITES = stays('side-files', 'it writes a file that is not followed');
const READS = stays('side-files', 'it reads a file that is not followed');
const ELSEWHERE = stays('side-files', "it changes where the compiler's own programs and files are found");
const SEARCH = stays('unknown-option', 'it changes the header search in a way that is not followed');
const PROFILE = stays('profile', 'this use of profiles is not followed');
const PLUGIN = stays('plugin', 'a plugin may do anything');
const MODULE = stays('module', 'modules are not followed');
const PCH = stays('precompiled-header', 'precompiled headers are not followed');
const OFFLOAD = stays('unknown-option', 'it compiles for another device as well');

export const STAY_SECTIONS: readonly Section[] = [
  {
    title: 'Something else than a compile',
    outcome: 'stays',
    why: 'Preprocessing, dependency lists, questions to the compiler. They are short, and so is a link to what lies here.',
    rows: [
      ['alone', '-E -M -MM --preprocess -fsyntax-only --analyze -### -v --verbose', mode('other')],
      ['alone', '-emit-ast -rewrite-objc --version --help --target-help', mode('other')],
      ['alone', '-dumpversion -dumpfullversion -dumpmachine -dumpspecs -fhelp -ftarget-help -fversion', mode('other')],
      ['joined', '-print- --print- --help= -dump -emit-interface-stubs', mode('other')],
    ],
  },
  {
    title: 'Files without certain names',
    outcome: 'stays',
    why: 'Dumps whose names depend on the release of the compiler, files that are added to, or files of other tools.',
    rows: [
      ['joined', '-d', WRITES],
      ['separate', '-dumpbase -dumpbase-ext -dumpdir', WRITES],
      ['joined', '-fdump- -ftime-trace -fproc-stat-report -fdeps-', WRITES],
      ['joined', '-fdiagnostics-add-output -fdiagnostics-set-output', WRITES],
      ['alone', '-fdiagnostics-format=json-file -fdiagnostics-format=sarif-file', WRITES],
      ['joined', '-fcompare-debug -fself-test= -gen-', WRITES],
      ['alone', '-fproc-stat-report -frepo -fcompare-debug', WRITES],
      ['separate', '-MJ -index-store-path -dependency-dot -dependency-file', WRITES],
      ['joined', '-fsave-optimization-record= -foptimization-record-', WRITES, 'gcc'],
      ['joined', '-fcallgraph-info -fopt-info- -aux-info', WRITES, 'clang'],
      ['alone', '-fcallgraph-info -aux-info', WRITES, 'clang'],
      ['alone', '-ftime-trace', WRITES, 'gcc'],
    ],
  },
  {
    title: 'Files that are not followed',
    outcome: 'stays',
    why: 'They are read in ways that are not followed.',
    rows: [
      ['joined', '-fbuild-session-file= -fembed-offload-object= --config --embed-dir= -fthinlto-index=', READS],
      ['separate', '--config -working-directory', READS],
      ['joined', '-working-directory=', READS],
      ['joined', '-fprofile- -fcs-profile- -fmemory-profile-use=', PROFILE],
      ['alone', '-fauto-profile -fbranch-probabilities', PROFILE, 'clang'],
    ],
  },
  {
    title: 'Character sets',
    outcome: 'it depends',
    why: 'UTF-8, UTF-16LE, -16BE, -32LE and -32BE travel; others need tables of the C library, which are no part of a compiler.',
    rows: [['joined', '-finput-charset= -fexec-charset= -fwide-exec-charset=', { is: 'charset' }]],
  },
  {
    title: 'Specs files',
    outcome: 'it depends',
    why:
      'A file with an absolute name that only adds plain options, as distributions do to harden their packages, goes along; ' +
      'any other may change what the compiler is.',
    rows: [['joined', '-specs= --specs=', { is: 'specs' }, 'gcc']],
  },
  {
    title: 'Header search that is not followed',
    outcome: 'stays',
    why: 'The scan for headers does not look the way these ask for.',
    rows: [
      ['alone', '-I- -remap -fsearch-include-path', SEARCH],
      ['either', '-imultilib -imultiarch -isystem-after -cxx-isystem -c-isystem -iwithsysroot -iframework -F', SEARCH],
      ['either', '-iframeworkwithsysroot -stdlib++-isystem -ivfsoverlay', SEARCH],
      ['joined', '-fsearch-include-path=', SEARCH],
    ],
  },
  {
    title: 'Modules, precompiled headers',
    outcome: 'stays',
    why:
      'Units with modules of C++ or precompiled headers need what other commands made, in the form of this machine’s ' +
      'compiler.',
    rows: [
      ['joined', '-fplugin', PLUGIN],
      ['either', '-load', PLUGIN],
      ['joined', '-fmodule -fprebuilt- -fimplicit-module -fbuiltin-module-map -fapinotes -fextern-module', MODULE],
      ['joined', '-module-', MODULE],
      ['alone', '-fbuiltin-module-map -fcxx-modules', MODULE],
      ['separate', '-include-pch', PCH],
      ['alone', '-emit-pch', PCH],
      ['joined', '-output-pch= --output-pch=', PCH],
    ],
  },
  {
    title: "Other programs of the compiler's, other devices, other languages",
    outcome: 'stays',
    why: 'The set of files that makes up the compiler would be another one.',
    rows: [
      ['either', '-B', ELSEWHERE],
      ['joined', '-specs= --specs=', ELSEWHERE, 'clang'],
      ['joined', '-resource-dir= --gcc-install-dir= -ccc- --ld-path=', ELSEWHERE],
      ['separate', '-specs --specs -wrapper -resource-dir -gcc-toolchain', ELSEWHERE],
      ['alone', '-no-integrated-as -fno-integrated-as -via-file-asm', ELSEWHERE],
      ['joined', '-foffload -fopenmp-targets= -fcuda -fgpu --cuda- --offload -fhip', OFFLOAD],
      ['alone', '-ObjC -ObjC++ --driver-mode=cl', stays('language', 'it sets a language that is not followed')],
      ['joined', '-objc -object', stays('unknown-option', 'this option is not known'), 'clang'],
    ],
  },
];
