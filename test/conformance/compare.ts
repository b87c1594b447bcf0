// Outcomes in a form in which equal means the same and unequal can be read: text as text, other bytes by length and
// digest. A mask covers what two runs of the compiler alone differed in, and nothing else.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Found, Tree } from './tree.ts';

export interface Ended {
  readonly exit: number | string;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** What one run of a case's commands came to. */
export interface Outcome {
  readonly ended: readonly Ended[];
  readonly tree: Tree;
  readonly from: Date;
  readonly to: Date;
}

/** `equal`: they did not differ. `whole`: only that it is there can be compared. Else the bytes that differed. */
export type Mask = 'equal' | 'whole' | readonly boolean[];

/** A random field of up to 16 bytes may by chance have equal bytes in two runs: a mask reaches beyond what differed. */
const reach = 15;
const shownBytes = 4_000;

const streamName = /^(stdout|stderr) (\d+)$/;

function bytesOf(name: string, outcome: Outcome): Buffer {
  const stream = streamName.exec(name);
  if (stream === null) return outcome.tree.get(name)?.bytes ?? Buffer.from(`there is no ${name}`);
  const ended = outcome.ended[Number(stream[2])];
  return ended?.[stream[1] as 'stdout' | 'stderr'] ?? Buffer.from(`there is no ${name}`);
}

/** What two runs of the same kind differ in. `name`: a file, or a stream and its command's number. */
export function maskOf(name: string, whole: boolean, first: Outcome, second: Outcome): Mask {
  const a = bytesOf(name, first);
  const b = bytesOf(name, second);
  if (a.equals(b)) return 'equal';
  if (whole || a.length !== b.length) return 'whole';
  const mask = Array.from(a, () => false);
  for (const [at, byte] of a.entries()) {
    if (byte !== b[at]) mask.fill(true, Math.max(0, at - reach), at + reach + 1);
  }
  return mask;
}

function hide(bytes: Buffer, mask: Mask | undefined): Buffer | string {
  if (mask === undefined || mask === 'equal') return bytes;
  if (mask === 'whole') return bytes.length === 0 ? 'empty' : 'different in every run';
  if (mask.length !== bytes.length) return `of ${bytes.length} bytes, not ${mask.length} as the compiler alone`;
  const hidden = Buffer.from(bytes);
  for (const [at, covered] of mask.entries()) if (covered) hidden[at] = 0x3f;
  return hidden;
}

function show(bytes: Buffer | string): string {
  if (typeof bytes === 'string') return bytes;
  if (bytes.length <= shownBytes && isUtf8(bytes) && !bytes.includes(0)) return bytes.toString();
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

const dates = /[A-Z][a-z]{2} [ \d]\d \d{4}/g;
const times = /\d\d:\d\d:\d\d/g;

/** Replaces the compile's date and time, when they lie within the run. */
function hideClock(bytes: Buffer, { from, to }: Outcome): Buffer {
  const text = bytes.toString('latin1');
  const date = text.match(dates)?.[0];
  const time = text.match(times)?.[0];
  if (date === undefined || time === undefined) return bytes;
  const at = Date.parse(`${date} ${time}`);
  if (!(at >= from.getTime() - 1000 && at <= to.getTime())) return bytes;
  return Buffer.from(text.replaceAll(dates, 'DATE').replaceAll(times, 'TIME'), 'latin1');
}

function showFile(found: Found, mask: Mask | undefined, outcome: Outcome | null): string {
  const bytes = outcome === null ? found.bytes : hideClock(found.bytes, outcome);
  return `${found.kind} ${found.mode.toString(8)} ${show(hide(bytes, mask))}`;
}

/** All that two outcomes must have in common, as text. */
export interface Shown {
  readonly commands: readonly { readonly exit: number | string; readonly stdout: string; readonly stderr: string }[];
  readonly files: Readonly<Record<string, string>>;
}

/** `clock`: files that hold the time of the compile. */
export function comparable(outcome: Outcome, masks: ReadonlyMap<string, Mask>, clock: readonly string[]): Shown {
  return {
    commands: outcome.ended.map(({ exit, stdout, stderr }, at) => ({
      exit,
      stdout: show(hide(stdout, masks.get(`stdout ${at}`))),
      stderr: show(hide(stderr, masks.get(`stderr ${at}`))),
    })),
    files: Object.fromEntries(
      [...outcome.tree].map(([name, found]) => [
        name,
        showFile(found, masks.get(name), clock.includes(name) ? outcome : null),
      ]),
    ),
  };
}

/** What differs, a line or two for each thing, for the head of a failure. */
export function differences(alone: Shown, through: Shown): string {
  const lines: string[] = [];
  const tell = (what: string, a: string | number | undefined, b: string | number | undefined): void => {
    if (a !== b) lines.push(`${what}: alone «${a ?? 'nothing'}», through Tender «${b ?? 'nothing'}»`);
  };
  for (const [at, command] of alone.commands.entries()) {
    for (const part of ['exit', 'stdout', 'stderr'] as const) {
      tell(`${part} of command ${at}`, command[part], through.commands[at]?.[part]);
    }
  }
  for (const name of new Set([...Object.keys(alone.files), ...Object.keys(through.files)])) {
    tell(name, alone.files[name], through.files[name]);
  }
  return lines.join('\n');
}
