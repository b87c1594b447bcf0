// Which classes of tasks this worker can take, and why not: criteria against its own facts, and its compiler against
// the announced one. Answers about compilers are kept, because comparing means reading a hundred megabytes.
import { evaluate } from '../criteria/evaluate.ts';
import type { Facts } from '../criteria/evaluate.ts';
import { parseCriteria } from '../criteria/parse.ts';
import type { Criteria, CriteriaError } from '../criteria/parse.ts';
import type { Result } from '../../base/result.ts';
import type { TaskClass, ToolchainRef } from '../types.ts';
import {
  CRITERIA_MAX,
  HELD_MAX,
  TOOLCHAIN_ANSWER_MS,
  TOOLCHAIN_DIFFERENT_FOR_MS,
  TOOLCHAIN_SAME_FOR_MS,
  TOOLCHAINS_MAX,
} from './limits.ts';

export type Eligibility =
  | { readonly is: 'able' }
  /** The compiler is being compared; the answer comes as an event. */
  | { readonly is: 'asking' }
  | { readonly is: 'unable'; readonly remark: string };

interface Answer {
  state: 'asked' | 'same' | 'different';
  label: string;
  at: number;
}

export class Eligible {
  readonly #toolchains = new Map<string, Answer>();
  readonly #criteria = new Map<string, Result<Criteria, CriteriaError>>();

  /** `ask` is called when the compiler must be compared (again). */
  judge(taskClass: TaskClass, facts: Facts, now: number, ask: (toolchain: ToolchainRef) => void): Eligibility {
    const parsed = this.#parse(taskClass.criteria);
    if (!parsed.ok) {
      const { position, message } = parsed.error;
      return { is: 'unable', remark: `criteria cannot be read at character ${position + 1}: ${message}` };
    }
    const verdict = evaluate(parsed.value, facts);
    if (!verdict.pass) return { is: 'unable', remark: verdict.failed };
    if (taskClass.toolchain === null) return { is: 'able' };
    return this.#judgeToolchain(taskClass.toolchain, now, ask);
  }

  answer(digest: string, same: boolean, label: string, now: number): void {
    this.#toolchains.set(digest, { state: same ? 'same' : 'different', label, at: now });
  }

  /** Digests of the compilers that are the same here, those judged last first; a few. */
  held(): string[] {
    const same: string[] = [];
    for (const [digest, answer] of this.#toolchains) if (answer.state === 'same') same.push(digest);
    return same.slice(-HELD_MAX).reverse();
  }

  #judgeToolchain(toolchain: ToolchainRef, now: number, ask: (toolchain: ToolchainRef) => void): Eligibility {
    const known = this.#toolchains.get(toolchain.digest);
    if (known === undefined || now - known.at >= lifetime(known.state)) {
      // A known answer stays in force while it is checked again.
      const asked: Answer = { state: known?.state ?? 'asked', label: known?.label ?? '', at: now };
      this.#toolchains.delete(toolchain.digest);
      if (this.#toolchains.size >= TOOLCHAINS_MAX)
        for (const [oldest] of [...this.#toolchains].slice(0, 1)) this.#toolchains.delete(oldest);
      this.#toolchains.set(toolchain.digest, asked);
      ask(toolchain);
    }
    const answer = this.#toolchains.get(toolchain.digest);
    if (answer === undefined || answer.state === 'asked') return { is: 'asking' };
    if (answer.state === 'same') return { is: 'able' };
    return { is: 'unable', remark: toolchainRemark(answer.label, toolchain) };
  }

  #parse(text: string): Result<Criteria, CriteriaError> {
    let parsed = this.#criteria.get(text);
    if (parsed === undefined) {
      if (this.#criteria.size >= CRITERIA_MAX) this.#criteria.clear();
      parsed = parseCriteria(text);
      this.#criteria.set(text, parsed);
    }
    return parsed;
  }
}

function lifetime(state: Answer['state']): number {
  switch (state) {
    case 'asked':
      return TOOLCHAIN_ANSWER_MS;
    case 'same':
      return TOOLCHAIN_SAME_FOR_MS;
    case 'different':
      return TOOLCHAIN_DIFFERENT_FOR_MS;
  }
}

/** «g++ 12.3.0 there, 12.2.0 here», read by the delegator's user: the worker is there. */
export function toolchainRemark(there: string, announced: ToolchainRef): string {
  const here = announced.label;
  if (there === '') return `no ${announced.path} there, ${here} here`;
  if (there === here) return `${here} there has other files than the one here`;
  const a = there.split(' ');
  const b = here.split(' ');
  while (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-1)) {
    a.pop();
    b.pop();
  }
  let shared = 0;
  while (shared < b.length - 1 && a[shared] === b[shared]) shared += 1;
  return `${a.join(' ')} there, ${b.slice(shared).join(' ')} here`;
}
