// Criteria against what a worker knows of itself. The answer «no» comes with the reason in words, because «why does
// nobody take my task?» is the first question that a user asks. What is not known is never met, nor is its contrary.
import type { Comparator, Criteria, Operand } from './parse.ts';
import { inWords } from './vocabulary.ts';

/** By the names of vocabulary.ts; bytes, milliseconds, GHz, percent. A missing name: not known here. */
export type Facts = ReadonlyMap<string, string | number>;

export interface Verdict {
  readonly pass: boolean;
  /** The first comparison that fails, as `mem.free 1.2 GiB, at least 2 GiB wanted`; empty when all pass. */
  readonly failed: string;
}

const PASS: Verdict = { pass: true, failed: '' };

export function evaluate(criteria: Criteria, facts: Facts): Verdict {
  return judge(criteria, facts, false);
}

/** `negated`: an odd number of ! stands above; it is carried down to the comparisons, so that words stay exact. */
function judge(criteria: Criteria, facts: Facts, negated: boolean): Verdict {
  switch (criteria.op) {
    case 'true':
      return negated ? { pass: false, failed: 'nothing wanted' } : PASS;
    case 'not':
      return judge(criteria.inner, facts, !negated);
    case 'and':
    case 'or': {
      const all = (criteria.op === 'and') !== negated;
      const left = judge(criteria.left, facts, negated);
      if (left.pass !== all) return left;
      const right = judge(criteria.right, facts, negated);
      if (right.pass || all) return right;
      return { pass: false, failed: `${left.failed}; ${right.failed}` };
    }
    case 'compare':
      return compare(criteria.left, criteria.comparator, criteria.right, facts, negated);
    case 'in':
      return contains(criteria.left, criteria.list, facts, negated);
  }
}

const OPPOSITE: Readonly<Record<Comparator, Comparator>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
};

/** The same comparison with its sides swapped. */
const MIRRORED: Readonly<Record<Comparator, Comparator>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '>=': '<=',
  '>': '<',
  '<=': '>=',
};

const WANTED: Readonly<Record<Comparator, string>> = {
  '==': '',
  '!=': 'anything but ',
  '<': 'less than ',
  '<=': 'at most ',
  '>': 'more than ',
  '>=': 'at least ',
};

function compare(left: Operand, comparator: Comparator, right: Operand, facts: Facts, negated: boolean): Verdict {
  const asked = negated ? OPPOSITE[comparator] : comparator;
  const a = valueOf(left, facts);
  const b = valueOf(right, facts);
  if (a !== undefined && b !== undefined && holds(a, asked, b)) return PASS;
  if (left.is === 'name') return fail(left, a, `${WANTED[asked]}${words(right, b)} wanted`);
  return fail(right, b, `${WANTED[MIRRORED[asked]]}${words(left, a)} wanted`);
}

function contains(left: Operand, list: readonly Operand[], facts: Facts, negated: boolean): Verdict {
  const value = valueOf(left, facts);
  const found = list.some((item) => valueOf(item, facts) === value);
  if (value !== undefined && found !== negated) return PASS;
  const items = list.map((item) => words(item, valueOf(item, facts))).join(', ');
  return fail(left, value, negated ? `none of ${items} wanted` : `one of ${items} wanted`);
}

function fail(operand: Operand, value: string | number | undefined, wanted: string): Verdict {
  const name = operand.is === 'name' ? operand.name : '';
  const known = value === undefined ? 'is not known here' : inWords(value, operand.measure);
  return { pass: false, failed: `${name} ${known}, ${wanted}` };
}

/** A value in words; a name with its value, so that both sides of `mem.free < mem.total` show. */
function words(operand: Operand, value: string | number | undefined): string {
  if (operand.is === 'name')
    return value === undefined ? operand.name : `${operand.name} ${inWords(value, operand.measure)}`;
  return inWords(operand.value, operand.measure);
}

function valueOf(operand: Operand, facts: Facts): string | number | undefined {
  return operand.is === 'value' ? operand.value : facts.get(operand.name);
}

function holds(a: string | number, comparator: Comparator, b: string | number): boolean {
  switch (comparator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}
