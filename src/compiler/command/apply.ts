// What one option of the table changes in the draft of a command.
import { unreachable } from '../../base/assert.ts';
import type { Draft } from './draft.ts';
import { keepHere } from './draft.ts';
import { readClangPreprocessor, readLlvm } from './hand-on.ts';
import type { Meaning } from './option-types.ts';

/** Whether a -g, -O or character set option is one that is known to touch no other file. */
const DEBUG = /^(?!cc)[a-z0-9=+,-]*$/;
const OPTIMISE = /^(?:|\d+|s|g|z|fast|size)$/;
// libcpp or the C library converts these by itself, under these names; others need modules of the C library's, which are not part of a compiler.
const CHARSET = /^utf(?:-?8|-(?:16|32)[bl]e)$/i;
// The last of these says how much debug information there is.
const DEBUG_AMOUNT = /^(?:gdb|stabs|xcoff|vms|coff|btf|ctf)?\d?$|^(?:dwarf(?:-\d)?|line-.*|mlt|codeview)$/;

/** The scan of Fortran sources reads lines of these lengths, and whole ones. */
const LINE_LENGTH = /^(?:0|none|72|80|132|[1-9]\d{3,})$/;

/** Names that a dump's file may have and that mean no file. */
const STREAMS = new Set(['stderr', 'stdout', '-']);

/** Records what one option says. `at` is where its word stands; `value` is what follows its name. */
export function applyOption(draft: Draft, meaning: Meaning, name: string, value: string, at: number): void {
  const word = draft.args[at] ?? '';
  const shown = word === name && value !== '' ? `${name} ${value}` : word;
  draft.options.push({ name, value, meaning });
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
    case 'plugin-word':
      draft.pluginWords.push(value.slice(value.indexOf('=') + 1));
      return;
    case 'module-dir':
      draft.moduleDir = value;
      return;
    case 'plugin':
      draft.plugins.push(value);
      return;
    case 'line-length':
      if (!LINE_LENGTH.test(value)) keepHere(draft, 'unknown-option', `«${word}»: lines are not cut there by the scan`);
      return;
    case 'dir-prefix':
      draft.dirPrefix = value;
      return;
    case 'dir':
      if (meaning.prefixed && draft.dirPrefix === null) {
        return keepHere(draft, 'unknown-option', `«${shown}»: without -iprefix it depends on where the compiler is`);
      }
      if (draft.driver.family === 'clang' && value.endsWith('.hmap')) {
        return keepHere(draft, 'side-files', `«${shown}»: header maps are not followed`);
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
    case 'setting': {
      const setting = meaning.value === undefined ? value : meaning.value;
      if (setting === null) draft.settings.delete(meaning.name);
      else draft.settings.set(meaning.name, setting);
      if (meaning.also !== undefined) draft.on.add(meaning.also);
      return;
    }
    case 'color':
      draft.color = { index: at, text: word };
      return;
    case 'hand-on':
      return handOn(draft, meaning.to, meaning.commas ? value.split(',') : [value], meaning.commas);
    case 'machine':
      if (/^(?:arch|tune|cpu)=native$/.test(value)) draft.nativeAt.push(at);
      else if (/=native\b/.test(value)) keepHere(draft, 'native-cpu', `«${word}» means this machine's processor`);
      return;
    case 'feature':
      if (/=.*\//.test(value)) keepHere(draft, 'side-files', `«${word}»: what it does with that path is not followed`);
      return;
    case 'dump':
      return readDump(draft, meaning.bare, word, value);
    case 'specs':
      draft.specs.push({ path: value, shown });
      return;
    case 'reads':
      draft.extraInputs.push(value);
      return;
    case 'writes':
      draft.namedOutputs.push({ kind: 'report', path: value });
      return;
    case 'llvm':
      return readLlvm(draft, value);
    case 'debug':
      if (!DEBUG.test(value)) keepHere(draft, 'unknown-option', `«${word}» is not known`);
      if (DEBUG_AMOUNT.test(value)) draft.debug = value === '0' ? null : value;
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

function readDump(draft: Draft, bare: 'travels' | 'stays', word: string, value: string): void {
  const at = value.indexOf('=');
  const path = at < 0 ? '' : value.slice(at + 1);
  if (/-graph(?:-|=|$)/.test(value)) {
    return keepHere(draft, 'side-files', `«${word}»: the graphs go to files that are not followed`);
  }
  if (at >= 0 && STREAMS.has(path)) return;
  if (path !== '') {
    draft.namedOutputs.push({ kind: 'report', path });
    draft.appended.push(path);
  } else if (bare === 'stays' || at >= 0) {
    keepHere(draft, 'side-files', `«${word}»: how its file is called depends on the release of the compiler`);
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

/** Whether an option selects the compiler's own search directories or macros. */
export const selectsBuiltin = (meaning: Meaning): boolean =>
  meaning.is === 'machine' ||
  meaning.is === 'specs' ||
  meaning.is === 'sysroot' ||
  meaning.is === 'no-standard-dirs' ||
  (meaning.is === 'travels' && meaning.builtin === true);
