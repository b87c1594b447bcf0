// The files that a compile will write, with the names that gcc 12 and clang 14 give them (tried, each of them, on the real ones:
// conformance.test.ts). Names follow the object's when -o names one, else the source's, in cwd.
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import type { Language, OutputSpec } from '../types.ts';
import type { Draft, Stay } from './draft.ts';

/** -g options that clang turns into full debug information; with others and -gsplit-dwarf its outputs are not certain. */
const CLANG_FULL_DEBUG = /^(?:gdb)?[123]?$|^dwarf(?:-[2-5])?$/;

const assembled = (language: Language): boolean => language === 'assembler' || language === 'assembler-cpp';

function splitPath(path: string): { readonly dir: string; readonly name: string } {
  const slash = path.lastIndexOf('/') + 1;
  return { dir: path.slice(0, slash), name: path.slice(slash) };
}

/** The name up to its last dot. A dot in front counts as one only when `hidden` is true. */
function stem(name: string, hidden: boolean): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 || (hidden && dot === 0) ? name.slice(0, dot) : name;
}

function isFileName(path: string, isDirectory: (path: string) => boolean): boolean {
  return path !== '' && path !== '-' && !path.endsWith('/') && !path.startsWith('/dev/') && !isDirectory(path);
}

function defaultObject(draft: Draft, source: string): string {
  const bitcode = draft.on.has('emit-llvm');
  const suffix = draft.assembly ? (bitcode ? '.ll' : '.s') : bitcode ? '.bc' : '.o';
  return stem(splitPath(source).name, false) + suffix;
}

/** The depfile's path, `null` when none is written. */
function nameDepfile(draft: Draft, language: Language, source: string): string | null {
  // Only a preprocessor run writes one: gcc and clang ignore the option for what needs none.
  if (language === 'c-preprocessed' || language === 'c++-preprocessed' || language === 'assembler') return null;
  if (draft.handedDepfile !== null) return draft.handedDepfile;
  if (!draft.depfile) return null;
  if (draft.depfileName !== null) return draft.depfileName;
  if (draft.object === null) return stem(splitPath(source).name, false) + '.d';
  const { dir, name } = splitPath(draft.object);
  return dir + stem(name, true) + '.d';
}

function splitsDwarf(draft: Draft): Result<boolean, Stay> {
  if (!draft.on.has('gsplit-dwarf')) return ok(false);
  if (draft.driver.family === 'gcc') return ok(!draft.assembly);
  const certain = !draft.assembly && !draft.on.has('flto') && !draft.on.has('emit-llvm');
  if (draft.debug === null || (certain && CLANG_FULL_DEBUG.test(draft.debug))) return ok(draft.debug !== null);
  return err({ reason: 'side-files', detail: '-gsplit-dwarf with these options writes files that are not followed' });
}

/**
 * Every file the compile writes when it succeeds, the object first, paths as the command names or implies them.
 * `isDirectory` is asked with such paths. The error is the reason to stay.
 */
export function listOutputs(
  draft: Draft,
  language: Language,
  source: string,
  isDirectory: (path: string) => boolean,
): Result<readonly OutputSpec[], Stay> {
  const object = draft.object ?? defaultObject(draft, source);
  const outputs: OutputSpec[] = [{ kind: 'object', path: object }];

  const depfile = nameDepfile(draft, language, source);
  if (depfile !== null) outputs.push({ kind: 'depfile', path: depfile });

  const { dir, name } = splitPath(object);
  const base = dir + stem(name, draft.driver.family === 'clang');
  const split = splitsDwarf(draft);
  if (!split.ok) return split;
  // Clang writes it for assembler sources even without -g.
  const always = draft.driver.family === 'clang' && assembled(language) && draft.on.has('gsplit-dwarf');
  if (split.value || always) outputs.push({ kind: 'dwo', path: `${base}.dwo` });
  if (!assembled(language)) {
    if (draft.on.has('coverage') || draft.on.has('ftest-coverage')) {
      outputs.push({ kind: 'gcno', path: `${base}.gcno` });
    }
    if (draft.on.has('fstack-usage') && !draft.on.has('flto') && !draft.on.has('emit-llvm')) {
      outputs.push({ kind: 'stack-usage', path: `${base}.su` });
    }
  }

  const odd = outputs.find((output) => !isFileName(output.path, isDirectory));
  if (odd !== undefined) {
    return err({ reason: 'output-not-a-file', detail: `the ${odd.kind} would go to «${odd.path}», which is no file` });
  }
  const paths = new Set([source, ...outputs.map((output) => output.path)]);
  if (paths.size <= outputs.length) {
    return err({ reason: 'output-not-a-file', detail: 'two of its files have the same name' });
  }
  return ok(outputs);
}
