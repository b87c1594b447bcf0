// Programs that stand in for a compiler and run another one, which may be elsewhere or be chosen anew each time: nothing that
// they say of themselves tells what would compile.
import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Walked } from './walk.ts';

const NAMES =
  /^(?:distcc|icecc|icerun|ccache|sccache|cachepot|buildcache|colorgcc|gomacc|rewrapper|fbuild|firebuild)(?:[-.]|$)/;

/** The stand-in that a compiler's path leads to by its name, or null. */
export function findWrapper(driver: Walked): string | null {
  const names = [...driver.links.map((link) => link.target), driver.real].map((path) => basename(path));
  return names.find((name) => NAMES.test(name)) ?? null;
}

/**
 * What another program than the one asked says under -v: gcc tells the name that it was called by, clang the directory of its
 * own. Null when it is the one, or does not say.
 */
export function findOther(told: string, compilerPath: string, driver: Walked): string | null {
  const called = /^COLLECT_GCC=(.*)$/m.exec(told)?.[1];
  if (called !== undefined) return called === compilerPath ? null : called;
  const installed = /^InstalledDir: (.*)$/m.exec(told)?.[1];
  if (installed === undefined) return null;
  const places = [compilerPath, ...driver.links.map((link) => link.path), driver.real].map((path) => dirname(path));
  return places.some((place) => sameDirectory(place, installed)) ? null : installed;
}

function sameDirectory(one: string, other: string): boolean {
  try {
    return realpathSync.native(one) === realpathSync.native(other);
  } catch {
    return false;
  }
}
