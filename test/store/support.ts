// What the tests of results that are made here have in common.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../e2e/support.ts';

/** Files changed less than this before a run could have been changed again unnoticed: what reads them is not kept. */
const GRAIN_MS = 60;

/** Until the clock has left the time at which anything in `dir` was last changed. */
export async function settleFiles(dir: string): Promise<void> {
  const names = ['.', ...readdirSync(dir, { recursive: true, encoding: 'utf8' })];
  const youngestMs = Math.max(...names.map((name) => lstatSync(join(dir, name)).ctimeMs));
  await until('the clock has moved on', () => (Date.now() > youngestMs + GRAIN_MS ? true : null));
}
