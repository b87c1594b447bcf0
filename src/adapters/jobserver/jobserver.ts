// A GNU make jobserver whose number of jobs may change while make runs: a named pipe that holds one byte for each job that may
// start (make's manual, «POSIX Jobserver Interaction»). make itself always has one job more than there are bytes.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';

/** How a version of make is told of a jobserver: not at all, by inherited descriptors (from 4.2 on), by a path (4.4). */
export type JobserverForm = 'none' | 'pipe' | 'fifo';

/** What the make of that path understands; `none` when it is no GNU make. Costs one `make --version`. */
export function jobserverForm(make: string): JobserverForm {
  let text: string;
  try {
    text = execFileSync(make, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 5000 });
  } catch {
    return 'none';
  }
  return formOf(text);
}

/** The same from what `make --version` printed. */
export function formOf(versionText: string): JobserverForm {
  const [, major = '0', minor = '0'] = /^GNU Make (\d+)\.(\d+)/m.exec(versionText) ?? [];
  const version = Number(major) * 1000 + Number(minor);
  return version >= 4004 ? 'fifo' : version >= 4002 ? 'pipe' : 'none';
}

export class Jobserver {
  readonly path: string;
  readonly #own: number;
  /** Ends of the pipe for a child to inherit, for the form that needs them. */
  readonly readEnd: number;
  readonly writeEnd: number;
  /** Bytes that exist: in the pipe or held by a job. */
  #issued = 0;

  private constructor(path: string, own: number, readEnd: number, writeEnd: number) {
    this.path = path;
    this.#own = own;
    this.readEnd = readEnd;
    this.writeEnd = writeEnd;
  }

  /** Makes the pipe under a name of its own in `dir`. The error is a sentence. */
  static open(dir: string, name: string): Result<Jobserver, string> {
    const path = join(dir, name);
    try {
      rmSync(path, { force: true });
      execFileSync('mkfifo', ['-m', '600', path], { stdio: ['ignore', 'ignore', 'pipe'] });
      // Open for both first: the ends below would wait for each other. Not blocking: to take a byte back that is not there fails.
      const own = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
      return ok(new Jobserver(path, own, openSync(path, constants.O_RDONLY), openSync(path, constants.O_WRONLY)));
    } catch (error) {
      return err(`no jobserver at ${path}: ${(error as Error).message.trim()}`);
    }
  }

  /**
   * Lets `jobs` run at a time, the one that make always has included. Fewer than before: bytes are taken back as jobs return
   * them, so call again until `jobs` says so.
   */
  allow(jobs: number): void {
    const wanted = Math.max(0, jobs - 1);
    try {
      if (wanted > this.#issued) this.#issued += writeSync(this.#own, '+'.repeat(wanted - this.#issued));
      else if (wanted < this.#issued) this.#issued -= readSync(this.#own, Buffer.alloc(this.#issued - wanted));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }

  /** Jobs that may run now, the one without a byte included; more than was allowed last while jobs hold their bytes. */
  get jobs(): number {
    return this.#issued + 1;
  }

  /** What goes into MAKEFLAGS. `pipe`: the child must have the two ends as these descriptors. */
  flags(form: Exclude<JobserverForm, 'none'>, readFd: number, writeFd: number): string {
    const auth = form === 'fifo' ? `fifo:${this.path}` : `${readFd},${writeFd}`;
    return `-j${this.jobs} --jobserver-auth=${auth}`;
  }

  close(): void {
    for (const fd of [this.#own, this.readEnd, this.writeEnd]) closeSync(fd);
    rmSync(this.path, { force: true });
  }
}
