// The names under which results are kept: a unit by what was asked of which compiler, a result by all that the compile read.
// What is left out must not show in an output: a path where nothing but its spelling counts, colours where nothing was said.
import { createHash } from 'node:crypto';
import type { CompilePlan } from '../../compiler/types.ts';
import type { ManifestFile } from '../../adapters/results/types.ts';
import type { Surroundings } from './surroundings.ts';

/** Grows with every change of what a key is made of, so that results of another reading are never found. */
const VERSION = 'tender results 1';
const COLOUR = /^-f(?:no-)?(?:diagnostics-color|color-diagnostics)(?:=.*)?$/;

/** 32 bytes that name the unit. Two checkouts of equal files share it where no output can tell them apart. */
export function unitKey(
  plan: CompilePlan,
  compiler: string,
  toolchainDigest: string,
  cwd: string,
  surroundings: Surroundings,
): Uint8Array {
  const place = plan.cwdShows ? [cwd] : [];
  const env = plan.cwdShows ? surroundings.telling : surroundings.telling.filter((entry) => !entry.startsWith('PWD='));
  const args = plan.args.filter((arg) => !COLOUR.test(arg));
  return createHash('sha256')
    .update(JSON.stringify([VERSION, toolchainDigest, compiler, args, place, env]))
    .digest();
}

/** What changes messages alone: it names a result only where there are any. */
export function messageKey(plan: CompilePlan, surroundings: Surroundings): string {
  return JSON.stringify([plan.args.filter((arg) => COLOUR.test(arg)), surroundings.cosmetic]);
}

/** 32 bytes that name the result of a unit that read `files`. `messages`: of `messageKey`, empty for a compile that said nothing. */
export function resultKey(
  unit: Uint8Array,
  files: readonly ManifestFile[],
  prelude: Uint8Array,
  messages: string,
): Uint8Array {
  const hash = createHash('sha256').update(unit).update(prelude).update(messages).update('\0');
  // Paths cannot hold a zero byte, digests have one length.
  for (const { path, digest, resolution } of files) hash.update(path).update('\0').update(digest).update(resolution);
  return hash.digest();
}
