// Replays a journal that a real agent wrote (src/apps/agent/journal.ts): the same machine is made anew from its head, is given the
// same events at the same times, and must decide the same. Where it does not, the first difference is told.
import { createHash } from 'node:crypto';
import { createPrng } from '../src/base/prng.ts';
import { err, ok, type Result } from '../src/base/result.ts';
import { Delegation } from '../src/core/delegation/delegation.ts';
import type { DelegatorOptions } from '../src/core/delegation/types.ts';
import { PastRecord } from '../src/core/record/record.ts';
import { WorkerAdmission } from '../src/core/worker/admission.ts';
import type { WorkerOptions } from '../src/core/worker/types.ts';

export interface Replayed {
  readonly role: 'delegator' | 'worker';
  readonly node: string;
  /** Steps that came out as recorded. */
  readonly steps: number;
  /** By type of event. */
  readonly events: Readonly<Record<string, number>>;
  /** Why the journal ends: `stopped`, `full`, `broke`; `cut`: nothing says so, the agent was killed. */
  readonly end: string;
  /** Null: all steps came out as recorded. */
  readonly differs: Difference | null;
}

export interface Difference {
  /** Of the journal, from 1. */
  readonly line: number;
  readonly at: number;
  readonly event: unknown;
  /** What was recorded: a digest, or what the machine threw. */
  readonly recorded: string;
  readonly replayed: string;
  readonly effects: readonly unknown[];
  /** The recorded effects themselves, where the journal has them: a simulated node's does. */
  readonly gave: readonly unknown[] | null;
}

interface Machine {
  step(event: unknown, now: number): readonly unknown[];
}

/** @returns what came of it; the error is a sentence: this is no journal, or not one that can be replayed */
export function replayJournal(text: string): Result<Replayed, string> {
  const lines = text.split('\n');
  const head = parse(lines[0] ?? '');
  if (head?.['journal'] !== 1) return err('this is no journal of version 1: its first line must say so');
  const machine = machineOf(head);
  if (machine === null) return err(`a journal of the role «${String(head['role'])}» cannot be replayed`);
  const role = head['role'] as Replayed['role'];
  const node = String(head['node']);
  const events: Record<string, number> = {};
  let steps = 0;
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    const step = parse(line);
    // A line that is no JSON is the last one of an agent that was killed while it wrote.
    if (step === null) break;
    if (typeof step['end'] === 'string') return ok({ role, node, steps, events, end: step['end'], differs: null });
    const { at, event } = step as { at: number; event: { type: string } };
    const recorded = typeof step['threw'] === 'string' ? `threw: ${step['threw']}` : String(step['effects']);
    const { replayed, effects } = tryStep(machine, event, at);
    if (replayed !== recorded) {
      const differs = {
        line: index + 1,
        at,
        event,
        recorded,
        replayed,
        effects,
        gave: Array.isArray(step['gave']) ? step['gave'] : null,
      };
      return ok({ role, node, steps, events, end: 'differs', differs });
    }
    steps += 1;
    events[event.type] = (events[event.type] ?? 0) + 1;
  }
  return ok({ role, node, steps, events, end: 'cut', differs: null });
}

function machineOf(head: Record<string, unknown>): Machine | null {
  const prng = createPrng(Number(head['seed']));
  if (head['role'] === 'worker') return new WorkerAdmission(head['options'] as WorkerOptions, prng) as Machine;
  if (head['role'] !== 'delegator') return null;
  const record = PastRecord.import(head['record'], Number(head['wallMs'] ?? 0));
  return new Delegation(head['options'] as DelegatorOptions, prng, record) as Machine;
}

function tryStep(machine: Machine, event: unknown, at: number): { replayed: string; effects: readonly unknown[] } {
  try {
    const effects = machine.step(event, at);
    return { replayed: digestOf(effects), effects };
  } catch (error) {
    return { replayed: `threw: ${(error as Error).message}`, effects: [] };
  }
}

/** What a journal keeps of a step's effects: 16 hex digits. */
export function digestOf(effects: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(effects)).digest('hex').slice(0, 16);
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
