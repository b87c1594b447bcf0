// What an attempt still needs, by what it has had so far. Of a task never seen little is known but the spread of its kind: the
// longer it runs the longer it will, as durations are lognormal.
import type { Book } from './book.ts';
import type { Attempt, Task } from './parts.ts';

/** Of a task that was seen before and is past its estimate: half as much again as it has had. */
const OVERRUN = 1.5;
/** From the median to the 80th percentile of a normal distribution, in standard deviations. */
export const P80_SIGMAS = 0.8416;

/** What the whole task takes on a machine of rate 1, when so much of it is done and it has not ended. */
export function expectedWorkMs({ estimateMs, meanMs, sigma }: Task, doneMs: number): number {
  if (sigma === 0) return Math.max(estimateMs, doneMs > estimateMs ? OVERRUN * doneMs : 0);
  const medianMs = estimateMs * Math.exp(-P80_SIGMAS * sigma);
  const z = Math.log(Math.max(1e-3, doneMs) / medianMs) / sigma;
  const share = upperTail(z);
  // The mean of what lies above `doneMs`.
  return share < 1e-9 ? OVERRUN * doneMs : Math.max(doneMs, (meanMs * upperTail(z - sigma)) / share);
}

/** How long it will still take where it is. On a machine where others are late all are. */
export function leftMs(book: Book, attempt: Attempt, now: number): number {
  const { task, worker } = attempt;
  const elapsedMs = now - attempt.awardedAt;
  if (task.sigma > 0) {
    const rate = book.rate(worker, task.scope);
    const doneMs = Math.max(0, elapsedMs - attempt.waitsMs) * rate;
    return (expectedWorkMs(task, doneMs) - doneMs) / rate + Math.max(0, attempt.waitsMs - elapsedMs);
  }
  const late = book.lateness(worker);
  const wholeMs = late > 1 ? Math.max(attempt.estimateMs, late * attempt.usualMs) : attempt.estimateMs;
  return Math.max(wholeMs - elapsedMs, elapsedMs > attempt.estimateMs ? (OVERRUN - 1) * elapsedMs : 0);
}

/** The share of a normal distribution above `z` standard deviations (Börjesson and Sundberg; a percent off at most). */
function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  const density = Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI);
  return density / (0.661 * z + 0.339 * Math.sqrt(z ** 2 + 5.51));
}
