// The thread that writes: it takes its messages in order, and each is done when it is answered.
import { parentPort, workerData } from 'node:worker_threads';
import { Keeper, type Job } from './keeper.ts';

export interface ThreadData {
  readonly root: string;
  readonly maxBytes: number;
}

export type Question = 'flush' | 'stats' | 'clear' | 'verify' | 'close';
export type Request = { readonly id: number } & ({ readonly job: Job } | { readonly ask: Question });
export interface Answer {
  readonly id: number;
  readonly value: unknown;
}

if (parentPort !== null) {
  const port = parentPort;
  const { root, maxBytes } = workerData as ThreadData;
  const keeper = new Keeper(root, maxBytes);
  port.on('message', (request: Request) => {
    const value = 'job' in request ? keeper.put(request.job) : keeper[request.ask]();
    port.postMessage({ id: request.id, value: value ?? null } satisfies Answer);
    if ('ask' in request && request.ask === 'close') port.close();
  });
}
