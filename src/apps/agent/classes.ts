// Of which kind a compile is, and of which class: what it is remembered under, and what it asks of a machine.
import { createHash } from 'node:crypto';
import { deriveNeeds } from '../../core/record/needs.ts';
import type { PastRecord } from '../../core/record/record.ts';
import type { PolicyName } from '../../core/selection/index.ts';
import type { TaskClass } from '../../core/types.ts';
import type { CompilePlan } from '../../compiler/types.ts';
import type { ToolchainDescription } from '../../adapters/toolchain/index.ts';
import type { Wishes } from './wishes.ts';

/** What the delegator is told of a compile beside its files. */
export interface TaskTerms {
  readonly class: TaskClass;
  readonly project: string;
  readonly kind: string;
  readonly policy: PolicyName;
  /** What it will hardly pass, bytes. */
  readonly memBytes: number;
}

export interface Compile {
  readonly plan: CompilePlan;
  readonly toolchain: ToolchainDescription;
  /** Absolute path. */
  readonly compiler: string;
  readonly source: string;
  /** Size of all inputs. */
  readonly bytes: number;
}

const classesMax = 1024;
/** Until something is known of a kind: a typical C++ unit. */
const unknown = { p50Ms: 1000, p80Ms: 3000 };
const typicalBytes = 2_000_000;

export class TaskClasses {
  private readonly record: PastRecord;
  /** Whether machines say how long they will stay free. */
  private readonly forecasts: () => boolean;
  private readonly classes = new Map<string, TaskClass>();

  constructor(record: PastRecord, forecasts: () => boolean) {
    this.record = record;
    this.forecasts = forecasts;
  }

  termsOf({ plan, toolchain, compiler, source, bytes }: Compile, { project, policy, needs }: Wishes): TaskTerms {
    const kind = kindOf(plan, toolchain);
    const { criteria, memBytes } = deriveNeeds(
      this.record,
      { label: source, kind, project, bytes },
      needs,
      this.forecasts(),
    );
    return { class: this.classOf(toolchain, compiler, criteria, kind, project), project, kind, policy, memBytes };
  }

  private classOf(
    toolchain: ToolchainDescription,
    path: string,
    criteria: string,
    kind: string,
    project: string,
  ): TaskClass {
    const key = `${toolchain.digest}\0${path}\0${criteria}`;
    let known = this.classes.get(key);
    if (known === undefined) {
      const durations = this.record.knowsClass(kind, project) ? this.record.predictClass(kind, { project }) : unknown;
      known = {
        id: createHash('sha256').update(key).digest('hex').slice(0, 32),
        criteria,
        toolchain: { digest: toolchain.digest, path, label: toolchain.label },
        p50Ms: durations.p50Ms,
        p80Ms: durations.p80Ms,
        bytes: typicalBytes,
      };
      if (this.classes.size >= classesMax) this.classes.clear();
      this.classes.set(key, known);
    }
    return known;
  }
}

/** For people too: `g++ 12.2.0 x86_64-linux-gnu, c++ -O2 -g`. Options that change by how much a compile takes, not all of them. */
function kindOf(plan: CompilePlan, toolchain: ToolchainDescription): string {
  let optimisation = '-O0';
  let debug = '';
  for (const word of plan.args) {
    if (word.startsWith('-O')) optimisation = word.length > 6 ? '-O1' : word === '-O' ? '-O1' : word;
    else if (word === '-g0') debug = '';
    else if (/^-g(?:\d|gdb\d?|dwarf.*)?$/.test(word)) debug = ' -g';
  }
  return `${toolchain.label}, ${plan.sources[0].language} ${optimisation}${debug}`;
}
