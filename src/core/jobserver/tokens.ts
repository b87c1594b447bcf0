// How many jobs make may run at a time: more than the farm has slots for, so that the delegator can choose, fewer when machines
// leave, and fewer when this machine itself is drowning in what cannot travel (links, generators, tests).

export interface JobsReading {
  /** Slots that take this machine's tasks now: its own and those of the machines that are there. */
  readonly slots: number;
  /** Processes on this machine that run or could. */
  readonly runnable: number;
  /** Available memory over all, 0 to 1. */
  readonly memFreeShare: number;
}

/** A launcher that waits costs next to nothing, but make's own table and the agent's have ends. */
const JOBS_MAX = 400;
/** More than so many runnable processes per core, twice in a row, and this machine is no longer usable. */
const RUNNABLE_PER_CORE = 4;
const MEM_FREE_MIN = 0.06;
const BACK_OFF = 0.7;
const RECOVER = 0.15;

/** More jobs than slots let the delegator choose; see bench.md's table: with twice the slots the tail nearly vanishes. */
export function chooseJobs(slots: number, cores: number): number {
  return slots <= cores ? cores + 1 : Math.min(JOBS_MAX, 2 * slots + cores);
}

/**
 * The number of jobs over the time of a build. It follows the slots at once, up and down; when this machine is pressed it backs
 * off by a third at a time, never below one job per core and one, and comes back slowly (additive increase of a share,
 * multiplicative decrease, as TCP does it).
 */
export class JobTokens {
  readonly #cores: number;
  #ceiling = JOBS_MAX;
  #pressed = 0;
  #jobs: number;

  constructor(cores: number, slots: number) {
    this.#cores = cores;
    this.#jobs = chooseJobs(slots, cores);
  }

  get jobs(): number {
    return this.#jobs;
  }

  /** Takes in a reading (one every quarter of a second or so); gives the jobs that may run from now on. */
  read(reading: JobsReading): number {
    const floor = this.#cores + 1;
    const wanted = chooseJobs(reading.slots, this.#cores);
    this.#pressed = reading.runnable > RUNNABLE_PER_CORE * this.#cores ? this.#pressed + 1 : 0;
    if (reading.memFreeShare < MEM_FREE_MIN) {
      this.#ceiling = floor;
    } else if (this.#pressed >= 2) {
      this.#ceiling = Math.max(floor, Math.floor(BACK_OFF * Math.min(this.#ceiling, this.#jobs)));
    } else if (this.#pressed === 0) {
      this.#ceiling = Math.min(JOBS_MAX, this.#ceiling + Math.max(1, Math.floor(RECOVER * this.#ceiling)));
    }
    this.#jobs = Math.min(wanted, this.#ceiling);
    return this.#jobs;
  }
}
