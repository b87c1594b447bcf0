// The shared libraries that a program loads, told by the loader that will load them.
import { dirname } from 'node:path';
import { identityOf } from './digests.ts';
import { readElf } from './elf.ts';
import type { Answers } from './remember.ts';
import { run } from './run.ts';
import type { Environment } from './run.ts';

const CACHE = '/etc/ld.so.cache';

export interface Loaded {
  /** The interpreter and the libraries, absolute as the loader spells them. */
  readonly paths: readonly string[];
  /** Where the loader found libraries only by its cache: a root without `ld.so.cache` needs these in LD_LIBRARY_PATH. */
  readonly cachedDirs: readonly string[];
}

/** What `program` (its real path) loads; nothing for a static one. Rejects when the file cannot be read. */
export function listLibraries(program: string, env: Environment, known: Answers<Loaded>): Promise<Loaded> {
  return known.get(
    [program, identityOf(program), env['LD_LIBRARY_PATH']].join('\0'),
    () => ask(program, env),
    ({ paths }) => [CACHE, ...paths].map(identityOf).join('\n'),
  );
}

async function ask(program: string, env: Environment): Promise<Loaded> {
  const { interpreter } = readElf(program);
  if (interpreter === null) return { paths: [], cachedDirs: [] };
  const { LD_LIBRARY_PATH: _, ...bare } = env;
  const [listed, uncached] = await Promise.all([
    list(interpreter, ['--list', program], env),
    list(interpreter, ['--inhibit-cache', '--list', program], bare),
  ]);
  const cachedDirs = new Set<string>();
  if (uncached !== null) {
    for (const [name, path] of listed ?? []) if (uncached.get(name) !== path) cachedDirs.add(dirname(path));
  }
  return { paths: [interpreter, ...(listed ?? new Map<string, string>()).values()], cachedDirs: [...cachedDirs] };
}

/** Library name → path; null when the loader does not know how to list like this. */
async function list(interpreter: string, args: string[], env: Environment): Promise<Map<string, string> | null> {
  const answer = await run(interpreter, args, { env, cwd: '/' });
  if (!answer.ok || (answer.value.code !== 0 && !answer.value.stdout.includes('=>'))) return null;
  const found = new Map<string, string>();
  for (const [, name = '', path = ''] of answer.value.stdout.matchAll(
    /^\s*(\S+) => (\/\S.*?)(?: \(0x[0-9a-f]+\))?$/gm,
  )) {
    found.set(name, path);
  }
  return found;
}
