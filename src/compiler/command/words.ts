// `@file` arguments, by the rules of GNU libiberty's expandargv, which gcc uses and clang follows: white space parts words,
// quotes and backslashes protect. Written by hand because general shell splitters differ from it in both quoting and errors.
// Releases disagree on some backslashes (see below): such a file is left to the compiler that has to read it.
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';

/** Files that one command may pull in, and words that they may hold in all; libiberty itself stops at 2,000 files. */
const MAX_FILES = 1_000;
const MAX_WORDS = 200_000;

const isSpace = (char: string): boolean => /[ \t\n\v\f\r]/.test(char);

/**
 * Splits the text of an `@file` into words. Null when releases of the compilers would split it differently: a backslash within
 * quotes before anything but the quote or another backslash, one within single quotes, one before a line's end, or an open quote.
 */
export function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '\\') {
      const next = text.charAt(++i);
      if (next === '' || next === '\n' || next === '\r') return null;
      if (quote === "'" || (quote === '"' && next !== '"' && next !== '\\')) return null;
      word = (word ?? '') + next;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (isSpace(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') return null;
  if (word !== null) words.push(word);
  return words;
}

/**
 * Replaces every `@file` argument by the words in it, nested ones too; one that cannot be read stays as it is, as with gcc.
 * `readFile` is asked with the name as written. The error says which file stopped us.
 */
export function expandWords(
  args: readonly string[],
  readFile: (path: string) => string | null,
): Result<readonly string[], string> {
  if (!args.some((arg) => arg.startsWith('@'))) return ok(args);
  const out: string[] = [];
  // A stack of what is left to read, its top first: nesting costs no recursion.
  const rest = args.toReversed();
  let files = 0;
  for (let arg = rest.pop(); arg !== undefined; arg = rest.pop()) {
    const text = arg.length > 1 && arg.startsWith('@') ? readFile(arg.slice(1)) : null;
    if (text === null) {
      out.push(arg);
      continue;
    }
    if (++files > MAX_FILES) return err(`«${arg}»: more than ${MAX_FILES} @files; does one include itself?`);
    const words = splitWords(text);
    if (words === null) return err(`«${arg}»: quotes or backslashes in it that compilers read differently`);
    if (words.length + rest.length + out.length > MAX_WORDS) return err(`«${arg}»: more than ${MAX_WORDS} arguments`);
    for (const word of words.toReversed()) rest.push(word);
  }
  return ok(out);
}
