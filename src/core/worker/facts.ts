// What a worker knows of itself, under the names of the criteria language.
import type { Facts } from '../criteria/evaluate.ts';
import type { WorkerInfo } from '../types.ts';

const FREE_FOR_MS = [1, 5, 15, 30, 60, 120, 240, 480].map((minutes) => minutes * 60_000);
/** «Free for d» is said when it is this probable. */
const CONFIDENT = 0.8;

export function factsOf(info: WorkerInfo): Facts {
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
