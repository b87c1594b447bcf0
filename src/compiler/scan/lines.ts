// The lexical ground under the directive parser: where a directive can start, and what one logical line says once
// continuations and comments are taken out. It works on indices into the file's text and copies only odd lines.

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const APOSTROPHE = 39;
const STAR = 42;
const SLASH = 47;
const QUESTION = 63;
const BACKSLASH = 92;
const BYTE_ORDER_MARK = 0xfeff;

function isBlank(code: number): boolean {
  return code === SPACE || (code >= TAB && code <= RETURN && code !== NEWLINE) || code === BYTE_ORDER_MARK;
}

/** The first index at or after `at` that is not a blank; newlines are not blanks. */
export function skipBlanks(text: string, at: number): number {
  let i = at;
  while (i < text.length && isBlank(text.charCodeAt(i))) i++;
  return i;
}

/**
 * Whether only blanks and comments can stand between the start of a line and `at`. Errs towards yes: a line that merely ends a
 * comment before `at` counts.
 */
export function startsLine(text: string, at: number): boolean {
  let i = at - 1;
  while (i >= 0 && isBlank(text.charCodeAt(i))) i--;
  if (i < 0 || text.charCodeAt(i) === NEWLINE) return true;
  return text.charCodeAt(i) === SLASH && text.charCodeAt(i - 1) === STAR;
}

/** The end of the escaped newline that starts at `at` (a backslash or `??/`), or -1. Blanks may stand between the two, as gcc allows. */
function splicedTo(text: string, at: number): number {
  const length = text.charCodeAt(at) === BACKSLASH ? 1 : text.startsWith('??/', at) ? 3 : 0;
  if (length === 0) return -1;
  const end = skipBlanks(text, at + length);
  return text.charCodeAt(end) === NEWLINE ? end + 1 : -1;
}

/** The rest of the logical line from `at`: continuations joined, comments replaced by a blank, literals kept. */
export function restOfLine(text: string, at: number): string {
  const newline = text.indexOf('\n', at);
  const end = newline < 0 ? text.length : newline;
  const plain = text.slice(at, end);
  if (!plain.includes('\\') && !plain.includes('/')) return plain;
  return cleanLine(text, at);
}

function cleanLine(text: string, at: number): string {
  let cleaned = '';
  let from = at;
  let i = at;
  let literal = 0;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === NEWLINE) break;
    const spliced = code === BACKSLASH || code === QUESTION ? splicedTo(text, i) : -1;
    if (spliced >= 0) {
      cleaned += text.slice(from, i);
      i = spliced;
      from = i;
    } else if (literal !== 0) {
      if (code === BACKSLASH) i++;
      else if (code === literal) literal = 0;
      i++;
    } else if (code === SLASH && text.charCodeAt(i + 1) === STAR) {
      const close = text.indexOf('*/', i + 2);
      cleaned += text.slice(from, i) + ' ';
      i = close < 0 ? text.length : close + 2;
      from = i;
    } else if (code === SLASH && text.charCodeAt(i + 1) === SLASH) {
      break;
    } else {
      if (code === QUOTE || code === APOSTROPHE) literal = code;
      i++;
    }
  }
  return cleaned + text.slice(from, Math.min(i, text.length));
}
