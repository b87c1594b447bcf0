// What a run's end means: the command's own result, or a failure that is this machine's and may go better elsewhere.
// A driver whose compiler was killed just exits with 1, so its message tells; a compiler that crashed by itself is a result,
// because the same compiler with the same files would crash at home too.
import { constants } from 'node:os';
import type { Exit } from '../../core/types.ts';
import type { RunFailure } from './types.ts';

export interface End {
  /** bubblewrap's exit code, or null when it was ended by a signal itself. */
  readonly code: number | null;
  /** What bubblewrap and the shell inside said. */
  readonly log: string;
  readonly stderr: Buffer;
  /** The kernel ended a process for want of memory during the run. */
  readonly outOfMemoryKill: boolean;
  /** There is no room left on the disk that the run wrote to. */
  readonly diskFull: boolean;
}

export type Verdict =
  | { readonly ran: true; readonly exit: Exit; readonly cpuMs: number }
  | { readonly ran: false; readonly failure: RunFailure };

/** Decides; the run was not ended by us. */
export function judge(end: End): Verdict {
  const cpuMs = readTimes(end.log);
  if (end.code === null || cpuMs === null) return failed(explainNoStart(end));
  const notStarted = end.code === 126 || end.code === 127 ? shellsWords.exec(end.stderr.toString())?.[1] : undefined;
  if (notStarted !== undefined) {
    return failed({ code: 'missing-file', message: `the command did not start: ${notStarted}` });
  }
  const fromSignal = end.code > 128 && end.code <= 128 + 64 ? end.code - 128 : 0;
  const failure = fromSignal > 0 ? explainSignal(fromSignal, end) : end.code === 0 ? null : explainMessage(end);
  if (failure) return failed(failure);
  const exit: Exit = fromSignal > 0 ? { how: 'signal', signal: fromSignal } : { how: 'exit', code: end.code };
  return { ran: true, exit, cpuMs };
}

function failed(failure: RunFailure): Verdict {
  return { ran: false, failure };
}

function explainNoStart({ code, log, outOfMemoryKill, diskFull }: End): RunFailure {
  if (diskFull) return { code: 'disk-full', message: diskFullMessage };
  if (outOfMemoryKill) return { code: 'out-of-memory', message: 'the kernel ended the sandbox for want of memory' };
  const said = /^bwrap: .*$/m.exec(log)?.[0] ?? lastLine(log);
  if (said !== '') return { code: 'sandbox', message: said };
  if (code === null || code === 128 + constants.signals.SIGKILL) {
    return { code: 'killed', message: 'something on the worker killed the sandbox' };
  }
  return { code: 'sandbox', message: `bubblewrap ended with ${code} and said nothing` };
}

/** A signal that speaks of the machine or of our limits; null: one that is the command's own doing. */
function explainSignal(signal: number, { outOfMemoryKill }: End): RunFailure | null {
  const { SIGKILL, SIGXCPU, SIGXFSZ, SIGBUS, SIGILL } = constants.signals;
  switch (signal) {
    case SIGKILL:
      return outOfMemoryKill
        ? { code: 'out-of-memory', message: 'the kernel ended the command for want of memory' }
        : { code: 'killed', message: 'something on the worker killed the command' };
    case SIGXCPU:
      return { code: 'deadline', message: 'the command used up its CPU time' };
    case SIGXFSZ:
      return { code: 'too-large', message: 'the command wrote a file larger than allowed' };
    case SIGBUS: // a mapped file that lost its disk
    case SIGILL: // a program made for another CPU
      return { code: 'killed', message: `the command ended by signal ${signal} on this machine` };
    default:
      return null;
  }
}

const diskFullMessage = 'the disk of the worker is full';

// gcc's driver: «g++: fatal error: Killed signal terminated program cc1plus»; clang's: «unable to execute command: Killed».
const messages: readonly (readonly [RegExp, RunFailure['code'] | number, string])[] = [
  [/CPU time limit exceeded/, constants.signals.SIGXCPU, ''],
  [/File size limit exceeded|File too large/, constants.signals.SIGXFSZ, ''],
  [/(?:Killed signal terminated|unable to execute command: Killed)/, constants.signals.SIGKILL, ''],
  [/(?:Bus error signal terminated|unable to execute command: Bus error)/, constants.signals.SIGBUS, ''],
  [/(?:Illegal instruction signal terminated|command: Illegal instruction)/, constants.signals.SIGILL, ''],
  [/No space left on device|Disk quota exceeded/, 'disk-full', diskFullMessage],
  [
    /out of memory allocating|memory exhausted|LLVM ERROR: out of memory|std::bad_alloc|Cannot allocate memory/,
    'out-of-memory',
    'the command ran out of the memory it may use',
  ],
  [/fork: Resource temporarily unavailable/, 'killed', 'the command started more processes than it may'],
  [
    /error while loading shared libraries|cannot execute '[^']*': \w+: No such file|installation problem, cannot exec/,
    'missing-file',
    'a part of the compiler is missing',
  ],
];

const lookedAtBytes = 64 * 1024;

/** What the command's own words say of this machine; null: an ordinary error. */
function explainMessage(end: End): RunFailure | null {
  const { stderr } = end;
  const ends = [
    stderr.subarray(0, lookedAtBytes),
    stderr.subarray(Math.max(lookedAtBytes, stderr.length - lookedAtBytes)),
  ];
  const text = ends.map((part) => part.toString('latin1')).join('\n');
  for (const [pattern, what, message] of messages) {
    if (!pattern.test(text)) continue;
    if (typeof what === 'number') return explainSignal(what, end);
    const line = text.split('\n').find((it) => pattern.test(it)) ?? '';
    return { code: what, message: `${message}: ${line.slice(0, 300)}` };
  }
  return end.diskFull ? { code: 'disk-full', message: diskFullMessage } : null;
}

/** What the shell inside says when it cannot start the command. */
const shellsWords = /^sh: (?:line )?\d+: (.*)\s*$/;

const timesPattern = /(\d+)m(\d+(?:\.\d+)?)s (\d+)m(\d+(?:\.\d+)?)s\s*$/;

/** CPU time of the shell's children, from the two lines that its `times` printed last; null: it did not get that far. */
function readTimes(log: string): number | null {
  const [, userMin, user, systemMin, system] = timesPattern.exec(log) ?? [];
  if (userMin === undefined) return null;
  return Math.round((Number(userMin) * 60 + Number(user) + Number(systemMin) * 60 + Number(system)) * 1000);
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.slice(0, 300) ?? '';
}
