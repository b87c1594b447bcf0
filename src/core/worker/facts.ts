// What a worker knows of itself, under the names of the criteria language.
import type { Facts } from '../criteria/evaluate.ts';
import type { WorkerInfo } from '../types.ts';

const FREE_FOR_MS = [1, 5, 15, 30, 60, 120, 240, 480].map((minutes) => minutes * 60_000);
/** «Free for d» is said when it is this probable. */
const CONFIDENT = 0.8;

/** What is not in a reading of the machine: where it stands, and its link to who asks. Empty and 0: not known. */
export interface Bearings {
  readonly site: string;
  readonly rttMs: number;
  readonly bytesPerMs: number;
}

export function factsOf(info: WorkerInfo, bearings: Bearings): Facts {
  const facts = new Map<string, string | number>([
    ['arch', info.arch],
    ['os', info.os],
    ['name', info.name],
    ['cpu.model', info.cpuModel],
    ['cpu.ghz', info.ghz],
    ['cpu.cores', info.cores],
    ['mem.free', info.memFreeBytes],
    ['mem.total', info.memTotalBytes],
    ['load', info.load],
    ['pressure', info.pressure],
    ['slots', info.slots],
    ['free.for', freeForMs(info.freeFor)],
  ]);
  if (bearings.site !== '') facts.set('site', bearings.site);
  if (info.bench > 0) facts.set('cpu.bench', info.bench);
  if (bearings.rttMs > 0) facts.set('link.rtt', bearings.rttMs);
  if (bearings.bytesPerMs > 0) facts.set('link.speed', bearings.bytesPerMs * 1000);
  return facts;
}

/** The longest of the known durations for which the machine will probably stay free; no forecast: for ever. */
function freeForMs(freeFor: readonly number[]): number {
  if (freeFor.length === 0) return Infinity;
  let longest = 0;
  for (const [i, probability] of freeFor.entries()) {
    if (probability < CONFIDENT) break;
    longest = FREE_FOR_MS[i] ?? longest;
  }
  return longest;
}
