// Criteria as they stand in configuration: refused where they are written, with the character.
import { z } from 'zod';
import { parseCriteria } from '../../core/criteria/parse.ts';

/** A class of tasks carries so many in a datagram, and what is derived from the record beside them (`wire/announcement-fields.ts`). */
const bytesMax = 440;

/** What is wrong with criteria, for people; null: nothing. */
export function criteriaProblem(text: string): string | null {
  if (Buffer.byteLength(text) > bytesMax) return `longer than ${bytesMax} bytes: shorten the expression`;
  const parsed = parseCriteria(text);
  if (parsed.ok) return null;
  const { position, message } = parsed.error;
  return `${message} (at character ${position + 1} of «${text}»)`;
}

export const criteriaText = z.string().superRefine((text, context) => {
  const problem = criteriaProblem(text);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});
