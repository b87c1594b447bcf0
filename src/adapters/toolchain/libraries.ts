// The shared libraries that a program loads, told by the loader that will load them.
import { dirname, isAbsolute } from 'node:path';
import { identityOf } from './digests.ts';
import { readElf } from './elf.ts';
import type { Answers } from './remember.ts';
import { run } from './run.ts';
import type { Environment } from './run.ts';

const CACHE = '/etc/ld.so.cache';
const PRELOADED = '/etc/ld.so.preload';

export interface Loaded {
  /** The interpreter and the libraries, absolute as the loader spells them. */
  readonly paths: readonly string[];
  /** Where the loader found libraries only by its cache: a root without `ld.so.cache` needs these in LD_LIBRARY_PATH. */
  readonly cachedDirs: readonly string[];
  /** Files and directories that must stay what they are for the answer to stay; null: they are not all known. */
  readonly grounds: readonly string[] | null;
}

/**
 * What `program` (its real path) loads; nothing for a static one. Rejects when the file cannot be read. `loader`: who loads a
 * library, which names none itself.
 */
export function listLibraries(
  program: string,
  env: Environment,
  known: Answers<Loaded>,
  loader: string | null = null,
): Promise<Loaded> {
  return known.get(
    [program, identityOf(program), env['LD_LIBRARY_PATH'], loader].join('\0'),
    () => ask(program, env, loader),
    ({ paths }) => [CACHE, ...paths].map(identityOf).join('\n'),
  );
}

async function ask(program: string, env: Environment, loader: string | null): Promise<Loaded> {
  const facts = readElf(program);
  const interpreter = facts.interpreter ?? loader;
  if (interpreter === null) return { paths: [], cachedDirs: [], grounds: [] };
  const { LD_LIBRARY_PATH: _, ...bare } = env;
  const [listed, uncached] = await Promise.all([
    list(interpreter, ['--list', program], env),
    list(interpreter, ['--inhibit-cache', '--list', program], bare),
  ]);
  const cachedDirs = new Set<string>();
  if (uncached !== null) {
    for (const [name, path] of listed ?? []) if (uncached.get(name) !== path) cachedDirs.add(dirname(path));
  }
  const paths = [interpreter, ...(listed ?? new Map<string, string>()).values()];
  // A file that names places of its own may come to find another library in one that is not seen here.
  const given = (env['LD_LIBRARY_PATH'] ?? '') === '' ? [] : (env['LD_LIBRARY_PATH'] ?? '').split(/[:;]/);
  const ownPlaces = facts.runPath || paths.some((path) => readElf(path).runPath);
  const known = listed !== null && !ownPlaces && given.every((dir) => isAbsolute(dir));
  const grounds = [CACHE, PRELOADED, ...paths.map((path) => dirname(path)), ...given];
  return { paths, cachedDirs: [...cachedDirs], grounds: known ? [...new Set(grounds)] : null };
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
  // One that is named by its path is not looked for.
  for (const [, path = ''] of answer.value.stdout.matchAll(/^\s*(\/\S*) \(0x[0-9a-f]+\)$/gm)) found.set(path, path);
  return found;
}
