// What -Wp, -Wa, -Xpreprocessor, -Xassembler and -Xclang hand on to the programs behind the driver. Their own options are many
// and some read or write files, so only those are let through that builds use and that are known to be harmless.
import type { Draft } from './draft.ts';
import { keepHere } from './draft.ts';

const unknown = (draft: Draft, to: string, word: string): void => {
  keepHere(draft, 'unknown-option', `«${word}», handed to the ${to}, is not known`);
};

/** Reads one `-D…` or `-U…` at `words[at]`; gives how many words it took, 0 when it is neither. */
function readMacro(draft: Draft, words: readonly string[], at: number): number {
  const word = words[at] ?? '';
  const kind = word.startsWith('-D') ? 'D' : word.startsWith('-U') ? 'U' : null;
  if (kind === null) return 0;
  const value = word.length > 2 ? word.slice(2) : words[at + 1];
  if (value === undefined) return 0;
  draft.macros.push([kind, value]);
  return word.length > 2 ? 1 : 2;
}

/** Clang's driver reads a `-Wp,` of its own accord: `-Wp,-MD,FILE` alone means -MD -MF FILE. */
export function readClangPreprocessor(draft: Draft, words: readonly string[], viaWp: boolean): void {
  const [first = '', second] = words;
  if (viaWp && words.length === 2 && second !== undefined && (first === '-MD' || first === '-MMD')) {
    draft.depfile = true;
    draft.depfileName = second;
    return;
  }
  for (let i = 0; i < words.length;) {
    const took = readMacro(draft, words, i);
    if (took === 0) return unknown(draft, 'preprocessor', words.join(','));
    i += took;
  }
}

const HANDED_DIRS = [
  ['-isystem', 'systemDirs'],
  ['-iquote', 'quoteDirs'],
  ['-idirafter', 'afterDirs'],
  ['-I', 'includeDirs'],
] as const;

/** Reads one search directory or forced include at `words[at]`; gives how many words it took, 0 when it is neither. */
function readSearch(draft: Draft, words: readonly string[], at: number): number {
  const word = words[at] ?? '';
  const [name, list] = HANDED_DIRS.find(([start]) => word.startsWith(start)) ?? [
    /^-(?:include|imacros)/.exec(word)?.[0],
    null,
  ];
  if (name === undefined || word === '-I-') return 0;
  const value = word.length > name.length ? word.slice(name.length) : words[at + 1];
  if (value === undefined || value === '') return 0;
  if (list === null) draft.forcedIncludes.push(value);
  else draft.dirs[list].push(value);
  return word.length > name.length ? 1 : 2;
}

/** All that gcc's command hands to cc1 as preprocessor options, in order: there they come after the driver's own. */
export function readGccPreprocessor(draft: Draft): void {
  const words = draft.forPreprocessor;
  for (let i = 0; i < words.length;) {
    const word = words[i] ?? '';
    const next = words[i + 1];
    if ((word === '-MD' || word === '-MMD') && next !== undefined) {
      draft.handedDepfile = next;
      i += 2;
    } else if ((word === '-MT' || word === '-MQ') && next !== undefined) {
      i += 2;
    } else if (word === '-MP' || word === '-w' || /^-W[a-z0-9+=-]+$/.test(word)) {
      i += 1;
    } else {
      const took = readMacro(draft, words, i) || readSearch(draft, words, i);
      if (took === 0) return unknown(draft, 'preprocessor', word);
      i += took;
    }
  }
  if (draft.handedDepfile !== null && draft.depfileName !== null) {
    keepHere(draft, 'unknown-option', 'both -MF and -Wp,-MD name a dependency file');
  }
}

const ASSEMBLER_WORDS = new Set(
  (
    '--noexecstack --execstack --fatal-warnings --warn --no-warn -W -L --keep-locals --divide -R -Z -k -n -O -O1 -O2 -g --gen-debug ' +
    '--compress-debug-sections --nocompress-debug-sections --32 --64 --x32 --strip-local-absolute --no-pad-sections'
  ).split(' '),
);
const ASSEMBLER_SHAPES = [
  /^--(?:compress-debug-sections|size-check|elf-stt-common|generate-missing-build-notes)=[a-z]+$/,
  /^-g(?:dwarf-\d|dwarf-sections|dwarf-cie-version=\d|stabs\+?)$/,
  /^--g(?:dwarf-\d|dwarf-sections|dwarf-cie-version=\d|stabs\+?)$/,
  /^-m[A-Za-z0-9_=+.-]+$/,
  /^--defsym=?[A-Za-z0-9_.$]+=[A-Za-z0-9_.$]+$/,
];

// The letters of -a… that list nothing of the time: all but `g`. Without a file the listing is printed.
const LISTING = /^-a[cdhlmns]*(?:=(.+))?$/;

/** All that the command hands to the assembler, in order. */
export function readAssembler(draft: Draft): void {
  const words = draft.forAssembler;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const next = words[i + 1];
    const listing = draft.driver.family === 'gcc' ? LISTING.exec(word) : null;
    if (word === '--defsym' && next !== undefined) i++;
    else if (word === '-I' && next !== undefined) {
      draft.assemblerDirs.push(next);
      i++;
    } else if (word.startsWith('-I') && word.length > 2) draft.assemblerDirs.push(word.slice(2));
    else if (word === '--MD' && next !== undefined && draft.driver.family === 'gcc') {
      draft.namedOutputs.push({ kind: 'report', path: next });
      i++;
    } else if (listing !== null) {
      if (listing[1] !== undefined) draft.namedOutputs.push({ kind: 'report', path: listing[1] });
      draft.listsAssembly = true;
    } else if (word.endsWith('=native')) {
      return keepHere(draft, 'native-cpu', `«${word}» means this machine's processor`);
    } else if (!ASSEMBLER_WORDS.has(word) && !ASSEMBLER_SHAPES.some((shape) => shape.test(word))) {
      return unknown(draft, 'assembler', word);
    }
  }
}

// A word of cc1's, and whether the next one is its value.
const CLANG_WORDS: ReadonlyMap<string, boolean> = new Map([
  ['-fdebug-compilation-dir', true],
  ['-fcoverage-compilation-dir', true],
  ['-fno-pch-timestamp', false],
  ['-fcolor-diagnostics', false],
  ['-fuse-ctor-homing', false],
  ['-disable-O0-optnone', false],
  ['-fdeclare-opencl-builtins', false],
  ['-fallow-half-arguments-and-returns', false],
  ['-fnative-half-type', false],
  ['-fnative-half-arguments-and-returns', false],
  ['-fms-volatile', false],
  ['-fno-validate-pch', false],
  ['-fno-opaque-pointers', false],
  ['-no-opaque-pointers', false],
  ['-opaque-pointers', false],
  ['-disable-llvm-passes', false],
  ['-disable-lifetime-markers', false],
  ['-disable-noundef-analysis', false],
  ['-no-enable-noundef-analysis', false],
  ['-enable-noundef-analysis', false],
  ['-emit-llvm-uselists', false],
  ['-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang', false],
  ['-fexperimental-new-constant-interpreter', false],
  ['-funknown-anytype', false],
  ['-fobjc-subscripting-legacy-runtime', false],
  ['-ffake-address-space-map', false],
  ['-fcuda-allow-variadic-functions', false],
  ['-mlimit-float-precision', true],
  ['-target-feature', true],
  ['-target-abi', true],
  ['-add-plugin', true],
  ['-w', false],
]);

// Switches and numbers for LLVM's passes; what has a text for its value may name a file.
const LLVM = /^-{1,2}[a-z][a-z0-9-]*(?:=(?:\d+|true|false))?$/;
const LLVM_TALKS = /^-+(?:stats|time|debug|print|view|dot|dump|verify|info|pass-remarks|polly|profile|pgo|track|rng)/;

/** One word for LLVM's passes. */
export function readLlvm(draft: Draft, word: string): void {
  if (!LLVM.test(word) || LLVM_TALKS.test(word)) unknown(draft, 'LLVM passes', word);
}

/** All that clang's command hands to cc1 by -Xclang, in order. */
export function readClang(draft: Draft): void {
  const words = draft.forClang;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const takesNext = CLANG_WORDS.get(word);
    const next = words[i + 1];
    if (word === '-load' && next !== undefined) {
      draft.plugins.push(next);
      i++;
    } else if (word.startsWith('-plugin-arg-') && next !== undefined) {
      draft.pluginWords.push(next);
      i++;
    } else if (word === '-mllvm' && next !== undefined) {
      readLlvm(draft, next);
      i++;
    } else if (takesNext === true && next !== undefined) i++;
    else if (takesNext !== false && !/^-W[a-z0-9+=-]+$/.test(word)) return unknown(draft, 'compiler proper', word);
  }
}
