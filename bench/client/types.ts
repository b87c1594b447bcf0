// What takes part in the benchmark of the client, and what it says of itself.

/** One compile, as a build tool would run it. */
export interface Unit {
  /** Absolute. */
  readonly source: string;
  /** Relative to the corpus's output directory. */
  readonly object: string;
  readonly depfile: string;
  /** The compiler's words, itself first by its name. */
  readonly argv: readonly string[];
}

/** A corpus whose every unit was compiled here once by the real compiler. */
export interface Canned {
  readonly name: string;
  /** Where the units' commands run and leave their outputs. */
  readonly outDir: string;
  /** Holds the kept outputs, by the units' relative names. */
  readonly keptDir: string;
  readonly units: readonly Unit[];
  /** Ends this process's use of the directory. */
  release(): void;
}

/** What one round of a contender took: all units of a corpus once. CPU in ms over all units. */
export interface Sample {
  readonly launcherCpuMs: number;
  /** Helpers of the client that outlive a unit: its agent, an include server, a daemon. */
  readonly agentCpuMs: number;
  /** By unit, ms. */
  readonly wallMs: readonly number[];
  /** What crossed the wire, both ways; null: not counted in this round. */
  readonly bytes: number | null;
  readonly agentRssBytes: number | null;
  /** Why the figures are not what they seem to be; empty when they are. */
  readonly faults: readonly string[];
}

export interface Contender {
  readonly who: string;
  readonly corpus: Canned;
  /** Commands at a time. */
  readonly jobs: number;
  /** Starts what the contender needs and warms it. Null: ready; else the reason why it cannot take part. */
  open(): Promise<string | null>;
  /** Outputs are gone before, and are compared after. */
  round(number: number): Promise<Sample>;
  /** Whether depfiles must be as kept, too. */
  readonly comparesDepfiles: boolean;
  close(): Promise<void>;
}

/** What every contender is given. */
export interface Bench {
  /** A directory of this run alone, removed at its end. */
  readonly scratch: string;
  /** Built here: `jobs.c`. */
  readonly jobsProgram: string;
  readonly cannedCompiler: string;
  /** The environment of every command: nobody's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Where profiles of the client's agent go; null: none are taken. */
  readonly profileDir: string | null;
  readonly log: (line: string) => void;
}
