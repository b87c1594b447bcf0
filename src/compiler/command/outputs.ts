// The files that a compile will write, with the names that gcc 12 and clang 14 give them (tried, each of them, on the real ones:
// conformance.test.ts). Names follow the object's when -o names one, else the source's, in cwd.
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import type { Language, OutputKind, OutputSpec, SourceSpec } from '../types.ts';
import type { Draft, Stay } from './draft.ts';
import { isAssembler, isFortran, needsPreprocessing } from './languages.ts';
import { isFileName, splitPath, stem, suffix } from './names.ts';

/** What may be asked about paths as the command spells them. */
export interface Places {
  readonly isDirectory: (path: string) => boolean;
  /** Null: it cannot be told. */
  readonly exists: ((path: string) => boolean) | null;
}

const INTERMEDIATE: Readonly<Partial<Record<Language, string>>> = {
  c: '.i',
  'c++': '.ii',
  objc: '.mi',
  'objc++': '.mii',
  'assembler-cpp': '.s',
};

const stays = (reason: Stay['reason'], detail: string): Result<never, Stay> => err({ reason, detail });

function nameObject(draft: Draft, source: string): string {
  if (draft.object !== null) return draft.object;
  const bitcode = draft.on.has('emit-llvm');
  const end = draft.assembly ? (bitcode ? '.ll' : '.s') : bitcode ? '.bc' : '.o';
  return stem(splitPath(source).name, false) + end;
}

/** The depfile's path, `null` when none is written. */
function nameDepfile(draft: Draft, { path, language }: SourceSpec): string | null {
  // Only a preprocessor run writes one: gcc and clang ignore the option for what needs none.
  if (!needsPreprocessing(language)) return null;
  if (draft.handedDepfile !== null) return draft.handedDepfile;
  if (!draft.depfile) return null;
  if (draft.depfileName !== null) return draft.depfileName;
  if (draft.object === null) return stem(splitPath(path).name, false) + '.d';
  const { dir, name } = splitPath(draft.object);
  return dir + stem(name, true) + '.d';
}

function splitsDwarf(draft: Draft, language: Language): boolean {
  if (!draft.on.has('gsplit-dwarf')) return false;
  if (draft.driver.family === 'gcc') return !draft.assembly;
  // Clang writes it for assembler sources even without -g.
  if (isAssembler(language)) return true;
  return (
    draft.debug !== null &&
    draft.debug !== 'line-directives-only' &&
    !draft.on.has('flto') &&
    !draft.on.has('emit-llvm')
  );
}

/** Clang's -S knows nothing of -o here. */
function nameSplit(draft: Draft, source: string, base: string): string {
  const bySource = draft.driver.family === 'clang' && !draft.compile;
  return bySource ? stem(splitPath(source).name, false) : base;
}

/** What a gcc or clang release calls the files beside an object: their directory and name up to the suffix. */
export function nameBase(draft: Draft, source: string): string {
  const { dir, name } = splitPath(nameObject(draft, source));
  // Gcc's -save-temps=cwd takes all but the object and the depfile to cwd.
  const here = draft.driver.family === 'gcc' && draft.settings.get('save-temps') === 'cwd';
  return (here ? '' : dir) + stem(name, draft.driver.family === 'clang');
}

/** What -save-temps keeps; `base` is the object's name without its suffix. */
function listIntermediates(draft: Draft, { path, language }: SourceSpec, base: string): string[] {
  const how = draft.settings.get('save-temps');
  if (how === undefined || language === 'assembler') return [];
  const preprocessed = INTERMEDIATE[language];
  if (draft.driver.family === 'gcc') {
    const gcc = preprocessed === undefined ? [] : [base + preprocessed];
    return draft.assembly || isAssembler(language) ? gcc : [...gcc, `${base}.s`];
  }
  const dir = how === 'obj' ? splitPath(nameObject(draft, path)).dir : '';
  const start = dir + stem(splitPath(path).name, false);
  const names = preprocessed === undefined ? [] : [start + preprocessed];
  if (isAssembler(language)) return names;
  const bitcode = draft.on.has('emit-llvm');
  // What is preprocessed already is compiled in one step.
  if (preprocessed !== undefined) names.push(start + (bitcode ? '.tmp.bc' : '.bc'));
  if (!draft.assembly && !bitcode && !draft.on.has('flto')) names.push(`${start}.s`);
  return names;
}

/** The record of what was optimised; null: none. */
function nameRecord(draft: Draft, source: string, base: string): string | null {
  const { settings, on, driver } = draft;
  const format = settings.get('record-format') ?? (on.has('record-passes') ? 'yaml' : undefined);
  if (driver.family === 'gcc') return format === undefined ? null : `${base}${suffix(source)}.opt-record.json.gz`;
  const file = settings.get('record-file');
  if (file !== undefined) return file;
  if (format === undefined) return null;
  // Without -o clang takes two suffixes off the source's name.
  const start = draft.object === null ? stem(stem(splitPath(source).name, false), true) : base;
  return `${start}.opt.${format}`;
}

/** All that one source makes. The second member of a pair: several sources may write it, one after the other. */
function listOf(draft: Draft, source: SourceSpec): readonly (readonly [OutputSpec, boolean])[] {
  const { on, settings } = draft;
  const { path, language } = source;
  const outputs: (readonly [OutputSpec, boolean])[] = [];
  const add = (kind: OutputKind, name: string | null, shared = false): void => {
    if (name !== null) outputs.push([{ kind, path: name }, shared]);
  };
  const base = nameBase(draft, path);
  add('object', nameObject(draft, path));
  add('depfile', nameDepfile(draft, source), draft.depfileName !== null || draft.handedDepfile !== null);
  if (splitsDwarf(draft, language)) add('dwo', `${nameSplit(draft, path, base)}.dwo`);
  for (const name of listIntermediates(draft, source, base)) add('intermediate', name);
  if (isAssembler(language)) return outputs;
  if (on.has('coverage') || on.has('ftest-coverage')) {
    const notes = settings.get('notes-file');
    add('gcno', notes ?? `${base}.gcno`, notes !== undefined);
  }
  const late = on.has('flto') || on.has('emit-llvm');
  if (on.has('fstack-usage') && !late) add('stack-usage', `${base}.su`);
  if (on.has('fcallgraph-info') && !late) add('report', `${base}.ci`);
  add('report', nameRecord(draft, path, base), settings.has('record-file'));
  if (on.has('time-trace')) add('report', `${base}.json`);
  return outputs;
}

/** The major version of the compiler that gave its files these names first: gcc 11 named intermediate files and records anew. */
export function namesSince({ driver, settings }: Draft): number {
  return driver.family === 'gcc' && (settings.has('save-temps') || settings.has('record-format')) ? 11 : 0;
}

/** Why names would not be certain, or null. */
function findUncertain(draft: Draft, sources: readonly SourceSpec[], places: Places): Stay | null {
  const how = draft.settings.get('save-temps');
  const clang = draft.driver.family === 'clang';
  if (how !== undefined && how !== '' && how !== 'cwd' && how !== 'obj') {
    return { reason: 'save-temps', detail: `«-save-temps=${how}» is not known` };
  }
  if (how !== undefined && sources.some(({ language }) => isFortran(language))) {
    return { reason: 'save-temps', detail: 'what Fortran keeps of its steps is not followed' };
  }
  if (clang && how !== undefined && draft.on.has('time-trace')) {
    return { reason: 'side-files', detail: '-ftime-trace with -save-temps: where the trace goes is not followed' };
  }
  if (clang && sources.length > 1 && (draft.settings.has('record-format') || draft.on.has('record-passes'))) {
    return { reason: 'side-files', detail: 'optimization records of several sources: their names are not certain' };
  }
  const grown = draft.appended.find((path) => places.exists === null || places.exists(path));
  if (grown !== undefined) {
    return { reason: 'side-files', detail: `«${grown}» would be added to: only here its beginning is known` };
  }
  return null;
}

/**
 * Every file that the compile writes when it succeeds, the objects first in each source's list, paths as the command names or
 * implies them. `places` is asked with such paths. The error is the reason to stay.
 */
export function listOutputs(
  draft: Draft,
  sources: readonly SourceSpec[],
  places: Places,
): Result<readonly OutputSpec[], Stay> {
  if (sources.length > 1 && draft.object !== null) {
    return stays('several-sources', `-o names one output, but it compiles ${sources.length} sources`);
  }
  const uncertain = findUncertain(draft, sources, places);
  if (uncertain !== null) return err(uncertain);

  const named = draft.namedOutputs.map((output) => [output, true] as const);
  const outputs = new Map<string, OutputSpec>();
  const read = new Set(sources.map((source) => source.path));
  for (const [output, shared] of [...sources.flatMap((source) => listOf(draft, source)), ...named]) {
    const { kind, path } = output;
    if (!isFileName(path, places.isDirectory)) {
      return stays('output-not-a-file', `the ${kind} would go to «${path}», which is no file`);
    }
    const other = outputs.get(path);
    if (read.has(path) || (other !== undefined && !(shared && other.kind === kind))) {
      return stays('output-not-a-file', `two of its files have the same name, «${path}»`);
    }
    outputs.set(path, output);
  }
  return ok([...outputs.values()]);
}
