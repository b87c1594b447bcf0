// From a compiler's command line to a verdict: it travels, with all that goes in and comes out, or it stays, and why.
// Pure: the files it may need to look at (@files, directories) are asked of the caller. Nothing is guessed: an option that is
// not in the table keeps the command here.
import { unreachable } from '../../base/assert.ts';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import type { ScanOptions, SourceSpec, StayReason, Verdict } from '../types.ts';
import { applyOption, selectsBuiltin } from './apply.ts';
import { isRepeatable, showsCwd } from './certainty.ts';
import type { Draft, Stay } from './draft.ts';
import { createDraft, keepHere } from './draft.ts';
import type { Family } from './driver.ts';
import { recognizeDriver } from './driver.ts';
import { findHoldingVariable } from './environment.ts';
import { readAssembler, readClang, readGccPreprocessor } from './hand-on.ts';
import { listOptionalInputs } from './inputs.ts';
import type { InputKind } from './languages.ts';
import { classifyInput, isAssembler, needsPreprocessing } from './languages.ts';
import { OPTIONS } from './option-table.ts';
import { listOutputs, namesSince } from './outputs.ts';
import { recognizeProbe } from './probes.ts';
import { isHarmlessSpecs } from './specs.ts';
import { expandWords } from './words.ts';

export interface CommandContext {
  /** Absolute. */
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
  /** The text of a file, absolute path; null when it cannot be read. Asked for @files and specs files only. */
  readonly readFile: (path: string) => string | null;
  readonly stderrIsTerminal: boolean;
  /** Absolute path. Asked for outputs only. */
  readonly isDirectory: (path: string) => boolean;
  /** Absolute path: whether anything is there. Without it a command that adds to a file stays. */
  readonly exists?: (path: string) => boolean;
  /** What the compiler is, when its name does not tell (`cc` on some systems is clang). */
  readonly family?: Family;
}

const stays = (reason: StayReason, detail: string): Verdict => ({ travels: false, reason, detail });

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

const refuse = (reason: StayReason, detail: string): Stay => ({ reason, detail });

const isStdin = (path: string): boolean => path === '-' || /^\/dev\/(?:stdin|fd\/\d+)$|^\/proc\/self\/fd\//.test(path);

/** Why an input that is no source to us keeps the command here. */
function refuseInput(path: string, kind: Exclude<InputKind, { is: 'source' }>): Stay {
  switch (kind.is) {
    case 'header':
      return refuse('precompiled-header', `«${path}» is a header: compiling it makes a precompiled one`);
    case 'module':
      return refuse('module', `«${path}» is a module's interface`);
    case 'other-language':
      return refuse('language', `«${path}»: ${kind.name} is a language that is not followed`);
    case 'linker-input':
      return refuse('no-source', `«${path}» is no source by its name`);
    default:
      return unreachable(kind);
  }
}

function decide(draft: Draft, context: CommandContext): Verdict {
  const inputs = draft.inputs.map((input) => input.path);
  const probe = recognizeProbe(context.cwd, inputs, draft.object);
  if (probe !== null) return stays('probe', probe);
  if (draft.otherMode !== null) return stays('not-a-compile', `«${draft.otherMode}» asks for something else`);
  if (!draft.compile && !draft.assembly) return stays('not-a-compile', 'without -c or -S it links');
  if (inputs.some(isStdin)) return stays('stdin-source', 'the source comes from standard input');

  readGccPreprocessor(draft);
  readAssembler(draft);
  readClang(draft);
  readSpecs(draft, context);
  const scan = settleScan(draft);
  if (draft.stay !== null) return { travels: false, ...draft.stay };

  const sources = readSources(draft);
  if (!sources.ok) return { travels: false, ...sources.error };
  const variable = findHoldingVariable(context.env);
  if (variable !== null) return stays('environment', `the variable ${variable} changes what the compiler does`);
  return plan(draft, context, scan, sources.value);
}

/**
 * The macros of the command as the scan shall take them. Clang replaces the built-in ones in text that is preprocessed already,
 * whatever the command line says of them.
 */
function macrosFor(draft: Draft, sources: readonly SourceSpec[]): ScanOptions['macros'] {
  const again = draft.settings.has('save-temps') || sources.some(({ language }) => !needsPreprocessing(language));
  if (draft.driver.family === 'gcc' || !again) return draft.macros;
  return draft.macros.filter(([, text]) => !/^__(?:DATE|TIME|TIMESTAMP)__/.test(text));
}

/** The verdict on a command whose words and sources are all known. */
function plan(
  draft: Draft,
  context: CommandContext,
  scan: ScanOptions,
  sources: readonly [SourceSpec, ...SourceSpec[]],
): Verdict {
  const { exists } = context;
  const isDirectory = (path: string): boolean => context.isDirectory(resolve(context, path));
  const outputs = listOutputs(draft, sources, {
    isDirectory,
    exists: exists === undefined ? null : (path) => exists(resolve(context, path)),
  });
  if (!outputs.ok) return { travels: false, ...outputs.error };
  const pwd = context.env.get('PWD');
  const cwds = pwd?.startsWith('/') === true && pwd !== context.cwd ? [context.cwd, pwd] : [context.cwd];
  const listed = listOptionalInputs(draft, sources, cwds, isDirectory);
  // What a plugin is told may be a file that it reads.
  const optionalInputs = [...new Set([...listed, ...draft.pluginWords.filter((word) => /^[^\0]*[./]/.test(word))])];
  keepNative(draft, sources);
  if (draft.stay !== null) return { travels: false, ...draft.stay };
  const args = colorArgs(draft, context);
  const added = args.length - draft.args.length;
  return {
    travels: true,
    plan: {
      sources,
      args,
      outputs: outputs.value,
      namesSince: namesSince(draft),
      extraInputs: draft.extraInputs,
      optionalInputs,
      assemblerDirs: draft.assemblerDirs,
      scan: { ...scan, macros: macrosFor(draft, sources) },
      builtinArgs: draft.builtinArgs,
      nativeAt: draft.nativeAt.map((at) => at + added),
      moduleDir: draft.moduleDir ?? '',
      plugins: draft.plugins,
      cwdShows: showsCwd(draft, sources, outputs.value, context.env),
      storable: isRepeatable(draft),
    },
  };
}

/** What the inputs are; the error says why one of them keeps the command here. */
function readSources(draft: Draft): Result<readonly [SourceSpec, ...SourceSpec[]], Stay> {
  const sources: SourceSpec[] = [];
  for (const { path, x } of draft.inputs) {
    const kind = classifyInput(path, x, draft.driver);
    if (kind.is !== 'source') return err(refuseInput(path, kind));
    if (draft.assembly && isAssembler(kind.language)) {
      return err({ reason: 'not-a-compile', detail: '-S has nothing to do for an assembler source' });
    }
    const { language } = kind;
    sources.push({ path, language: language === 'fortran' && draft.on.has('cpp') ? 'fortran-cpp' : language });
  }
  const [first, ...rest] = sources;
  return first === undefined ? err({ reason: 'no-source', detail: 'it names no source' }) : ok([first, ...rest]);
}

/** A specs file goes along when it is known to be harmless; gcc looks for a relative name in places of its own. */
function readSpecs(draft: Draft, context: CommandContext): void {
  for (const { path, shown } of draft.specs) {
    const text = path.startsWith('/') ? context.readFile(path) : null;
    if (text !== null && isHarmlessSpecs(text)) draft.extraInputs.push(path);
    else keepHere(draft, 'side-files', `«${shown}»: what that file changes is not followed`);
  }
}

/** Where «native» could not be replaced by what it means, it keeps the command here. */
function keepNative(draft: Draft, sources: readonly SourceSpec[]): void {
  if (draft.nativeAt.length === 0) return;
  if (draft.on.has('record-command')) keepHere(draft, 'native-cpu', 'it writes «native» into the object');
  if (draft.driver.family === 'clang' && sources.some(({ language }) => isAssembler(language))) {
    keepHere(draft, 'native-cpu', '«native» for an assembler source is not followed');
  }
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
