// One look at the disk for all units that arrive together: each of them came before it.
import type { FileCache } from '../../adapters/files/file-cache.ts';
import { Slice } from './turns.ts';

export class Moments {
  private readonly files: Pick<FileCache, 'nextMoment'>;
  private arrived: (() => void)[] = [];
  private looking = false;
  /** One of those that wait believes nothing that was seen before. */
  private anew = false;

  constructor(files: Pick<FileCache, 'nextMoment'>) {
    this.files = files;
  }

  /** What `work` gives in the next moment; `anew`: nothing that was seen before it is believed. */
  inOne<T>(work: () => T, anew = false): Promise<T> {
    return new Promise((resolve, reject) => {
      this.next(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error as Error);
        }
      }, anew);
    });
  }

  /** As `inOne`, for work that does not throw. */
  next(work: () => void, anew = false): void {
    this.arrived.push(work);
    this.anew ||= anew;
    if (this.looking) return;
    this.looking = true;
    setImmediate(() => void this.look());
  }

  private async look(): Promise<void> {
    while (this.arrived.length > 0) {
      const works = this.arrived;
      const { anew } = this;
      this.arrived = [];
      this.anew = false;
      await this.files.nextMoment({ anew });
      const slice = new Slice();
      for (const work of works) {
        // What others are kept waiting for is looked at later still than it came.
        if (slice.isOver()) await slice.nextTurn();
        work();
      }
    }
    this.looking = false;
  }
}
