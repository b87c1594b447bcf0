// Looks after a running sandbox from outside: time on the clock, memory of all its processes together, what it prints and writes.
// The limits of single processes are the kernel's business (arguments.ts); these are sums that no such limit can express.
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { makeGroupNice, readFirstProcess } from './bubblewrap.ts';
import type { Run, RunSpec } from './types.ts';
import { measureDir, readUsage } from './usage.ts';

const firstLookMs = 100;
const longestLookMs = 1000;
const maxScratchEntries = 20_000;

export interface Watch {
  maxRssBytes(): number;
  stop(): void;
}

/** Watches until stopped, and kills what goes beyond its limits. */
export function watchRun(child: ChildProcess, spec: RunSpec, niceness: number, kill: Run['kill']): Watch {
  const { limits, scratchDir } = spec;
  const { pid } = child;
  let maxRssBytes = 0;
  let groupIsNice = pid === undefined || makeGroupNice(pid, niceness);
  let pauseMs = firstLookMs;
  const look = (): void => {
    groupIsNice ||= pid === undefined || makeGroupNice(pid, niceness);
    const first = readFirstProcess(scratchDir);
    if (first !== null) {
      const usage = readUsage(first);
      maxRssBytes = Math.max(maxRssBytes, usage.rssBytes);
      if (usage.rssBytes > limits.memBytes) {
        kill(`the command used more than ${limits.memBytes} bytes of memory`, 'out-of-memory');
      } else if (usage.processes > limits.processes * 2 + 8) {
        // Where the kernel does not count them for us (see minProcessLimit).
        kill(`the command started more than ${limits.processes} processes`);
      } else if (measureDir(scratchDir, maxScratchEntries) > limits.outputBytes * 4) {
        kill(`the command wrote more than ${limits.outputBytes * 4} bytes`, 'too-large');
      }
    }
    pauseMs = Math.min(longestLookMs, pauseMs * 2);
    timer = setTimeout(look, pauseMs);
  };
  let timer = setTimeout(look, pauseMs);
  const wall = setTimeout(() => kill(`the command took longer than ${limits.wallMs} ms`, 'deadline'), limits.wallMs);
  return {
    maxRssBytes: () => maxRssBytes,
    stop() {
      clearTimeout(timer);
      clearTimeout(wall);
    },
  };
}

/** Keeps what a stream brings, up to `maxBytes`; gives it when asked. */
export function collectStream(stream: Readable, maxBytes: number, kill: Run['kill']): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else kill(`the command printed more than ${maxBytes} bytes`, 'too-large');
  });
  stream.on('error', () => undefined);
  return () => Buffer.concat(chunks);
}
