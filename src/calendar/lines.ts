// iCalendar text before the parser sees it: unfolded, bounded, without what nobody here reads (attachments, descriptions), and cut
// into its components, so that a broken one costs itself and not the calendar. Linear in the input, whatever the input is.
import { err, ok, type Result } from '../base/result.ts';

/** Beyond this the text is refused: ten thousand events with all their invitations are smaller. */
export const TEXT_MAX = 16 * 1024 * 1024;
export const COMPONENTS_MAX = 50_000;
const LINE_MAX = 32 * 1024;
const PARAMETERS_MAX = 200;
const DEPTH_MAX = 4;

/** A component directly within a VCALENDAR, as text of its own. */
export interface ComponentText {
  readonly name: string;
  readonly text: string;
  /** Line in the unfolded text, for messages. */
  readonly line: number;
}

const WANTED = new Set(['VEVENT', 'VTIMEZONE', 'VAVAILABILITY', 'VFREEBUSY']);
/** Large or private, and no class depends on them. DESCRIPTION is kept in short: conference links are in it. */
const DROPPED = /^(?:ATTACH|X-ALT-DESC|COMMENT|CONTACT|IMAGE|STYLED-DESCRIPTION|STRUCTURED-DATA|X-WR-CALDESC)[;:]/i;
const DESCRIPTION_MAX = 4096;

/** The components that matter; the error says what is wrong with the text as a whole. */
export function splitComponents(text: string): Result<{ components: ComponentText[]; problems: string[] }, string> {
  if (text.length > TEXT_MAX) {
    return err(`the calendar has ${megabytes(text.length)}; at most ${megabytes(TEXT_MAX)} are read`);
  }
  const components: ComponentText[] = [];
  const problems: string[] = [];
  const stack: string[] = [];
  let kept: string[] | null = null;
  let keptAt = 0;
  let calendars = 0;
  let number = 0;
  for (const line of unfold(text)) {
    number += 1;
    if (line === '') continue;
    const begin = /^BEGIN:([A-Za-z0-9-]{1,60})\s*$/i.exec(line)?.[1]?.toUpperCase();
    if (begin !== undefined) {
      if (stack.length === 0) {
        if (begin !== 'VCALENDAR') return err(`line ${number}: BEGIN:${begin} outside of a VCALENDAR`);
        calendars += 1;
      } else if (stack.length === 1 && WANTED.has(begin)) {
        if (components.length >= COMPONENTS_MAX) return err(`more than ${COMPONENTS_MAX} events`);
        kept = [];
        keptAt = number;
      }
      stack.push(begin);
      if (stack.length > DEPTH_MAX) return err(`line ${number}: components are nested deeper than ${DEPTH_MAX}`);
      kept?.push(line);
      continue;
    }
    const end = /^END:([A-Za-z0-9-]{1,60})\s*$/i.exec(line)?.[1]?.toUpperCase();
    if (end !== undefined) {
      const open = stack.pop();
      if (open !== end)
        return err(
          `line ${number}: END:${end} where ${open === undefined ? 'nothing is open' : `END:${open} is wanted`}`,
        );
      kept?.push(line);
      if (stack.length === 1 && kept !== null) {
        components.push({ name: end, text: kept.join('\r\n'), line: keptAt });
        kept = null;
      }
      continue;
    }
    if (stack.length === 0) return err(`line ${number}: this is no iCalendar text (it begins with BEGIN:VCALENDAR)`);
    if (kept === null || DROPPED.test(line)) continue;
    const shortened = shorten(line);
    if (shortened !== null) kept.push(shortened);
    else if (problems.length < 20) problems.push(`line ${number}: too long, left out`);
  }
  if (calendars === 0) return err('the text is empty: an iCalendar text begins with BEGIN:VCALENDAR');
  if (stack.length > 0) return err(`the text ends within ${stack.at(-1)}: it was cut off`);
  return ok({ components, problems });
}

/** Lines with their continuations joined (RFC 5545, 3.1); bare line feeds and carriage returns are taken as line ends too. */
function* unfold(text: string): Generator<string> {
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  let parts: string[] = [];
  for (let at = start; at <= text.length;) {
    let end = at;
    while (end < text.length && text.charCodeAt(end) !== 10 && text.charCodeAt(end) !== 13) end += 1;
    const first = text.charCodeAt(at);
    const continues = parts.length > 0 && end > at && (first === 32 || first === 9);
    if (continues) parts.push(text.slice(at + 1, end));
    else {
      if (parts.length > 0) yield parts.join('');
      parts = [text.slice(at, end)];
    }
    at = text.charCodeAt(end) === 13 && text.charCodeAt(end + 1) === 10 ? end + 2 : end + 1;
  }
  if (parts.length > 0) yield parts.join('');
}

function shorten(line: string): string | null {
  if (/^DESCRIPTION[;:]/i.test(line)) return line.slice(0, DESCRIPTION_MAX).replace(/\\$/, '');
  if (line.length > LINE_MAX) return null;
  let parameters = 0;
  for (let i = 0; i < line.length; i++) if (line.charCodeAt(i) === 59) parameters += 1;
  return parameters > PARAMETERS_MAX && !/^(?:RRULE|EXRULE)/i.test(line) ? null : line;
}

function megabytes(length: number): string {
  return `${(length / 1024 / 1024).toFixed(1)} MiB`;
}
