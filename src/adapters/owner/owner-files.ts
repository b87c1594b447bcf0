// What the owner has said (`tender pause`, `resume`, `hours`), over restarts. Nobody else may read it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { err, ok, type Result } from '../../base/result.ts';
import { writeAtomically } from '../write-atomically.ts';

const said = z.strictObject({
  version: z.literal(1),
  /** Milliseconds since 1970; `forever` until resumed. */
  paused: z.union([z.number(), z.literal('forever'), z.null()]),
  resumed: z.union([z.number(), z.literal('forever'), z.null()]),
  /** As `tender hours` took it; empty: always. */
  hours: z.string().max(1000),
});

export type OwnerSaid = z.infer<typeof said>;

export const nothingSaid: OwnerSaid = { version: 1, paused: null, resumed: null, hours: '' };

const saidFile = (home: string): string => join(home, 'owner.json');

/** The error is a sentence. */
export function loadSaid(home: string): Result<OwnerSaid, string> {
  const text = readIfThere(saidFile(home));
  if (text === null) return ok(nothingSaid);
  try {
    return ok(said.parse(JSON.parse(text)));
  } catch {
    return err(`${saidFile(home)} is damaged; say again what you want (\`tender pause\`, \`tender hours\`)`);
  }
}

export function saveSaid(home: string, value: OwnerSaid): Result<void, string> {
  return replace(saidFile(home), value);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function replace(file: string, value: unknown): Result<void, string> {
  try {
    writeAtomically(file, JSON.stringify(value));
    return ok(undefined);
  } catch (error) {
    return err(`cannot write ${file}: ${(error as Error).message}`);
  }
}
