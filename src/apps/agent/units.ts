// What is remembered of a compile between builds: how its command was read, and, as long as nothing that it rests on changed,
// what it takes along. A unit that comes again costs a look at what is vouched for, no parse and no walk.
import type { CompilePlan, NameSpacePiece, Remembered, ScanRequest } from '../../compiler/types.ts';
import type { WatchedOver } from '../../adapters/files/vigil.ts';
import type { ToolchainDescription } from '../../adapters/toolchain/index.ts';

/** All that the unit reads, as it was when it was taken. */
export interface Taken {
  readonly fragment: NameSpacePiece;
  /** Size of all files beside the compiler's own, bytes. */
  readonly bytes: number;
  /** Where an include could have come from. */
  readonly searchDirs: readonly string[];
  /** The scan's own list, absolute: a superset of what the compiler reads. */
  readonly scanned: readonly string[];
  /** Those that no depfile names. */
  readonly unlisted: readonly string[];
  /** Whether equal inputs will give equal outputs. */
  readonly repeatable: boolean;
}

export interface Unit {
  readonly plan: CompilePlan;
  readonly toolchain: ToolchainDescription;
  readonly compiler: string;
  readonly cwd: string;
  /** Of each source. */
  readonly requests: readonly [ScanRequest, ...ScanRequest[]];
  /** Files by which the compiler finds its way. */
  readonly bearings: readonly string[];
  /** How the command was read holds for this call alone. */
  readonly passing: boolean;
  /** What the compiler listed where the scan cannot follow; null: it was not asked. */
  asked: readonly string[] | null;
  taken: WatchedOver<Taken> | null;
  /** Names the unit in the store of results; null: its results are not kept. */
  readonly storeKey: Uint8Array | null;
  /** Under which key its result was found, as long as it reads what it read. */
  hit: Remembered<Uint8Array> | null;
  /** A result that was made here is about to be kept. */
  keeping: Promise<void> | null;
}

/** What the memory of all units together may list: a file of a unit takes some 30 bytes. */
const MAX_LISTED = 1_500_000;
const MAX_UNITS = 10_000;

/** Units by their call, the ones not seen for longest forgotten first. */
export class UnitMemory {
  readonly #units = new Map<string, Unit>();
  /** Units that are in the map: others come and go without being counted. */
  readonly #members = new WeakSet<Unit>();
  #listed = 0;

  get(call: string): Unit | null {
    const unit = this.#units.get(call);
    if (unit === undefined) return null;
    this.#units.delete(call);
    this.#units.set(call, unit);
    return unit;
  }

  set(call: string, unit: Unit): void {
    this.#drop(call);
    this.#units.set(call, unit);
    this.#members.add(unit);
    this.#listed += listedBy(unit);
  }

  /** Gives a unit what was taken for it. */
  take(unit: Unit, taken: WatchedOver<Taken>): void {
    const before = listedBy(unit);
    unit.taken = taken;
    if (!this.#members.has(unit)) return;
    this.#listed += listedBy(unit) - before;
    if (this.#listed <= MAX_LISTED && this.#units.size <= MAX_UNITS) return;
    for (const call of this.#units.keys()) {
      if (this.#listed <= MAX_LISTED && this.#units.size <= MAX_UNITS) break;
      this.#drop(call);
    }
  }

  #drop(call: string): void {
    const unit = this.#units.get(call);
    if (unit === undefined) return;
    this.#units.delete(call);
    this.#members.delete(unit);
    this.#listed -= listedBy(unit);
  }
}

const listedBy = (unit: Unit): number => unit.taken?.value.fragment.files.length ?? 0;
