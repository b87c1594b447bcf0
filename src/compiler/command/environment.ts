// What a compiler reads from its environment: variables that travel with a task, variables that keep it at home, and the
// search directories that some of them add.
import type { Language, ScanRequest } from '../types.ts';
import type { Family } from './driver.ts';

const TRAVELLING = new Set([
  'LANG',
  'LANGUAGE',
  'CPATH',
  'C_INCLUDE_PATH',
  'CPLUS_INCLUDE_PATH',
  'OBJC_INCLUDE_PATH',
  'OBJCPLUS_INCLUDE_PATH',
  'SOURCE_DATE_EPOCH',
  'GCC_COLORS',
  'GCC_URLS',
  'GCC_EXTRA_DIAGNOSTIC_OUTPUT',
  'TERM',
  'TERM_URLS',
  'COLUMNS',
  'PWD',
  'TZ',
  'SDKROOT',
  'MACOSX_DEPLOYMENT_TARGET',
]);

// They write files of their own, change the command, or say where the compiler's own programs are.
const HOLDING = new Set([
  'DEPENDENCIES_OUTPUT',
  'SUNPRO_DEPENDENCIES',
  'GCC_EXEC_PREFIX',
  'COMPILER_PATH',
  'GCC_COMPARE_DEBUG',
  'CCC_OVERRIDE_OPTIONS',
  'CC_LOG_DIAGNOSTICS',
  'CLANG_NO_DEFAULT_CONFIG',
]);

/** The variables that matter to a compile elsewhere, as `NAME=value`, sorted. */
export function envSubset(env: ReadonlyMap<string, string>): readonly string[] {
  const out: string[] = [];
  for (const [name, value] of env) {
    if (TRAVELLING.has(name) || name.startsWith('LC_')) out.push(`${name}=${value}`);
  }
  return out.sort();
}

/** A variable that changes outputs in ways that we do not follow, or null. */
export function findHoldingVariable(env: ReadonlyMap<string, string>): string | null {
  for (const name of env.keys()) {
    if (HOLDING.has(name) || name.startsWith('CC_PRINT_')) return name;
  }
  return null;
}

const AFTER_SYSTEM: Readonly<Partial<Record<Language, string>>> = {
  c: 'C_INCLUDE_PATH',
  'c++': 'CPLUS_INCLUDE_PATH',
  objc: 'OBJC_INCLUDE_PATH',
  'objc++': 'OBJCPLUS_INCLUDE_PATH',
  // Assembler sources are preprocessed as C.
  'assembler-cpp': 'C_INCLUDE_PATH',
  'fortran-cpp': 'C_INCLUDE_PATH',
};

/** The directories of a colon-separated list. An empty element is cwd, an empty list has none: gcc and clang agree. */
function splitDirs(list: string | undefined, cwd: string): readonly string[] {
  if (list === undefined || list === '') return [];
  return list.split(':').map((dir) => (dir.startsWith('/') ? dir : dir === '' ? cwd : `${cwd}/${dir}`));
}

/**
 * The search directories that variables add for a language, absolute: CPATH's come after -I, the language's own after -isystem.
 */
export function envDirs(
  env: ReadonlyMap<string, string>,
  language: Language,
  cwd: string,
  family: Family = 'gcc',
): ScanRequest['envDirs'] {
  const own = AFTER_SYSTEM[language];
  // Clang's Objective-C++ looks where its C++ looks, too.
  const shared = family === 'clang' && language === 'objc++' ? splitDirs(env.get('CPLUS_INCLUDE_PATH'), cwd) : [];
  return {
    afterI: splitDirs(env.get('CPATH'), cwd),
    afterSystem: [...shared, ...(own === undefined ? [] : splitDirs(env.get(own), cwd))],
  };
}
