// What a source is, by its suffix or by `-x`, as gcc and clang decide it. Both tables are data.
// Where a compiler would precompile, or would run a front end that we do not follow, the answer says so.
import type { Language } from '../types.ts';
import type { Driver, Family } from './driver.ts';

export type InputKind =
  | { readonly is: 'source'; readonly language: Language }
  | { readonly is: 'header' }
  | { readonly is: 'module' }
  | { readonly is: 'other-language'; readonly name: string }
  | { readonly is: 'linker-input' };

type Meaning = Language | 'header' | 'module' | 'other';

function table(rows: readonly (readonly [Meaning, string])[]): ReadonlyMap<string, Meaning> {
  return new Map(rows.flatMap(([meaning, names]) => names.split(' ').map((name) => [name, meaning] as const)));
}

const SUFFIXES = table([
  ['c', 'c'],
  ['c-preprocessed', 'i'],
  ['c++', 'cc cp cxx cpp CPP c++ C'],
  ['c++-preprocessed', 'ii'],
  ['objc', 'm'],
  ['objc++', 'mm M'],
  ['assembler', 's'],
  ['assembler-cpp', 'S sx'],
  ['header', 'h hh H hp hxx hpp HPP h++ tcc'],
  ['module', 'cppm ixx cxxm c++m ccm pcm'],
  ['fortran', 'f for ftn f90 f95 f03 f08'],
  ['fortran-cpp', 'F FOR fpp FPP FTN F90 F95 F03 F08'],
  ['other', 'mi mii f77 F77 adb ads d di go java mod m2i'],
  ['other', 'cu cui cl clcpp hip hlsl ll bc ast rs swift'],
]);

/** Suffixes that only one family knows, or that the two read differently. */
const SUFFIXES_OF: Readonly<Record<Family, ReadonlyMap<string, Meaning | 'linker-input'>>> = {
  gcc: new Map(),
  clang: new Map<string, Meaning | 'linker-input'>([
    ['CC', 'c++'],
    ['CXX', 'c++'],
    ['C++', 'c++'],
    ['asm', 'assembler'],
    ['sx', 'linker-input'],
  ]),
};

const NAMES = table([
  ['c', 'c'],
  ['c++', 'c++'],
  ['c-preprocessed', 'cpp-output'],
  ['c++-preprocessed', 'c++-cpp-output'],
  ['objc', 'objective-c'],
  ['objc++', 'objective-c++'],
  ['assembler', 'assembler'],
  ['assembler-cpp', 'assembler-with-cpp'],
  ['fortran', 'f95 f77'],
  ['fortran-cpp', 'f95-cpp-input f77-cpp-input'],
  ['header', 'c-header c++-header objective-c-header objective-c++-header c++-system-header c++-user-header'],
  ['module', 'c++-module c++-header-unit-header pcm'],
]);

const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  c: 'c',
  'c++': 'c++',
  objc: 'objective-c',
  'objc++': 'objective-c++',
  'c-preprocessed': 'cpp-output',
  'c++-preprocessed': 'c++-cpp-output',
  assembler: 'assembler',
  'assembler-cpp': 'assembler-with-cpp',
  fortran: 'f95',
  'fortran-cpp': 'f95-cpp-input',
};

/** The name that `-x` gives a language, for asking the compiler about it. */
export function nameForX(language: Language): string {
  return LANGUAGE_NAMES[language];
}

export const isAssembler = (language: Language): boolean => language === 'assembler' || language === 'assembler-cpp';

export const isFortran = (language: Language): boolean => language === 'fortran' || language === 'fortran-cpp';

export const needsPreprocessing = (language: Language): boolean =>
  language !== 'assembler' && language !== 'fortran' && !language.endsWith('-preprocessed');

function toKind(meaning: Meaning | 'linker-input', name: string): InputKind {
  if (meaning === 'header' || meaning === 'module' || meaning === 'linker-input') return { is: meaning };
  return meaning === 'other' ? { is: 'other-language', name } : { is: 'source', language: meaning };
}

/** What the driver makes of an input file. `x` is the language that `-x` set before it, or null. */
export function classifyInput(path: string, x: string | null, driver: Driver): InputKind {
  if (x !== null) {
    const given = NAMES.get(x) ?? 'other';
    return toKind(driver.family === 'clang' && given.startsWith('fortran') ? 'other' : given, `-x ${x}`);
  }
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  if (dot <= 0) return { is: 'linker-input' };
  const suffix = name.slice(dot + 1);
  const kind = toKind(SUFFIXES_OF[driver.family].get(suffix) ?? SUFFIXES.get(suffix) ?? 'linker-input', `.${suffix}`);
  if (driver.family === 'clang' && kind.is === 'source' && isFortran(kind.language))
    return toKind('other', `.${suffix}`);
  if (!driver.plusPlus || kind.is !== 'source') return kind;
  if (kind.language === 'c') return { is: 'source', language: 'c++' };
  return kind.language === 'c-preprocessed' ? { is: 'source', language: 'c++-preprocessed' } : kind;
}
