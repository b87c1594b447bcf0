// What one file's text can pull in, whatever the conditionals around it say: one pass over its `#` signs, a few substring
// searches for the rest. Wrong in one direction only: text in comments, strings and dead branches counts too.
import type { Directive, ParsedFile } from '../types.ts';
import { findAssemblerNames } from './assembler.ts';
import { copyOf, internDirective } from './intern.ts';
import { restOfLine, skipBlanks, startsLine } from './lines.ts';

const NO_MACROS: ReadonlyMap<string, readonly string[]> = new Map();
const NO_NAMES: readonly string[] = [];

const INCLUDES: ReadonlyMap<string, { readonly next: boolean }> = new Map([
  ['include', { next: false }],
  ['include_next', { next: true }],
  ['import', { next: false }],
  ['embed', { next: false }],
]);

interface Findings {
  readonly directives: Set<Directive>;
  readonly macros: Map<string, string[]>;
  readonly lineFiles: Set<string>;
}

/** Finds everything in `text` that can name another file. Never fails: text that is no program simply names nothing. */
export function parseDirectives(text: string): ParsedFile {
  const found: Findings = { directives: new Set(), macros: new Map(), lineFiles: new Set() };
  for (const sign of ['#', '%:', '??=']) {
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
      if (startsLine(text, at)) parseDirective(text, at + sign.length, found);
    }
  }
  // Each text is searched for all of these, and a search is quick when its first letter is rare.
  if (text.includes('has_')) findExistenceTests(text, found);
  const comparesTimes = text.includes('GCC') && text.includes('dependency') && findDependencyPragmas(text, found);
  const hasTime = text.includes('TIME');
  const assembler = findAssemblerNames(text);
  return {
    directives: [...found.directives],
    headerMacros: found.macros.size === 0 ? NO_MACROS : found.macros,
    usesTimestamp: hasTime && text.includes('__TIMESTAMP__'),
    comparesTimes,
    usesDate: (hasTime && text.includes('__TIME__')) || (text.includes('DATE__') && text.includes('__DATE__')),
    assemblerFiles: assembler.files,
    hasAssemblerIncludes: assembler.unknown,
    lineFiles: found.lineFiles.size === 0 ? NO_NAMES : [...found.lineFiles],
  };
}

function parseDirective(text: string, at: number, found: Findings): void {
  const start = skipBlanks(text, at);
  const end = endOfWord(text, start);
  const stopped = text.charCodeAt(end);
  if (stopped === 92 /* \ */ || stopped === 47 /* / */ || stopped === 63 /* ? */) {
    // A continuation or a comment in or after the directive's own name: rare, so read it from a cleaned copy.
    const line = restOfLine(text, start);
    const from = skipBlanks(line, 0);
    const to = endOfWord(line, from);
    parseKeyword(line.slice(from, to), line, to, found);
    return;
  }
  parseKeyword(text.slice(start, end), text, end, found);
}

/** Handles the directive `keyword`, whose operands start at `at`. */
function parseKeyword(keyword: string, text: string, at: number, found: Findings): void {
  const include = INCLUDES.get(keyword);
  if (include !== undefined) {
    const directive = parseOperand(text, at, include.next);
    if (directive !== null) found.directives.add(directive);
  } else if (keyword === 'define') {
    parseDefine(text, at, found.macros);
  } else if (keyword === 'if' || keyword === 'elif') {
    parseCondition(restOfLine(text, at), found.directives);
  } else if (keyword === 'line' || keyword === '') {
    parseLineMarker(text, at, found.lineFiles);
  }
}

function endOfWord(text: string, at: number): number {
  let i = at;
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 97 && code <= 122) || code === 95)) break;
  }
  return i;
}

function parseOperand(text: string, at: number, next: boolean): Directive | null {
  return parseHeaderName(text, skipBlanks(text, at), next) ?? parseCleanedOperand(restOfLine(text, at).trim(), next);
}

function parseCleanedOperand(operand: string, next: boolean): Directive | null {
  const named = parseHeaderName(operand, 0, next);
  if (named !== null) return named;
  return /^[A-Za-z_$\u0080-\uffff]/.test(operand) ? internDirective('computed', operand, next) : null;
}

/** `"name"` or `<name>` at exactly `at`, closed on the same physical line. */
function parseHeaderName(text: string, at: number, next: boolean): Directive | null {
  const open = text[at];
  if (open !== '"' && open !== '<') return null;
  const newline = text.indexOf('\n', at);
  const line = text.slice(at + 1, newline < 0 ? text.length : newline);
  const close = line.indexOf(open === '<' ? '>' : '"');
  if (close <= 0) return null;
  return internDirective(open === '<' ? 'angle' : 'quote', line.slice(0, close), next);
}

/** The header that a computed include's expansion or a -D value spells out, or null. */
export function directiveOfExpansion(expansion: string, next: boolean): Directive | null {
  const directive = parseHeaderName(expansion, 0, next);
  return directive === null || directive.form === 'computed' ? null : directive;
}

const MACRO_VALUE = /^(?:"[^"]+"|<[^>]+>|[A-Za-z_$][\w$]*(?:\s*\(.*\))?)/;

/**
 * The part of an object-like macro's value that could come to name a header: a header name, a macro, a call of one. Null when it
 * cannot: more tokens follow a name, or it is a number or an expression.
 */
export function headerValueOf(value: string): string | null {
  const trimmed = value.trim();
  const match = MACRO_VALUE.exec(trimmed);
  if (match === null) return null;
  const isHeader = trimmed.startsWith('"') || trimmed.startsWith('<');
  return isHeader || match[0].length === trimmed.length ? match[0] : null;
}

function parseDefine(text: string, at: number, macros: Map<string, string[]>): void {
  const start = skipBlanks(text, at);
  let end = start;
  while (end < text.length && isNameCode(text.charCodeAt(end))) end++;
  const after = text.charCodeAt(end);
  if (end === start && at > 0 && '\\/?'.includes(text.charAt(start))) {
    // A continuation or a comment before the name.
    parseDefine(restOfLine(text, at), 0, macros);
    return;
  }
  if (end === start || after === 40 /* ( */) return;
  if (!mayNameHeader(text, skipBlanks(text, end))) return;
  const value = headerValueOf(restOfLine(text, end));
  if (value === null) return;
  const name = copyOf(text.slice(start, end));
  const values = macros.get(name);
  const copy = copyOf(value);
  if (values === undefined) macros.set(name, [copy]);
  else if (!values.includes(copy)) values.push(copy);
}

/** Most macros are numbers, expressions, several words, or empty: leaves before any text is copied. */
function mayNameHeader(text: string, at: number): boolean {
  const first = text.charCodeAt(at);
  if (!isNameCode(first)) return '"<\\/?'.includes(text.charAt(at)) && at < text.length;
  if (first >= 48 && first <= 57) return false;
  let end = at + 1;
  while (end < text.length && isNameCode(text.charCodeAt(end))) end++;
  end = skipBlanks(text, end);
  // A name alone, a call, or what a comment or a continuation hides.
  return end >= text.length || '\n(\\/?'.includes(text.charAt(end));
}

function isNameCode(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 95 ||
    code === 36 ||
    code > 127
  );
}

/** In a condition only an existence test, or a macro that stands for one, has `(<` or `("`. */
function parseCondition(condition: string, directives: Set<Directive>): void {
  if (!condition.includes('(')) return;
  for (const match of condition.matchAll(/(\w+)\s*\(\s*(?:<([^>]+)>|"([^"]+)"|([A-Za-z_$][\w$]*))/g)) {
    const [, tester = '', angle, quote, macro] = match;
    const next = tester.startsWith('__has_include_next');
    if (angle !== undefined) directives.add(internDirective('angle', angle, next));
    else if (quote !== undefined) directives.add(internDirective('quote', quote, next));
    else if (macro !== undefined && /^__has_(?:include|embed)/.test(tester)) {
      directives.add(internDirective('computed', macro, next));
    }
  }
}

/** Tests outside of conditions: `#define HAVE_X __has_include(<x.h>)`. */
function findExistenceTests(text: string, found: Findings): void {
  for (const match of text.matchAll(
    /__has_(include_next|include|embed)[_\s\\]*\([\s\\]*(?:<([^>\n]+)>|"([^"\n]+)")/g,
  )) {
    const [, what, angle, quote] = match;
    const next = what === 'include_next';
    if (angle !== undefined) found.directives.add(internDirective('angle', angle, next));
    else if (quote !== undefined) found.directives.add(internDirective('quote', quote, next));
  }
}

/** `#pragma GCC dependency "x"` and `_Pragma("GCC dependency \"x\"")`: the compiler compares the two files' times. */
function findDependencyPragmas(text: string, found: Findings): boolean {
  let any = false;
  for (const match of text.matchAll(/\bGCC[ \t]+dependency[ \t]*\\?(?:"([^"\\\n]+)|<([^>\n]+)>)/g)) {
    const [, quote, angle] = match;
    any = true;
    if (angle !== undefined) found.directives.add(internDirective('angle', angle, false));
    else if (quote !== undefined) found.directives.add(internDirective('quote', quote, false));
  }
  return any;
}

/** `#line 7 "name"` and `# 7 "name"`. */
function parseLineMarker(text: string, at: number, lineFiles: Set<string>): void {
  const start = skipBlanks(text, at);
  const code = text.charCodeAt(start);
  if (!isNameCode(code)) return;
  const newline = text.indexOf('\n', start);
  const match = /"((?:[^"\\]|\\.)+)"/.exec(text.slice(start, newline < 0 ? text.length : newline));
  const name = match?.[1];
  if (name !== undefined && !name.startsWith('<')) lineFiles.add(copyOf(name.replaceAll(/\\(.)/g, '$1')));
}
