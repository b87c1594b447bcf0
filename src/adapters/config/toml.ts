// A TOML text against a schema, with faults told as people look for them: file, line, key, what is allowed.
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { err, ok, type Result } from '../../base/result.ts';

/** Reads `text` as `schema` says; `file` is for messages. All faults are in the error, one sentence each. */
export function readToml<S extends z.ZodType>(text: string, file: string, schema: S): Result<z.infer<S>, string> {
  let data: unknown;
  try {
    data = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return err(`${file}:${error.line}:${error.column}: ${error.message.split('\n')[0] ?? ''}`);
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return ok(parsed.data);
  return err(parsed.error.issues.map((issue) => describe(issue, text, file, schema)).join('; '));
}

function describe(issue: z.core.$ZodIssue, text: string, file: string, schema: z.ZodType): string {
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys')
    return `${place(text, file, path)}: ${path.join('.') || 'the file'}: ${issue.message}`;
  const [key = ''] = issue.keys;
  const known = keysAt(schema, path);
  const where = path.length === 0 ? '' : ` in [${path.join('.')}]`;
  const allowed = known.length === 0 ? '' : `; known${where} are ${known.join(', ')}`;
  return `${place(text, file, [...path, key])}: "${key}" is not known${where === '' ? ' here' : where}${allowed}`;
}

function place(text: string, file: string, path: readonly string[]): string {
  // What is missing has no line: its table has.
  const line = lineOf(text, path) ?? lineOf(text, path.slice(0, -1));
  return line === null ? file : `${file}:${line}`;
}

/** The line, from 1, on which a key or a table of that path stands; null: not found, as when it is written inline. */
function lineOf(text: string, path: readonly string[]): number | null {
  let table: readonly string[] = [];
  const entries = new Map<string, number>();
  for (const [i, line] of text.split('\n').entries()) {
    const header = /^\s*(\[\[?)([^\]]+)\]/.exec(line);
    if (header !== null) {
      table = segments(header[2] ?? '');
      if (header[1] === '[[') {
        const name = table.join('.');
        const index = entries.get(name) ?? 0;
        entries.set(name, index + 1);
        table = [...table, String(index)];
      }
      if (isSame(table, path)) return i + 1;
      continue;
    }
    const key = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/.exec(line);
    if (key === null) continue;
    const whole = [...table, ...segments(key[1] ?? '')];
    // A value written inline or as an array stands on the line of its key.
    if (whole.length > 0 && isSame(whole, path.slice(0, whole.length))) return i + 1;
  }
  return null;
}

const segments = (dotted: string): string[] =>
  dotted.split('.').map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2'));

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((part, i) => part === b[i]);

/** The keys that may stand in the table at `path`. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let at: unknown = bare(schema);
  for (const part of path) {
    const inside = at as { shape?: Record<string, unknown>; element?: unknown } | undefined;
    at = bare(inside?.element ?? inside?.shape?.[part]);
  }
  return Object.keys((at as { shape?: object } | undefined)?.shape ?? {});
}

/** Without what gives defaults. */
function bare(schema: unknown): unknown {
  let at = schema as { def?: { innerType?: unknown } } | undefined;
  while (at?.def?.innerType !== undefined) at = at.def.innerType as typeof at;
  return at;
}
