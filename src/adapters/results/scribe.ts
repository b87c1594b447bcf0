// The near end of the thread that writes: started by the first entry, so that a process that only reads has none; entries are
// handed over, not copied, and what waits is bounded.
import { Worker } from 'node:worker_threads';
import type { Stamp } from './disk.ts';
import { Keeper, type Job } from './keeper.ts';
import type { Answer, Question, Request, ThreadData } from './thread.ts';

/** A thread that failed so often is not started again. */
const maxFailures = 3;

interface Waiting {
  readonly bytes: number;
  readonly done: (value: unknown) => void;
}

export class Scribe {
  readonly #data: ThreadData;
  readonly #maxQueuedBytes: number;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | null = null;
  #queuedBytes = 0;
  #sent = 0;
  #failures = 0;

  constructor(data: ThreadData, maxQueuedBytes: number) {
    this.#data = data;
    this.#maxQueuedBytes = maxQueuedBytes;
  }

  /** Whether `bytes` more may wait. */
  hasRoom(bytes: number): boolean {
    return this.#queuedBytes + bytes <= this.#maxQueuedBytes && this.#failures < maxFailures;
  }

  /** Takes the job's memory away; `done` gets the unit's stamp, or null when nothing was written. */
  put(job: Job, done: (stamp: Stamp | null) => void): void {
    const memory = [job.unitEntry, ...(job.result === null ? [] : [job.result.entry])].map((entry) => entry.buffer);
    const bytes = memory.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    this.#send({ id: ++this.#sent, job }, memory as ArrayBuffer[], {
      bytes,
      done: done as (value: unknown) => void,
    });
  }

  /** Answered when all that was put before is through. */
  async ask(question: Question): Promise<unknown> {
    const idle = this.#thread === null;
    if (idle && (question === 'flush' || question === 'close')) return null;
    const answer = await new Promise((done) => {
      this.#send({ id: ++this.#sent, ask: question }, [], { bytes: 0, done });
    });
    // The thread may have failed on it; then it is done here, where a failure would be seen.
    if (answer !== null || ['flush', 'clear', 'close'].includes(question)) return answer;
    return new Keeper(this.#data.root, this.#data.maxBytes)[question]();
  }

  #send(request: Request, transfer: ArrayBuffer[], waiting: Waiting): void {
    const thread = this.#start();
    if (thread === null) {
      waiting.done(null);
      return;
    }
    if (this.#waiting.size === 0) thread.ref();
    this.#waiting.set(request.id, waiting);
    this.#queuedBytes += waiting.bytes;
    thread.postMessage(request, transfer);
  }

  #start(): Worker | null {
    if (this.#thread !== null || this.#failures >= maxFailures) return this.#thread;
    // Beside this file, which Node runs from the sources as well as from what is built of them.
    const file = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
    const thread = new Worker(file, {
      workerData: this.#data,
      execArgv: [],
      name: 'result-store',
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    thread.unref();
    thread.on('message', (answer: Answer) => this.#answered(answer));
    thread.on('error', () => {
      this.#failures += 1;
    });
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = null;
      for (const id of [...this.#waiting.keys()]) this.#answered({ id, value: null });
    });
    this.#thread = thread;
    return thread;
  }

  #answered({ id, value }: Answer): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#queuedBytes -= waiting.bytes;
    if (this.#waiting.size === 0) this.#thread?.unref();
    waiting.done(value);
  }
}
