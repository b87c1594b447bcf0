// Files that a compile reads and that no include names: profiles, whose names follow the object's.
import type { SourceSpec } from '../types.ts';
import type { Draft } from './draft.ts';
import { keepHere } from './draft.ts';
import { isAssembler } from './languages.ts';
import { nameBase } from './outputs.ts';

/** An absolute path as one name: how gcc keeps apart the profiles of several directories in one. */
function mangle(path: string): string {
  const steps = path.split('/');
  return steps.map((step) => (step === '..' ? '^' : step)).join('#');
}

/** Where gcc looks for the profile of `source`, relative to cwd or absolute; `cwds` are the spellings of cwd. */
function listProfiles(draft: Draft, source: string, cwds: readonly string[]): readonly string[] {
  const base = nameBase(draft, source);
  const place = draft.settings.get('profile-dir');
  if (place === undefined) return [`${base}.gcda`];
  if (base.startsWith('/')) return [`${place}/${base}.gcda`];
  return cwds.map((cwd) => `${place}/${mangle(`${cwd}/${base}`)}.gcda`);
}

/**
 * The files that are read where they exist. `cwds`: how the working directory may be spelled. What clang needs for certain is
 * added to the draft's inputs.
 */
export function listOptionalInputs(
  draft: Draft,
  sources: readonly SourceSpec[],
  cwds: readonly string[],
  isDirectory: (path: string) => boolean,
): readonly string[] {
  const profile = draft.settings.get('profile-file');
  if (profile !== undefined) {
    const inPlace =
      profile === '' ? 'default.profdata' : isDirectory(profile) ? `${profile}/default.profdata` : profile;
    draft.extraInputs.push(inPlace);
  }
  const optional = draft.on.has('auto-profile') ? ['fbdata.afdo'] : [];
  if (!draft.on.has('profile-use')) return optional;
  if (draft.settings.has('profile-prefix')) {
    keepHere(draft, 'profile', '-fprofile-prefix-path changes the name under which the profile is looked for');
  }
  const compiled = sources.filter(({ language }) => !isAssembler(language));
  return [...optional, ...new Set(compiled.flatMap(({ path }) => listProfiles(draft, path, cwds)))];
}
