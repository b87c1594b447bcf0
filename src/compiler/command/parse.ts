// From a compiler's command line to a verdict: it travels, with all that goes in and comes out, or it stays, and why.
// Pure: the files it may need to look at (@files, directories) are asked of the caller. Nothing is guessed: an option that is
// not in the table keeps the command here.
import { unreachable } from '../../base/assert.ts';
import type { ScanOptions, StayReason, Verdict } from '../types.ts';
import type { Draft } from './draft.ts';
import { createDraft, keepHere } from './draft.ts';
import type { Family } from './driver.ts';
import { recognizeDriver } from './driver.ts';
import { findHoldingVariable } from './environment.ts';
import { readAssembler, readClang, readClangPreprocessor, readGccPreprocessor } from './hand-on.ts';
import type { InputKind } from './languages.ts';
import { classifyInput } from './languages.ts';
import type { Meaning } from './option-table.ts';
import { OPTIONS } from './option-table.ts';
import { listOutputs } from './outputs.ts';
import { recognizeProbe } from './probes.ts';
import { expandWords } from './words.ts';

export interface CommandContext {
  /** Absolute. */
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
  /** The text of a file, absolute path; null when it cannot be read. Asked for @files only. */
  readonly readFile: (path: string) => string | null;
  readonly stderrIsTerminal: boolean;
  /** Absolute path. Asked for outputs only. */
  readonly isDirectory: (path: string) => boolean;
  /** What the compiler is, when its name does not tell (`cc` on some systems is clang). */
  readonly family?: Family;
}

const stays = (reason: StayReason, detail: string): Verdict => ({ travels: false, reason, detail });

/** Whether a -g, -O or character set option is one that is known to touch no other file. */
const DEBUG = /^(?!cc)[a-z0-9=+,-]*$/;
const OPTIMISE = /^(?:|\d+|s|g|z|fast|size)$/;
// libcpp converts these by itself; others need modules of the C library's, which are not part of a compiler.
const CHARSET = /^utf-?(?:8|16|32)(?:[bl]e)?$/i;

/** Records what one option says. `word` and `at` are where it stands; `value` is what follows its name. */
function applyOption(draft: Draft, meaning: Meaning, name: string, value: string, at: number): void {
  const word = draft.args[at] ?? '';
  const shown = word === name && value !== '' ? `${name} ${value}` : word;
  switch (meaning.is) {
    case 'travels':
      return;
    case 'stays':
      return keepHere(draft, meaning.reason, `«${shown}»: ${meaning.why}`);
    case 'mode':
      if (meaning.mode === 'compile') draft.compile = true;
      else if (meaning.mode === 'assembly') draft.assembly = true;
      else draft.otherMode ??= word;
      return;
    case 'language':
      draft.x = value === 'none' ? null : value;
      return;
    case 'object':
      draft.object = value;
      return;
    case 'depfile':
      draft.depfile = true;
      return;
    case 'depfile-name':
      draft.depfileName = value;
      return;
    case 'forced-include':
      draft.forcedIncludes.push(value);
      return;
    case 'dir-prefix':
      draft.dirPrefix = value;
      return;
    case 'dir':
      if (meaning.prefixed && draft.dirPrefix === null) {
        return keepHere(draft, 'unknown-option', `«${shown}»: without -iprefix it depends on where the compiler is`);
      }
      if (value !== '') draft.dirs[meaning.list].push((meaning.prefixed ? draft.dirPrefix : '') + value);
      return;
    case 'macro':
      draft.macros.push([meaning.kind, value]);
      return;
    case 'sysroot':
      if (meaning.headersOnly) draft.headerSysroot = value;
      else draft.sysroot = value;
      return;
    case 'no-standard-dirs':
      if (meaning.of === 'c') draft.noStdInc = true;
      else draft.noStdIncPlusPlus = true;
      return;
    case 'switch':
      if (meaning.on) draft.on.add(meaning.name);
      else draft.on.delete(meaning.name);
      return;
    case 'color':
      draft.color = { index: at, text: word };
      return;
    case 'hand-on':
      return handOn(draft, meaning.to, meaning.commas ? value.split(',') : [value], meaning.commas);
    case 'machine':
      if (value.endsWith('=native')) keepHere(draft, 'native-cpu', `«${word}» means this machine's processor`);
      return;
    case 'feature':
      if (/=.*\//.test(value)) keepHere(draft, 'side-files', `«${word}»: what it does with that path is not followed`);
      return;
    case 'report':
      if (value.includes('=')) keepHere(draft, 'side-files', `«${word}»: it writes a file that is not followed`);
      return;
    case 'read-list':
      draft.extraInputs.push(value);
      return;
    case 'debug':
      if (!DEBUG.test(value)) keepHere(draft, 'unknown-option', `«${word}» is not known`);
      if (/^(?:gdb|stabs|xcoff|vms|coff|btf|ctf)?\d?$|^(?:dwarf(?:-\d)?|line-.*|mlt|codeview)$/.test(value)) {
        draft.debug = value === '0' ? null : value;
      }
      return;
    case 'optimise':
      if (!OPTIMISE.test(value)) keepHere(draft, 'unknown-option', `«${word}» is not known`);
      return;
    case 'charset':
      if (!CHARSET.test(value)) keepHere(draft, 'side-files', `«${word}» needs the system's character set tables`);
      return;
    default:
      unreachable(meaning);
  }
}

function handOn(
  draft: Draft,
  to: 'preprocessor' | 'assembler' | 'clang',
  words: readonly string[],
  viaW: boolean,
): void {
  if (to === 'assembler') draft.forAssembler.push(...words);
  else if (to === 'clang') draft.forClang.push(...words);
  else if (draft.driver.family === 'gcc') draft.forPreprocessor.push(...words);
  else readClangPreprocessor(draft, words, viaW);
}

const selectsBuiltin = (meaning: Meaning): boolean =>
  meaning.is === 'machine' ||
  meaning.is === 'sysroot' ||
  meaning.is === 'no-standard-dirs' ||
  (meaning.is === 'travels' && meaning.builtin === true);

/** Reads the words in order. An option's value is the rest of its word or the next word, as the table says. */
function readWords(draft: Draft): void {
  const { args, driver } = draft;
  const options = OPTIONS[driver.family];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    if (word === '-' || !word.startsWith('-')) {
      draft.inputs.push({ path: word, x: draft.x });
      continue;
    }
    if (word === '--' && driver.family === 'clang') {
      for (const path of args.slice(i + 1)) draft.inputs.push({ path, x: draft.x });
      return;
    }
    const exact = options.exact.get(word);
    if (exact !== undefined) {
      const next = exact.takesNext ? args[i + 1] : '';
      if (next === undefined) {
        keepHere(draft, 'unknown-option', `«${word}» at the end lacks its value`);
        return;
      }
      applyOption(draft, exact.option.meaning, word, next, i);
      const words = exact.takesNext ? [word, next] : [word];
      if (selectsBuiltin(exact.option.meaning)) draft.builtinArgs.push(...words);
      if (exact.takesNext) i++;
      continue;
    }
    const joined = options.joined
      .get(word.slice(0, 2))
      ?.find((option) => word.length > option.name.length && word.startsWith(option.name));
    if (joined === undefined) {
      keepHere(draft, 'unknown-option', `«${word}» is not known`);
      continue;
    }
    applyOption(draft, joined.meaning, joined.name, word.slice(joined.name.length), i);
    if (selectsBuiltin(joined.meaning)) draft.builtinArgs.push(word);
  }
}

/** The search as the scanner needs it: gcc's `=DIR` and `$SYSROOT/DIR` are below the sysroot that the command names. */
function settleScan(draft: Draft): ScanOptions {
  const sysroot = draft.headerSysroot ?? draft.sysroot;
  const settle = (dir: string): string => {
    const rest = dir.startsWith('=') ? dir.slice(1) : dir.startsWith('$SYSROOT') ? dir.slice(8) : null;
    if (rest === null) return dir;
    if (sysroot === null || draft.driver.family !== 'gcc') {
      keepHere(draft, 'unknown-option', `«${dir}» is below a sysroot that the command does not name`);
    }
    return (sysroot ?? '') + rest;
  };
  return {
    quoteDirs: draft.dirs.quoteDirs.map(settle),
    includeDirs: draft.dirs.includeDirs.map(settle),
    systemDirs: draft.dirs.systemDirs.map(settle),
    afterDirs: draft.dirs.afterDirs.map(settle),
    forcedIncludes: draft.forcedIncludes,
    macros: draft.macros,
    noStdInc: draft.noStdInc,
    noStdIncPlusPlus: draft.noStdIncPlusPlus,
    sysroot,
  };
}

/** The arguments as the worker runs them: with colours when the user would have seen colours. */
function colorArgs(draft: Draft, context: CommandContext): readonly string[] {
  const { args, color, driver } = draft;
  const term = context.env.get('TERM') ?? '';
  if (!context.stderrIsTerminal || term === '' || term === 'dumb') return args;
  if (driver.family === 'gcc' && context.env.get('GCC_COLORS') === '') return args;
  // Clang would write our addition into the object.
  if (driver.family === 'clang' && draft.on.has('record-command')) return args;
  if (color === null) return ['-fdiagnostics-color=always', ...args];
  return color.text === '-fdiagnostics-color=auto' ? args.with(color.index, '-fdiagnostics-color=always') : args;
}

const isStdin = (path: string): boolean => path === '-' || /^\/dev\/(?:stdin|fd\/\d+)$|^\/proc\/self\/fd\//.test(path);

/** Why an input that is no source to us keeps the command here. */
function refuseInput(path: string, kind: Exclude<InputKind, { is: 'source' }>): Verdict {
  switch (kind.is) {
    case 'header':
      return stays('precompiled-header', `«${path}» is a header: compiling it makes a precompiled one`);
    case 'module':
      return stays('module', `«${path}» is a module's interface`);
    case 'other-language':
      return stays('language', `«${path}»: ${kind.name} is a language that is not followed`);
    case 'linker-input':
      return stays('no-source', `«${path}» is no source by its name`);
    default:
      return unreachable(kind);
  }
}

function decide(draft: Draft, context: CommandContext): Verdict {
  const sources = draft.inputs.map((input) => input.path);
  const probe = recognizeProbe(context.cwd, sources, draft.object);
  if (probe !== null) return stays('probe', probe);
  if (draft.otherMode !== null) return stays('not-a-compile', `«${draft.otherMode}» asks for something else`);
  if (!draft.compile && !draft.assembly) return stays('not-a-compile', 'without -c or -S it links');
  if (sources.some(isStdin)) return stays('stdin-source', 'the source comes from standard input');

  readGccPreprocessor(draft);
  readAssembler(draft);
  readClang(draft);
  const scan = settleScan(draft);
  if (draft.stay !== null) return { travels: false, ...draft.stay };

  const [input] = draft.inputs;
  if (input === undefined) return stays('no-source', 'it names no source');
  if (draft.inputs.length > 1) return stays('several-sources', `it names ${draft.inputs.length} inputs`);
  const kind = classifyInput(input.path, input.x, draft.driver);
  if (kind.is !== 'source') return refuseInput(input.path, kind);
  if (draft.assembly && (kind.language === 'assembler' || kind.language === 'assembler-cpp')) {
    return stays('not-a-compile', '-S has nothing to do for an assembler source');
  }
  const variable = findHoldingVariable(context.env);
  if (variable !== null) return stays('environment', `the variable ${variable} changes what the compiler does`);

  const outputs = listOutputs(draft, kind.language, input.path, (path) => context.isDirectory(resolve(context, path)));
  if (!outputs.ok) return { travels: false, ...outputs.error };
  return {
    travels: true,
    plan: {
      sources: [{ path: input.path, language: kind.language }],
      args: colorArgs(draft, context),
      outputs: outputs.value,
      extraInputs: draft.extraInputs,
      scan,
      builtinArgs: draft.builtinArgs,
      nativeAt: [],
      cwdShows: true,
      storable: true,
    },
  };
}

const resolve = (context: CommandContext, path: string): string =>
  path.startsWith('/') ? path : `${context.cwd}/${path}`;

/**
 * Reads a gcc or clang command line, argv[0] included, and says whether it can run elsewhere. Never throws, whatever the words.
 * Paths in the plan are as given (relative to cwd unless absolute); a reason to stay comes with one sentence for people.
 */
export function parseCommand(argv: readonly string[], context: CommandContext): Verdict {
  const compiler = argv[0] ?? '';
  const driver = recognizeDriver(compiler, context.family);
  if (driver === null) return stays('compiler-unknown', `«${compiler}» is not a name of gcc's or clang's`);
  const args = expandWords(argv.slice(1), (path) => context.readFile(resolve(context, path)));
  if (!args.ok) return stays('unknown-option', args.error);
  // Bytes that are not UTF-8 have been read as this character: which bytes they were is lost.
  const garbled = [context.cwd, ...args.value].find((word) => word.includes('\uFFFD'));
  if (garbled !== undefined) return stays('path-not-utf8', `«${garbled}» is not UTF-8`);
  const draft = createDraft(driver, args.value);
  readWords(draft);
  return decide(draft, context);
}
