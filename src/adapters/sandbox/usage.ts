// What the processes of a run use right now, read from /proc by walking down from the sandbox's first process.
// Only live processes have a peak of resident memory there, hence samples; CPU time comes from the shell inside, exactly.
import fs from 'node:fs';

export interface Usage {
  /** Resident memory of all processes together, or the highest peak of one, whichever is more. */
  readonly rssBytes: number;
  readonly processes: number;
}

const maxProcesses = 1000;

/** Reads the tree of processes below and with `pid`; processes that end meanwhile are left out. */
export function readUsage(pid: number): Usage {
  let together = 0;
  let peak = 0;
  let processes = 0;
  const left = [pid];
  for (let next = left.pop(); next !== undefined && processes < maxProcesses; next = left.pop()) {
    try {
      const status = fs.readFileSync(`/proc/${next}/status`, 'latin1');
      together += readKilobytes(status, 'VmRSS:');
      peak = Math.max(peak, readKilobytes(status, 'VmHWM:'));
      processes++;
      const children = fs.readFileSync(`/proc/${next}/task/${next}/children`, 'latin1');
      for (const child of children.split(' ')) if (child !== '') left.push(Number(child));
    } catch {
      // Ended between two reads.
    }
  }
  return { rssBytes: Math.max(together, peak) * 1024, processes };
}

function readKilobytes(status: string, name: string): number {
  const at = status.indexOf(name);
  return at === -1 ? 0 : Number.parseInt(status.slice(at + name.length), 10);
}

/** Bytes on disk below `dir`, counted up to `maxEntries` entries; more entries than that count as infinitely many bytes. */
export function measureDir(dir: string, maxEntries: number): number {
  let bytes = 0;
  let entries = 0;
  const left = [dir];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    try {
      for (const entry of fs.readdirSync(next, { withFileTypes: true })) {
        if (++entries > maxEntries) return Infinity;
        const path = `${next}/${entry.name}`;
        if (entry.isDirectory()) left.push(path);
        else bytes += fs.lstatSync(path).blocks * 512;
      }
    } catch {
      // Removed between two reads, or closed to us: it cannot be large for long.
    }
  }
  return bytes;
}

/** How often the kernel has ended a process for want of memory since it started. */
export function countOutOfMemoryKills(): number {
  try {
    return Number(/^oom_kill (\d+)/m.exec(fs.readFileSync('/proc/vmstat', 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
