// A scenario as a file, so that a world that was made small can be run again and changed by hand.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { err, ok, type Result } from '../src/base/result.ts';
import type { Scenario } from './types.ts';

/** JSON knows no Infinity, and spans that never end have it. */
const FOR_EVER = 'for ever';

export function writeScenario(path: string, scenario: Scenario): void {
  mkdirSync(dirname(path), { recursive: true });
  const text = JSON.stringify(scenario, (_key, value: unknown) => (value === Infinity ? FOR_EVER : value), 1);
  writeFileSync(path, `${text}\n`);
}

/** What `writeScenario` wrote; the error is a sentence. */
export function readScenario(path: string): Result<Scenario, string> {
  let scenario: Partial<Scenario> | null;
  try {
    const revive = (_key: string, value: unknown): unknown => (value === FOR_EVER ? Infinity : value);
    scenario = JSON.parse(readFileSync(path, 'utf8'), revive) as Partial<Scenario> | null;
  } catch (error) {
    return err(`${path} cannot be read: ${(error as Error).message}`);
  }
  const lists = [scenario?.machines, scenario?.delegators, scenario?.builds];
  if (!lists.every(Array.isArray) || scenario?.network === undefined) return err(`${path} holds no scenario`);
  return ok(scenario as Scenario);
}
