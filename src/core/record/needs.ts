// What a task will ask of a machine, from what its kind asked before: memory and time, as criteria and as the memory that its
// award names. In few steps (powers of two, the eight durations of offers), so that most tasks stay of one class.
import { parseCriteria } from '../criteria/parse.ts';
import type { Criteria, Operand } from '../criteria/parse.ts';
import type { PastRecord } from './record.ts';

export interface TaskKey {
  readonly label: string;
  readonly kind: string;
  readonly project: string;
  /** Size of all inputs. */
  readonly bytes: number;
}

export interface DerivedNeeds {
  /** The given criteria and what was derived. */
  readonly criteria: string;
  readonly memBytes: number;
}

const MIB = 1024 ** 2;
/** Of a task of which nothing is known; what needs no more asks for nothing. */
const MEM_ORDINARY = 512 * MIB;
const MEM_MIN = 128 * MIB;
const MEM_MAX = 64 * 1024 * MIB;
/** Inputs grow, and the peak is measured by looking now and then. */
const MEM_MARGIN = 1.25;
/** Shorter tasks are done before an owner comes back, as far as offers can tell. */
const LONG_MS = 60_000;
/** The durations of which offers speak, minutes. */
const FREE_FOR_MINUTES = [1, 5, 15, 30, 60, 120, 240, 480] as const;

/**
 * @param needs criteria of the user; what they say of memory or of time is not added to
 * @param forecasts whether machines say how long they will stay free
 */
export function deriveNeeds(record: PastRecord, task: TaskKey, needs: string, forecasts: boolean): DerivedNeeds {
  const { label, kind } = task;
  const said = namesIn(needs);
  const past = record.memory(label, kind, task);
  const memBytes = past === null ? MEM_ORDINARY : Math.min(MEM_MAX, Math.max(MEM_MIN, powerOfTwo(past * MEM_MARGIN)));
  const plain = needs.replace(/[\n\r\t]+\s*/g, ' ').trim();
  const parts = plain === '' ? [] : [plain];
  if (memBytes > MEM_ORDINARY && !said.has('mem.free')) parts.push(`mem.free >= ${memBytes / MIB}MiB`);
  const minutes = forecasts && !said.has('free.for') ? freeForMinutes(record, task) : null;
  if (minutes !== null) parts.push(`free.for >= ${minutes}m`);
  return { criteria: parts.length === 1 ? (parts[0] ?? '') : parts.map(inBrackets).join(' && '), memBytes };
}

/** Null: the task is short, or nobody knows. */
function freeForMinutes(record: PastRecord, { label, kind, project, bytes }: TaskKey): number | null {
  const past = record.predict(label, kind, { project, bytes });
  if (!past.known && !record.knowsClass(kind, project)) return null;
  if (past.p80Ms < LONG_MS) return null;
  // Rounded up, a task of eight minutes would want a quarter of an hour: where only habits are known hardly any machine says so, and
  // builds take longer than if nothing were asked (npm run sim -- evictions). How likely the rest is, the choice weighs.
  return FREE_FOR_MINUTES.findLast((minutes) => minutes * 60_000 <= past.p80Ms) ?? FREE_FOR_MINUTES[0];
}

function powerOfTwo(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}

/** A part that holds || must not mix with what it is joined to. */
function inBrackets(part: string): string {
  return part.includes('||') ? `(${part})` : part;
}

/** Names that criteria ask about; none when they cannot be read. */
function namesIn(text: string): Set<string> {
  const names = new Set<string>();
  const parsed = text === '' ? null : parseCriteria(text);
  if (parsed?.ok === true) collect(parsed.value, names);
  return names;
}

function collect(criteria: Criteria, names: Set<string>): void {
  const note = (operand: Operand): void => void (operand.is === 'name' && names.add(operand.name));
  switch (criteria.op) {
    case 'true':
      return;
    case 'not':
      return collect(criteria.inner, names);
    case 'and':
    case 'or':
      collect(criteria.left, names);
      return collect(criteria.right, names);
    case 'compare':
      note(criteria.left);
      return note(criteria.right);
    case 'in':
      return note(criteria.left);
  }
}
