// Which outputs are being written now, by compilers that run here or by launchers that move a result into place: of a file
// that two write at once nobody can say whose it is.

/** Until `end`. */
export interface OutputClaim {
  /** Whether anybody else has claimed one of the outputs since this claim began, or had before. */
  readonly shared: boolean;
  end(): void;
}

class Claim implements OutputClaim {
  shared = false;
  readonly #paths: readonly string[];
  readonly #holders: Map<string, Claim[]>;

  constructor(paths: readonly string[], holders: Map<string, Claim[]>) {
    this.#paths = paths;
    this.#holders = holders;
    for (const path of paths) {
      const others = holders.get(path);
      if (others === undefined) {
        holders.set(path, [this]);
        continue;
      }
      for (const other of others) if (other !== this) other.shared = this.shared = true;
      others.push(this);
    }
  }

  end(): void {
    for (const path of this.#paths) {
      const left = (this.#holders.get(path) ?? []).filter((claim) => claim !== this);
      if (left.length === 0) this.#holders.delete(path);
      else this.#holders.set(path, left);
    }
  }
}

export class OutputsInHand {
  readonly #holders = new Map<string, Claim[]>();

  /** `paths`: absolute, their directories real. */
  claim(paths: readonly string[]): OutputClaim {
    return new Claim(paths, this.#holders);
  }
}
