// The criteria language, characters to tokens. Always ends with an `end` token, so the parser needs no bounds.
import { err, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { UNITS } from './vocabulary.ts';

export type Token = { readonly position: number } & (
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'symbol'; readonly text: string }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number; readonly unit: string }
  | { readonly kind: 'end' }
);

const SPACE = /\s+/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y;
const NUMBER = /-?(?:\d+(?:\.\d+)?|\.\d+)/y;
const UNIT = /[ \t]*([A-Za-z]+|%)/y;
const TEXT = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/y;
const SYMBOL = /&&|\|\||==|!=|<=|>=|[<>!()[\],]/y;

/** Splits `text` into tokens; refuses what begins none. */
export function readTokens(text: string): Result<Token[], { position: number; message: string }> {
  const tokens: Token[] = [];
  let position = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    return pattern.exec(text);
  };
  for (;;) {
    position += match(SPACE)?.[0].length ?? 0;
    if (position >= text.length) break;
    const word = match(WORD);
    const number = match(NUMBER);
    const quoted = match(TEXT);
    const symbol = match(SYMBOL);
    if (word !== null) {
      tokens.push({ kind: 'word', text: word[0], position });
      position += word[0].length;
    } else if (number !== null) {
      const begin = position;
      position += number[0].length;
      const unit = match(UNIT);
      const name = unit?.[1] ?? '';
      const glued = unit !== null && unit[0] === name;
      const known = Object.hasOwn(UNITS, name);
      if (glued && !known) {
        const units = Object.keys(UNITS).join(' ');
        return err({ position, message: `"${name}" is not a known unit: known are ${units}` });
      }
      if (unit !== null && known) position += unit[0].length;
      tokens.push({ kind: 'number', value: Number(number[0]), unit: known ? name : '', position: begin });
    } else if (quoted !== null) {
      const value = (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1');
      tokens.push({ kind: 'text', value, position });
      position += quoted[0].length;
    } else if (symbol !== null) {
      tokens.push({ kind: 'symbol', text: symbol[0], position });
      position += symbol[0].length;
    } else {
      return err({ position, message: unreadable(text[position] ?? '') });
    }
  }
  tokens.push({ kind: 'end', position: text.length });
  return ok(tokens);
}

function unreadable(character: string): string {
  if (character === '"' || character === "'") return `the text that begins here has no closing ${character}`;
  if (character === '=') return '"=" is not a comparison: use ==';
  if (character === '&') return '"&" joins nothing: use &&';
  if (character === '|') return '"|" joins nothing: use ||';
  return `${JSON.stringify(character)} has no meaning here`;
}
