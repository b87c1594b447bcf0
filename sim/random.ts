// Draws from the distributions that scenarios are made of, each from a stream of its own: machines, owners, faults and tasks of a
// seed stay the same when another part of a setting changes, so that settings can be compared seed by seed.
import { createPrng } from '../src/base/prng.ts';
import type { Prng } from '../src/base/prng.ts';

/** The stream `name` of a seed. */
export function streamOf(seed: number, name: string): Prng {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return createPrng(h ^ Math.imul(seed + 1, 0x9e3779b1));
}

/** Uniform in [from, to). */
export function uniform(random: Prng, from: number, to: number): number {
  return from + (to - from) * random();
}

/** Uniform on a logarithmic scale: as many between 1 and 2 as between 2 and 4. */
export function logUniform(random: Prng, from: number, to: number): number {
  return from * (to / from) ** random();
}

export function exponential(random: Prng, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** By Box and Muller; `sigma` is the standard deviation of the logarithm. */
export function lognormal(random: Prng, median: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}

export function pick<T>(random: Prng, from: readonly T[]): T {
  const item = from[Math.floor(random() * from.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}

/** `count` different ones of 0 … size − 1. */
export function sample(random: Prng, size: number, count: number): Set<number> {
  const order = Array.from({ length: size }, (_, i) => i);
  for (let i = 0; i < Math.min(count, size); i++) {
    const j = i + Math.floor(random() * (size - i));
    const swapped = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = swapped;
  }
  return new Set(order.slice(0, count));
}
