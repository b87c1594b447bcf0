// Node's SQLite, loaded when it is first needed and without its warning: some releases of Node 24 tell on standard error
// that it is experimental, which no user of a compiler wants to read.
import type { DatabaseSync } from 'node:sqlite';

type Sqlite = typeof import('node:sqlite');

/** Runs `load` and keeps back warnings of experiments that it makes Node give. */
export function withoutExperimentalWarning<T>(load: () => T): T {
  const original = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  const emit = original?.value as ((...words: unknown[]) => void) | undefined;
  if (original === undefined || emit === undefined) return load();
  const sift = (warning: unknown, ...rest: unknown[]): void => {
    const [about] = rest;
    const type = typeof about === 'object' && about !== null && 'type' in about ? about.type : about;
    if (type === 'ExperimentalWarning' || (warning instanceof Error && warning.name === 'ExperimentalWarning')) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  };
  Object.defineProperty(process, 'emitWarning', { ...original, value: sift });
  try {
    return load();
  } finally {
    Object.defineProperty(process, 'emitWarning', original);
  }
}

/** Opens a database file, making it when there is none. Throws what `sqliteCode` reads. */
export function openDatabase(file: string, options: { readonly busyMs: number }): DatabaseSync {
  const sqlite = withoutExperimentalWarning((): Sqlite => process.getBuiltinModule('node:sqlite'));
  return new sqlite.DatabaseSync(file, { timeout: options.busyMs });
}

/** SQLite's primary result codes, as far as anything is done about them. */
export const sqliteCodes = { busy: 5, locked: 6, corrupt: 11, notADatabase: 26 } as const;

/** The primary result code of an error that SQLite gave; null: it gave none. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}
