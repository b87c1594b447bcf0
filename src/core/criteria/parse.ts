// The criteria language, text to tree: comparisons of names and literals under && || ! and parentheses.
// What cannot be right (a misspelt name, a missing unit, text against a number) is refused here, with its position.
import { err, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { readTokens } from './tokens.ts';
import type { Token } from './tokens.ts';
import { EXAMPLES, NAMES, nearestName, UNITS } from './vocabulary.ts';
import type { Measure } from './vocabulary.ts';

export type Comparator = '==' | '!=' | '<' | '<=' | '>' | '>=';

export type Criteria =
  | { readonly op: 'true' }
  | { readonly op: 'and' | 'or'; readonly left: Criteria; readonly right: Criteria }
  | { readonly op: 'not'; readonly inner: Criteria }
  | { readonly op: 'compare'; readonly left: Operand; readonly comparator: Comparator; readonly right: Operand }
  | { readonly op: 'in'; readonly left: Operand; readonly list: readonly Operand[] };

export type Operand =
  | { readonly is: 'name'; readonly name: string; readonly measure: Measure }
  | { readonly is: 'value'; readonly value: string | number; readonly measure: Measure };

export interface CriteriaError {
  /** Characters from the start of the text, from 0. */
  readonly position: number;
  readonly message: string;
}

const LENGTH_MAX = 2000;
const NESTING_MAX = 50;

/** Reads an expression; empty text is the criteria that everything meets. */
export function parseCriteria(text: string): Result<Criteria, CriteriaError> {
  if (text.length > LENGTH_MAX) {
    return err({ position: LENGTH_MAX, message: `longer than ${LENGTH_MAX} characters: shorten the expression` });
  }
  const tokens = readTokens(text);
  if (!tokens.ok) return tokens;
  if (tokens.value.length === 1) return ok({ op: 'true' });
  const parser = new Parser(tokens.value);
  const criteria = parser.either(0);
  if (!criteria.ok) return criteria;
  const rest = parser.next();
  if (rest.kind !== 'end')
    return refuse(rest, `${describe(rest)} is not expected here: join comparisons with && or ||`);
  return criteria;
}

type Parsed<T> = Result<T, CriteriaError>;

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  next(): Token {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token;
    this.#at += 1;
    return token;
  }

  either(depth: number): Parsed<Criteria> {
    return this.#chain('||', 'or', () => this.#both(depth));
  }

  #both(depth: number): Parsed<Criteria> {
    return this.#chain('&&', 'and', () => this.#single(depth));
  }

  #chain(symbol: string, op: 'and' | 'or', part: () => Parsed<Criteria>): Parsed<Criteria> {
    let left = part();
    while (left.ok && this.#takeSymbol(symbol)) {
      const right = part();
      if (!right.ok) return right;
      left = ok({ op, left: left.value, right: right.value });
    }
    return left;
  }

  #single(depth: number): Parsed<Criteria> {
    const token = this.#peek();
    if (depth > NESTING_MAX) return refuse(token, `nested deeper than ${NESTING_MAX} levels`);
    if (this.#takeSymbol('!')) {
      const inner = this.#single(depth + 1);
      return inner.ok ? ok({ op: 'not', inner: inner.value }) : inner;
    }
    if (this.#takeSymbol('(')) {
      const inner = this.either(depth + 1);
      if (!inner.ok) return inner;
      return this.#takeSymbol(')') ? inner : refuse(this.#peek(), `a ")" is missing before ${describe(this.#peek())}`);
    }
    return this.#comparison();
  }

  #comparison(): Parsed<Criteria> {
    const left = this.#operand();
    if (!left.ok) return left;
    const token = this.next();
    if (token.kind === 'word' && token.text === 'in') return this.#membership(left.value, token);
    if (token.kind !== 'symbol' || !isComparator(token.text)) {
      return refuse(token, `a comparison (== != < <= > >= in) is expected, not ${describe(token)}`);
    }
    const rightToken = this.#peek();
    const right = this.#operand();
    if (!right.ok) return right;
    const pair = agree(left.value, right.value, rightToken);
    if (!pair.ok) return pair;
    const [a, b] = pair.value;
    const ordered = token.text !== '==' && token.text !== '!=';
    if (ordered && a.measure === 'text')
      return refuse(token, `"${token.text}" does not compare text: use ==, != or in`);
    return ok({ op: 'compare', left: a, comparator: token.text, right: b });
  }

  #membership(left: Operand, at: Token): Parsed<Criteria> {
    if (left.is !== 'name') return refuse(at, '"in" needs a name on its left, as in site in ["berlin", "paris"]');
    if (!this.#takeSymbol('[')) return refuse(this.#peek(), 'a list is expected after "in", as in ["berlin", "paris"]');
    const list: Operand[] = [];
    do {
      const token = this.#peek();
      const item = this.#operand();
      if (!item.ok) return item;
      if (item.value.is === 'name') return refuse(token, 'a list holds values, not names: put text in quotes');
      const pair = agree(left, item.value, token);
      if (!pair.ok) return pair;
      list.push(pair.value[1]);
    } while (this.#takeSymbol(','));
    if (!this.#takeSymbol(']')) return refuse(this.#peek(), `a "]" or "," is missing before ${describe(this.#peek())}`);
    return ok({ op: 'in', left, list });
  }

  #operand(): Parsed<Operand> {
    const token = this.next();
    switch (token.kind) {
      case 'text':
        return ok({ is: 'value', value: token.value, measure: 'text' });
      case 'number': {
        const unit = UNITS[token.unit];
        return ok({ is: 'value', value: token.value * (unit?.factor ?? 1), measure: unit?.measure ?? 'count' });
      }
      case 'word': {
        const measure = Object.hasOwn(NAMES, token.text) ? NAMES[token.text] : undefined;
        if (measure !== undefined) return ok({ is: 'name', name: token.text, measure });
        const near = nearestName(token.text);
        const hint = near === null ? `known are ${Object.keys(NAMES).sort().join(', ')}` : `did you mean ${near}?`;
        return refuse(token, `"${token.text}" is not a known name: ${hint} (text goes in quotes)`);
      }
      case 'symbol':
      case 'end':
        return refuse(token, `a name or a value is expected, not ${describe(token)}`);
    }
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token;
  }

  #takeSymbol(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'symbol' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }
}

/** Makes two sides comparable, or says why they are not. At least one side must be a name. */
function agree(left: Operand, right: Operand, at: Token): Parsed<readonly [Operand, Operand]> {
  if (left.is === 'value' && right.is === 'value') {
    return refuse(at, 'neither side is a name: a comparison asks something of the worker');
  }
  const asked = left.is === 'name' ? left : right;
  const a = convert(left, asked.measure);
  const b = convert(right, asked.measure);
  if (a !== null && b !== null) return ok([a, b]);
  const other = asked === left ? right : left;
  const name = asked.is === 'name' ? asked.name : '';
  const what = other.is === 'name' ? `${other.name}, which is ${kindOf(other.measure)}` : kindOf(other.measure);
  const advice = ['bytes', 'duration'].includes(asked.measure) && other.measure === 'count' ? 'write a unit' : 'write';
  return refuse(
    at,
    `${name} is ${kindOf(asked.measure)} and cannot be compared with ${what}: ${advice}, as in ${EXAMPLES[asked.measure]}`,
  );
}

/** The operand in the asked measure, or null. A plain number serves where no unit could be mistaken. */
function convert(operand: Operand, measure: Measure): Operand | null {
  if (operand.measure === measure) return operand;
  if (operand.is === 'name' || typeof operand.value === 'string') return null;
  const unitless = measure === 'frequency' || measure === 'ratio' || measure === 'percent';
  if (operand.measure === 'count' && (unitless || (operand.value === 0 && measure !== 'text'))) {
    return { ...operand, measure };
  }
  if (operand.measure === 'percent' && measure === 'ratio') return { ...operand, value: operand.value / 100, measure };
  return null;
}

function kindOf(measure: Measure): string {
  switch (measure) {
    case 'text':
      return 'text';
    case 'bytes':
      return 'a number of bytes';
    case 'duration':
      return 'a duration';
    case 'frequency':
      return 'a frequency';
    case 'ratio':
    case 'count':
      return 'a number';
    case 'percent':
      return 'a percentage';
  }
}

function isComparator(text: string): text is Comparator {
  return ['==', '!=', '<', '<=', '>', '>='].includes(text);
}

function describe(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end';
    case 'text':
      return JSON.stringify(token.value);
    case 'number':
      return `${token.value}${token.unit}`;
    case 'word':
    case 'symbol':
      return `"${token.text}"`;
  }
}

function refuse(token: Token, message: string): { readonly ok: false; readonly error: CriteriaError } {
  return err({ position: token.position, message });
}
