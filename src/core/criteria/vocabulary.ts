// The words of the criteria language: what a worker knows of itself, in which measure, and the units of literals.
// Kept as data, so that a new name is one line here and one in the worker's facts.

export type Measure = 'text' | 'bytes' | 'duration' | 'frequency' | 'ratio' | 'percent' | 'count';

/** Every name that may stand in an expression. */
export const NAMES: Readonly<Record<string, Measure>> = {
  arch: 'text',
  os: 'text',
  name: 'text',
  site: 'text',
  'cpu.model': 'text',
  'cpu.ghz': 'frequency',
  'cpu.cores': 'count',
  /** Speed of one core as Tender measures it; only compared. */
  'cpu.bench': 'count',
  'mem.free': 'bytes',
  'mem.total': 'bytes',
  /** Runnable processes per core that are not Tender's own. */
  load: 'ratio',
  /** Share of time in which something waited for the processor, 0 to 100. */
  pressure: 'percent',
  slots: 'count',
  /** Round trip to the machine that asks, and bytes that come from it in a second; not known before a session has measured them. */
  'link.rtt': 'duration',
  'link.speed': 'bytes',
  /** How long the machine is expected to stay free. */
  'free.for': 'duration',
};

interface Unit {
  readonly measure: Measure;
  readonly factor: number;
}

/** Units by their spelling; the factor leads to bytes, milliseconds, GHz or percent. */
export const UNITS: Readonly<Record<string, Unit>> = {
  B: { measure: 'bytes', factor: 1 },
  kB: { measure: 'bytes', factor: 1e3 },
  MB: { measure: 'bytes', factor: 1e6 },
  GB: { measure: 'bytes', factor: 1e9 },
  TB: { measure: 'bytes', factor: 1e12 },
  KiB: { measure: 'bytes', factor: 1024 },
  MiB: { measure: 'bytes', factor: 1024 ** 2 },
  GiB: { measure: 'bytes', factor: 1024 ** 3 },
  TiB: { measure: 'bytes', factor: 1024 ** 4 },
  ms: { measure: 'duration', factor: 1 },
  s: { measure: 'duration', factor: 1e3 },
  m: { measure: 'duration', factor: 60e3 },
  h: { measure: 'duration', factor: 3600e3 },
  d: { measure: 'duration', factor: 86_400e3 },
  '%': { measure: 'percent', factor: 1 },
  GHz: { measure: 'frequency', factor: 1 },
  MHz: { measure: 'frequency', factor: 1e-3 },
};

/** An example of each measure, for messages. */
export const EXAMPLES: Readonly<Record<Measure, string>> = {
  text: '"x86_64"',
  bytes: '2GiB',
  duration: '10m',
  frequency: '2.5',
  ratio: '0.5',
  percent: '20%',
  count: '4',
};

/** The known name nearest to a misspelt one, or null when none is near. */
export function nearestName(misspelt: string): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(misspelt.length / 2)) + 1;
  for (const name of Object.keys(NAMES)) {
    const sameTail = name.split('.').includes(misspelt) || misspelt.split(/[._]/).join('.') === name;
    const distance = sameTail ? 0 : editDistance(misspelt.toLowerCase(), name);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** A value as people write it: `1.2 GiB`, `10 min`, `"x86_64"`. */
export function inWords(value: string | number, measure: Measure): string {
  if (typeof value === 'string') return JSON.stringify(value);
  switch (measure) {
    case 'bytes':
      return scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
    case 'duration':
      return durationInWords(value);
    case 'frequency':
      return `${short(value)} GHz`;
    case 'percent':
      return `${short(value)} %`;
    case 'ratio':
    case 'count':
    case 'text':
      return short(value);
  }
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let left = value;
  let i = 0;
  while (left >= base && i < units.length - 1) {
    left /= base;
    i += 1;
  }
  return `${short(left)} ${units[i] ?? ''}`;
}

function durationInWords(ms: number): string {
  if (ms === Infinity) return 'unlimited';
  if (ms < 1000) return `${short(ms)} ms`;
  if (ms < 120e3) return `${short(ms / 1e3)} s`;
  if (ms < 2 * 3600e3) return `${short(ms / 60e3)} min`;
  if (ms < 2 * 86_400e3) return `${short(ms / 3600e3)} h`;
  return `${short(ms / 86_400e3)} d`;
}

/** At most two decimals, none when they are zero. */
function short(value: number): string {
  const digits = Math.abs(value) < 10 ? 100 : 10;
  return String(Math.round(value * digits) / digits);
}
