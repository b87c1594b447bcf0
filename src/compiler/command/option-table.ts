// The compiler drivers' options as data: how each is written and what it means for a compile that may run elsewhere.
// Families (-f…, -m…, -W…) travel by prefix, except the members named here that read or write files or change what is compiled.
// What is not in the table is unknown, and a command with it stays.
import type { StayReason } from '../types.ts';
import type { Family } from './driver.ts';

/** `alone`: the name only. `separate`: the value is the next argument. `joined`: the value, not empty, follows the name. */
export type OptionForm = 'alone' | 'separate' | 'joined' | 'either';

export type DirList = 'quoteDirs' | 'includeDirs' | 'systemDirs' | 'afterDirs';

/** Things that are on or off; the last word counts. */
export type Switch =
  'gsplit-dwarf' | 'coverage' | 'ftest-coverage' | 'fstack-usage' | 'flto' | 'emit-llvm' | 'record-command';

export type Meaning =
  /** `builtin`: it selects the compiler's own search directories or macros, too. */
  | { readonly is: 'travels'; readonly builtin?: true }
  | { readonly is: 'stays'; readonly reason: StayReason; readonly why: string }
  | { readonly is: 'mode'; readonly mode: 'compile' | 'assembly' | 'other' }
  | { readonly is: 'language' | 'object' | 'depfile' | 'depfile-name' | 'forced-include' | 'dir-prefix' | 'color' }
  | { readonly is: 'dir'; readonly list: DirList; readonly prefixed?: true }
  | { readonly is: 'macro'; readonly kind: 'D' | 'U' }
  | { readonly is: 'sysroot'; readonly headersOnly: boolean }
  | { readonly is: 'no-standard-dirs'; readonly of: 'c' | 'c++' }
  | { readonly is: 'switch'; readonly name: Switch; readonly on: boolean }
  | { readonly is: 'hand-on'; readonly to: 'preprocessor' | 'assembler' | 'clang'; readonly commas: boolean }
  /** -m…: travels unless its value is «native». */
  | { readonly is: 'machine' }
  /** -f…: travels unless its value is a path. */
  | { readonly is: 'feature' }
  | { readonly is: 'debug' | 'optimise' | 'charset' | 'read-list' | 'report' };

type Row = readonly [form: OptionForm, names: string, meaning: Meaning, family?: Family];

const travels: Meaning = { is: 'travels' };
const builtin: Meaning = { is: 'travels', builtin: true };
const stays = (reason: StayReason, why: string): Meaning => ({ is: 'stays', reason, why });
const mode = (name: 'compile' | 'assembly' | 'other'): Meaning => ({ is: 'mode', mode: name });
const turn = (name: Switch, on = true): Meaning => ({ is: 'switch', name, on });
const dir = (list: DirList): Meaning => ({ is: 'dir', list });

const WRITES = stays('side-files', 'it writes a file that is not followed');
const READS = stays('side-files', 'it reads a file that is not followed');
const ELSEWHERE = stays('side-files', "it changes where the compiler's own programs and files are found");
const SEARCH = stays('unknown-option', 'it changes the header search in a way that is not followed');
const PROFILE = stays('profile', 'profiles are not followed');
const PLUGIN = stays('plugin', 'a plugin may do anything');
const MODULE = stays('module', 'modules are not followed');
const PCH = stays('precompiled-header', 'precompiled headers are not followed');
const OFFLOAD = stays('unknown-option', 'it compiles for another device as well');

const ROWS: readonly Row[] = [
  // What is asked for.
  ['alone', '-c --compile', mode('compile')],
  ['alone', '-S --assemble', mode('assembly')],
  ['alone', '-E -M -MM --preprocess -fsyntax-only --analyze -### -v --verbose -emit-ast -rewrite-objc', mode('other')],
  [
    'alone',
    '--version --help --target-help -dumpversion -dumpfullversion -dumpmachine -dumpspecs -fhelp -ftarget-help -fversion',
    mode('other'),
  ],
  ['joined', '-print- --print- --help= -dump -emit-interface-stubs', mode('other')],
  ['either', '-x', { is: 'language' }],
  ['either', '-o', { is: 'object' }],
  ['joined', '-objc -object', stays('unknown-option', 'this option is not known'), 'clang'],

  // Dependencies.
  ['alone', '-MD -MMD', { is: 'depfile' }],
  ['either', '-MF', { is: 'depfile-name' }],
  ['either', '-MT -MQ', travels],
  ['alone', '-MP -MG -MV -H', travels],
  ['separate', '-MJ', WRITES],

  // Headers and macros.
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
  ['alone', '-I-', SEARCH],
  ['either', '-imultilib -imultiarch -isystem-after -cxx-isystem -c-isystem -iwithsysroot -iframework -F', SEARCH],
  ['either', '-iframeworkwithsysroot -stdlib++-isystem -ivfsoverlay', SEARCH],
  ['alone', '-remap', SEARCH],
  ['separate', '-include-pch', PCH],
  ['alone', '-emit-pch', PCH],
  ['joined', '-output-pch= --output-pch=', PCH],
  ['alone', '-undef -trigraphs -traditional -traditional-cpp -C -CC -P -no-integrated-cpp', travels],

  // The language and the machine.
  ['joined', '-std= --std= -stdlib= --stdlib= --target=', builtin],
  ['separate', '-target', builtin, 'clang'],
  ['alone', '-ansi --ansi', builtin],
  ['joined', '-m', { is: 'machine' }],
  ['either', '-mllvm', stays('unknown-option', 'what it hands to LLVM is not followed'), 'clang'],
  ['separate', '-mthread-model', travels, 'clang'],
  ['joined', '-module-', MODULE],
  ['alone', '-ObjC -ObjC++ --driver-mode=cl', stays('language', 'it sets a language that is not followed')],

  // Code, warnings and messages.
  ['alone', '-O', { is: 'optimise' }],
  ['joined', '-O', { is: 'optimise' }],
  ['alone', '-g', { is: 'debug' }],
  ['joined', '-g', { is: 'debug' }],
  ['alone', '-gsplit-dwarf', turn('gsplit-dwarf')],
  ['alone', '-gno-split-dwarf', turn('gsplit-dwarf', false)],
  ['alone', '-gsplit-dwarf=single', turn('gsplit-dwarf', false), 'clang'],
  ['alone', '-gsplit-dwarf=split', turn('gsplit-dwarf'), 'clang'],
  ['joined', '-f', { is: 'feature' }],
  ['joined', '-W', travels],
  ['alone', '-W -w -pedantic -pedantic-errors --pedantic --pedantic-errors --extra-warnings --all-warnings', travels],
  [
    'alone',
    '-pthread -pthreads -p -pg -pipe --pipe -pass-exit-codes --pass-exit-codes -no-canonical-prefixes',
    travels,
  ],
  ['alone', '-Qunused-arguments', travels, 'clang'],
  // Remarks go to stderr.
  ['joined', '-Rpass', travels, 'clang'],
  ['joined', '--param=', travels],
  ['separate', '--param', travels],
  ['alone', '-fdiagnostics-color -fno-diagnostics-color -fcolor-diagnostics -fno-color-diagnostics', { is: 'color' }],
  ['alone', '-fdiagnostics-plain-output', { is: 'color' }],
  ['joined', '-fdiagnostics-color=', { is: 'color' }],
  ['alone', '-frecord-gcc-switches -grecord-gcc-switches', turn('record-command')],
  ['alone', '-frecord-command-line -grecord-command-line', turn('record-command')],
  ['alone', '-fno-record-gcc-switches -gno-record-gcc-switches', travels],

  // Files beside the object.
  ['alone', '--coverage -coverage', turn('coverage')],
  ['alone', '-ftest-coverage', turn('ftest-coverage')],
  ['alone', '-fno-test-coverage', turn('ftest-coverage', false)],
  ['alone', '-fstack-usage', turn('fstack-usage')],
  ['alone', '-flto', turn('flto')],
  ['joined', '-flto=', turn('flto')],
  ['alone', '-fno-lto', turn('flto', false)],
  ['alone', '-emit-llvm', turn('emit-llvm'), 'clang'],
  ['joined', '-save-temps --save-temps', stays('save-temps', 'it keeps intermediate files here')],
  ['alone', '-save-temps --save-temps', stays('save-temps', 'it keeps intermediate files here')],
  ['joined', '-d', WRITES],
  ['separate', '-dumpbase -dumpbase-ext -dumpdir', WRITES],
  ['joined', '-fdump- -fcallgraph-info -fsave-optimization-record -foptimization-record- -ftime-trace', WRITES],
  ['joined', '-fopt-info-', { is: 'report' }],
  ['joined', '-fproc-stat-report -fdeps- -fdiagnostics-add-output -fdiagnostics-set-output', WRITES],
  ['joined', '-fcompare-debug -fself-test= -gen- -aux-info', WRITES],
  ['alone', '-fcallgraph-info -fsave-optimization-record -ftime-trace -fproc-stat-report -frepo', WRITES],
  ['alone', '-fcompare-debug -aux-info', WRITES],
  ['alone', '-fdiagnostics-format=json-file -fdiagnostics-format=sarif-file', WRITES],
  [
    'separate',
    '--serialize-diagnostics -serialize-diagnostics -index-store-path -dependency-dot -dependency-file',
    WRITES,
  ],

  // Files beside the sources.
  [
    'joined',
    '-fsanitize-ignorelist= -fsanitize-blacklist= -fsanitize-coverage-allowlist=',
    { is: 'read-list' },
    'clang',
  ],
  ['joined', '-fsanitize-coverage-ignorelist= -fsanitize-coverage-whitelist=', { is: 'read-list' }, 'clang'],
  ['joined', '-fsanitize-coverage-blacklist= -fsanitize-system-ignorelist=', { is: 'read-list' }, 'clang'],
  ['joined', '-fxray-always-instrument= -fxray-never-instrument= -fxray-attr-list= -fthinlto-index=', READS],
  [
    'joined',
    '-fbuild-session-file= -fembed-offload-object= -frandomize-layout-seed-file= --config --embed-dir=',
    READS,
  ],
  ['separate', '--config -working-directory', READS],
  ['joined', '-working-directory=', READS],
  ['joined', '-finput-charset= -fexec-charset= -fwide-exec-charset=', { is: 'charset' }],
  ['alone', '-fsearch-include-path', SEARCH],
  ['joined', '-fsearch-include-path=', SEARCH],
  ['joined', '-fprofile- -fcs-profile- -fauto-profile= -fmemory-profile-use=', PROFILE],
  ['alone', '-fauto-profile -fbranch-probabilities', PROFILE],
  ['alone', '-fprofile-arcs -fprofile-generate -fprofile-abs-path -fprofile-values -fprofile-correction', travels],
  ['alone', '-fprofile-reorder-functions -fprofile-partial-training -fprofile-instr-generate', travels],
  ['joined', '-fprofile-update= -fprofile-reproducible= -fprofile-prefix-map= -fprofile-prefix-path=', travels],
  ['joined', '-fplugin -fpass-plugin=', PLUGIN],
  ['either', '-load', PLUGIN],
  ['joined', '-fmodule -fprebuilt- -fimplicit-module -fbuiltin-module-map -fapinotes -fextern-module', MODULE],
  ['alone', '-fbuiltin-module-map -fcxx-modules', MODULE],
  ['joined', '-foffload -fopenmp-targets= -fcuda -fgpu --cuda- --offload -fhip', OFFLOAD],

  // Paths in these only name things: nothing is read or written there.
  [
    'joined',
    '-fdebug-prefix-map= -ffile-prefix-map= -fmacro-prefix-map= -fcoverage-prefix-map= -frandom-seed=',
    travels,
  ],
  ['joined', '-fdebug-compilation-dir= -fcoverage-compilation-dir= -ffile-compilation-dir= -fdepfile-entry=', travels],
  [
    'joined',
    '-finstrument-functions-exclude-file-list= -finstrument-functions-exclude-function-list= -fuse-ld=',
    travels,
  ],
  ['separate', '-fdebug-compilation-dir', travels, 'clang'],

  // Programs of the compiler's.
  ['either', '-B', ELSEWHERE],
  ['joined', '-specs= --specs= -resource-dir= --gcc-install-dir= --gcc-toolchain= -ccc- --ld-path=', ELSEWHERE],
  ['separate', '-specs --specs -wrapper -resource-dir -gcc-toolchain', ELSEWHERE],
  ['alone', '-no-integrated-as -fno-integrated-as -via-file-asm', ELSEWHERE],
  ['joined', '-Wp,', { is: 'hand-on', to: 'preprocessor', commas: true }],
  ['separate', '-Xpreprocessor', { is: 'hand-on', to: 'preprocessor', commas: false }],
  ['joined', '-Wa,', { is: 'hand-on', to: 'assembler', commas: true }],
  ['separate', '-Xassembler', { is: 'hand-on', to: 'assembler', commas: false }],
  ['separate', '-Xclang', { is: 'hand-on', to: 'clang', commas: false }, 'clang'],

  // The linker's, which a compile does not call.
  ['either', '-L -l -u -z -T', travels],
  ['separate', '-Xlinker -e -h', travels],
  ['joined', '-rtlib= --rtlib= -unwindlib= --unwindlib=', travels],
  ['alone', '-s -r -shared -static -static-pie -pie -no-pie -nopie -rdynamic -symbolic -nostdlib -nostdlib++', travels],
  ['alone', '-nostartfiles -nodefaultlibs -nolibc -static-libgcc -shared-libgcc -static-libstdc++', travels],
  ['alone', '-static-libasan -static-libtsan -static-liblsan -static-libubsan -shared-libasan -shared-libsan', travels],
];

/** An option as found in the table. */
export interface Option {
  readonly name: string;
  readonly meaning: Meaning;
}

export interface OptionTable {
  /** Names that stand alone or take the next argument. */
  readonly exact: ReadonlyMap<string, { readonly option: Option; readonly takesNext: boolean }>;
  /** Names that a value follows, by their first two characters, the longest first. */
  readonly joined: ReadonlyMap<string, readonly Option[]>;
}

function build(family: Family): OptionTable {
  const exact = new Map<string, { option: Option; takesNext: boolean }>();
  const joined = new Map<string, Option[]>();
  for (const [form, names, meaning, only] of ROWS) {
    if (only !== undefined && only !== family) continue;
    for (const name of names.split(' ')) {
      const option = { name, meaning };
      if (form !== 'joined') exact.set(name, { option, takesNext: form !== 'alone' });
      if (form === 'alone' || form === 'separate') continue;
      const start = name.slice(0, 2);
      const list = joined.get(start);
      if (list === undefined) joined.set(start, [option]);
      else list.push(option);
    }
  }
  for (const list of joined.values()) list.sort((a, b) => b.name.length - a.name.length);
  return { exact, joined };
}

export const OPTIONS: Readonly<Record<Family, OptionTable>> = { gcc: build('gcc'), clang: build('clang') };
