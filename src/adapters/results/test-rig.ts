// Entries whose content follows from a number, so that whoever reads one knows whether it is right; and what the processes do
// that tests start to write into one store at once.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { openResultStore } from './store.ts';
import type { Manifest, ResultStore, StoredResult, StoreOptions } from './types.ts';

const sha = (text: string): Uint8Array => Uint8Array.from(createHash('sha256').update(text).digest());

export const unitKeyOf = (n: number): Uint8Array => sha(`unit ${n}`);
export const resultKeyOf = (n: number): Uint8Array => sha(`result ${n}`);

export function manifestOf(n: number, files = 20): Manifest {
  return {
    resultKey: resultKeyOf(n),
    files: Array.from({ length: files }, (_, i) => ({
      path: `../include/ä ${i}.h`,
      digest: sha(`content ${i === 0 ? n : i}`),
      resolution: sha(`resolution ${i}`).subarray(0, 16),
    })),
  };
}

/** Of `bytes` bytes or somewhat more. */
export function resultOf(n: number, bytes = 6000): StoredResult {
  const data = Buffer.alloc(bytes, Buffer.from(sha(`output ${n}`)));
  return {
    stdout: Buffer.from(n % 3 === 0 ? `out ${n}\n` : ''),
    stderr: Buffer.from(`warning ${n}\n`),
    ranMs: n + 0.5,
    cpuMs: n,
    outputs: [
      { index: 0, data, zstd: true, size: bytes * 3, mode: 0o644 },
      { index: 2, data: Buffer.from(`depends ${n}`), zstd: false, size: 9, mode: 0o600 },
    ],
  };
}

/** Plain data, for comparisons: views and copies are the same. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  const own = ['name', 'raw', 'refs', 'mark', 'number'];
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !own.includes(key))
      .map(([key, it]) => [key, plain(it)]),
  );
}

export function openForTest(dir: string, options: Partial<StoreOptions> = {}): ResultStore {
  const opened = openResultStore(dir, { maxBytes: 2 ** 30, ...options });
  if (!opened.ok) throw new Error(opened.error);
  return opened.value;
}

export interface Work {
  readonly dir: string;
  readonly maxBytes: number;
  /** `churn`: a bit of everything; `pour`: puts without end, a line for each that is surely on the disk; `fill`: puts, then reads. */
  readonly kind: 'churn' | 'pour' | 'fill';
  readonly seed: number;
  readonly rounds: number;
  /** This user, when the process may choose. */
  readonly uid?: number;
}

export interface WorkReport {
  readonly served: number;
  /** Answers that are not what was put. */
  readonly wrong: number;
  readonly refused: number;
  /** Manifests known of all units. */
  readonly known: number;
}

/** Some are so large that writing them takes a while. */
export function sized(n: number): StoredResult {
  return resultOf(n, n % 8 === 0 ? 400_000 : 6000);
}

/** What a process of a test does; prints a WorkReport as its last line. */
export async function work(given: Work): Promise<void> {
  if (given.uid !== undefined) process.setuid?.(given.uid);
  const store = openForTest(given.dir, { maxBytes: given.maxBytes });
  const seen = { served: 0, wrong: 0 };
  const check = (n: number): void => {
    const result = store.result(resultKeyOf(n), unitKeyOf(n % 50));
    if (result === null) return;
    seen.served += 1;
    if (!isDeepStrictEqual(plain(result), plain(sized(n)))) seen.wrong += 1;
  };
  const put = (n: number): void => store.put(unitKeyOf(n % 50), manifestOf(n), sized(n));
  let random = given.seed;
  for (let i = 0; given.kind === 'pour' || i < given.rounds; i++) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const n = (random >>> 8) % 200;
    if (given.kind === 'fill') put(i);
    else if (given.kind === 'pour') {
      put(n);
      await store.flush();
      process.stdout.write(`${n}\n`);
    } else {
      if (n % 2 === 0) put(n);
      for (const manifest of store.manifests(unitKeyOf(n % 50))) {
        if (manifest.files.length !== 20) seen.wrong += 1;
      }
      check((n * 7) % 200);
      if (i % 40 === 39) await store.flush();
      if (i % 150 === 149) await store.clear();
      if (i % 100 === 99 && (await store.verify()).broken.length > 0) seen.wrong += 1;
    }
  }
  await store.flush();
  for (let n = 0; n < Math.min(given.rounds, 200); n++) check(n);
  const { counters } = await store.stats();
  const known = Array.from({ length: 50 }, (_, n) => store.manifests(unitKeyOf(n)).length).reduce((a, b) => a + b);
  await store.close();
  process.stdout.write(`${JSON.stringify({ ...seen, refused: counters.refused, known } satisfies WorkReport)}\n`);
}
