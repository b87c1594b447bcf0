// The owner's list of calendars with their passwords: one file that nobody else may read, replaced as a whole.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { err, ok, type Result } from '../../base/result.ts';
import { writeAtomically } from '../write-atomically.ts';
import { sourceKinds, type StoredSource } from './types.ts';

const schema = z.strictObject({
  version: z.literal(1),
  calendars: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,40}$/),
        kind: z.enum(sourceKinds),
        place: z.string().min(1).max(2000),
        user: z.string().max(300),
        password: z.string().max(2000),
      }),
    )
    .max(50),
});

export const sourcesPath = (home: string): string => join(home, 'calendars.json');

/** The calendars that were added; none when there is no file. The error names the file and the fault, and no secret. */
export function loadSources(home: string): Result<readonly StoredSource[], string> {
  const file = sourcesPath(home);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ok([]);
    return err(`cannot read ${file}: ${(error as Error).message}`);
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return err(`${file} is damaged (no JSON); move it away and add the calendars again`);
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return ok(parsed.data.calendars);
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`);
  return err(`${file} is not as Tender writes it (${faults.slice(0, 3).join('; ')})`);
}

export function saveSources(home: string, calendars: readonly StoredSource[]): Result<void, string> {
  const file = sourcesPath(home);
  try {
    writeAtomically(file, `${JSON.stringify({ version: 1, calendars }, null, 2)}\n`);
    return ok(undefined);
  } catch (error) {
    return err(`cannot write ${file}: ${(error as Error).message}`);
  }
}
