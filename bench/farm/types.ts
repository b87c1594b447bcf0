// What takes part in the benchmark of the farm, and what it says of itself.
import type { Condition, Plan } from './farm-plan.ts';
import type { Hosts } from './hosts.ts';

/** The sources of a plan on the machine that builds, and the objects that must come of them. */
export interface Sources {
  /** Where the units' commands run and leave their outputs. */
  readonly outDir: string;
  /** By unit: the words after the compiler's name. */
  readonly words: readonly (readonly string[])[];
  readonly objects: readonly string[];
  /** By unit: what the object must hold. */
  readonly expected: readonly Buffer[];
}

export interface Bench {
  /** A directory of this run alone, removed at its end. */
  readonly scratch: string;
  readonly hosts: Hosts;
  /** Built here: `jobs.c`. */
  readonly jobsProgram: string;
  /** Holds `sleepcc` under the names of compilers; first in every PATH. */
  readonly compilerDir: string;
  /** The environment of every command: nobody's own. */
  readonly env: Readonly<Record<string, string>>;
  /** A build that takes longer is ended, ms. */
  readonly capMs: number;
  readonly log: (line: string) => void;
}

/** One build. Times in ms since its start. */
export interface Outcome {
  /** When the last unit ended, or the build was. */
  readonly makespanMs: number;
  /** When machines were lost; null: none were. */
  readonly lostAtMs: number | null;
  /** The longest time in which no unit ended. */
  readonly silenceMs: number;
  readonly endedAtMs: readonly number[];
  /** Units whose command failed, or that had not ended at the cap. */
  readonly failed: number;
  /** Of `failed`: the build was ended for them. */
  readonly unfinished: number;
  /** Compiles that the machine that builds did itself. */
  readonly here: number;
  /** Units that came back otherwise than the compiler makes them. */
  readonly different: number;
  /** CPU that the farm took: commands, helpers and servers. */
  readonly cpuMs: number;
  /** How busy the processors were meanwhile, 0 to 1, with whatever else runs: near 1 the figures mean nothing. */
  readonly busy: number;
  /** What the commands printed last. */
  readonly said: string;
  /** Why the figures are not what they seem to be, or what explains them; empty when nothing does. */
  readonly notes: readonly string[];
}

/** One build that a contender is asked for. */
export interface Request {
  readonly plan: Plan;
  readonly sources: Sources;
  readonly condition: Condition;
}

export interface Contender {
  /** The beginning of its rows' names, by which it is chosen. */
  readonly name: string;
  /** Null: it can take part; else the reason why it cannot. */
  open(): Promise<string | null>;
  /** The build by each way of calling it, one after the other, on a farm that is all there at the start. */
  ways(request: Request): readonly Way[];
}

/** A row of the result. */
export interface Way {
  readonly who: string;
  readonly jobs: number;
  run(): Promise<Outcome>;
}
