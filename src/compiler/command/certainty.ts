// What a result may be reused for: whether the working directory can show in it, and whether the same inputs always give it.
import type { OutputSpec, SourceSpec } from '../types.ts';
import type { Draft, ReadOption } from './draft.ts';
import { isAssembler } from './languages.ts';

/** Members of -f… that are known to change code or messages only; all others may write the directory down somewhere. */
const PLAIN_FEATURES = new RegExp(
  '^(?:no-)?(?:' +
    'PIC|pic|PIE|pie|plt|semantic-interposition|visibility=\\w+|visibility-inlines-hidden|exceptions|non-call-exceptions|rtti|' +
    'strict-aliasing|strict-overflow|strict-enums|wrapv|wrapv-pointer|trapv|common|builtin|builtin-\\w+|freestanding|hosted|' +
    'char8_t|unsigned-char|signed-char|short-enums|short-wchar|omit-frame-pointer|optimize-sibling-calls|' +
    'stack-protector|stack-protector-\\w+|stack-clash-protection|cf-protection|cf-protection=\\w+|trampolines|' +
    'function-sections|data-sections|merge-constants|merge-all-constants|ident|asynchronous-unwind-tables|unwind-tables|' +
    'fast-math|math-errno|trapping-math|signed-zeros|finite-math-only|associative-math|reciprocal-math|rounding-math|' +
    'unsafe-math-optimizations|fp-contract=\\w+|excess-precision=\\w+|tree-[a-z-]+|ipa-[a-z-]+|gcse|inline|inline-\\w+|' +
    'inline-functions-called-once|inline-limit=\\d+|unroll-loops|vectorize|slp-vectorize|reorder-blocks|' +
    'delete-null-pointer-checks|conserve-stack|threadsafe-statics|use-cxa-atexit|permissive|ms-extensions|' +
    'gnu89-inline|align-\\w+(?:=[\\d:]+)?|diagnostics-color(?:=\\w+)?|color-diagnostics|diagnostics-show-\\w+|' +
    'message-length=\\d+|max-errors=\\d+|error-limit=\\d+|template-depth=\\d+|template-backtrace-limit=\\d+|' +
    'constexpr-depth=\\d+|constexpr-loop-limit=\\d+|openmp|openmp-simd|sized-deallocation|aligned-new|coroutines|concepts|' +
    'new-inheriting-ctors|elide-constructors|implicit-templates|weak|zero-initialized-in-bss|strict-volatile-bitfields|' +
    'integrated-as|stack-check|split-stack|allow-store-data-races|var-tracking|var-tracking-assignments|' +
    'macro-prefix-map=.*' +
    ')$',
);
/** Whether a word is an option that is known to change code or messages only. */
export const isPlainOption = (word: string): boolean =>
  word.startsWith('-f') ? PLAIN_FEATURES.test(word.slice(2)) : /^-(?:O[0-3s]|W[a-z0-9=+-]*)$/.test(word);

const NO_DEBUG = /^(?:0|no-[a-z-]+)$/;
const NOT_CWD = new Set('-w -W -pedantic -pedantic-errors -pthread -pipe -s -undef -trigraphs -P -C -CC'.split(' '));

/** Whether an option can make nothing of the working directory but what the paths of the command spell. */
function hidesCwd({ name, value, meaning }: ReadOption): boolean {
  switch (meaning.is) {
    case 'mode':
    case 'language':
    case 'object':
    case 'depfile':
    case 'depfile-name':
    case 'forced-include':
    case 'dir':
    case 'dir-prefix':
    case 'module-dir':
    case 'line-length':
    case 'macro':
    case 'sysroot':
    case 'no-standard-dirs':
    case 'color':
    case 'machine':
    case 'optimise':
    case 'charset':
    case 'specs':
      return true;
    case 'debug':
      return NO_DEBUG.test(value);
    case 'switch':
      return !meaning.on;
    case 'feature':
      return PLAIN_FEATURES.test(value);
    case 'travels':
      return (
        meaning.builtin === true ||
        NOT_CWD.has(name) ||
        /^-W|^--param=?$|^-M[TQPGV]$/.test(name) ||
        PLAIN_FEATURES.test((name + value).slice(2))
      );
    default:
      return false;
  }
}

/**
 * Whether gcc may write an absolute path for a header that it found by a relative one: for system headers, and what these
 * include, it does so where that is shorter.
 */
function lengthensPaths({ driver, dirs }: Draft, env: ReadonlyMap<string, string>): boolean {
  if (driver.family !== 'gcc') return false;
  const relative = (dir: string): boolean => !dir.startsWith('/');
  const climbs = (dir: string): boolean => relative(dir) && /(?:^|\/)\.\.(?:\/|$)/.test(dir);
  return (
    [...dirs.systemDirs, ...dirs.afterDirs].some(relative) ||
    [...dirs.includeDirs, ...dirs.quoteDirs].some(climbs) ||
    [...env].some(([name, value]) => /^(?:\w+_INCLUDE_PATH|CPATH)$/.test(name) && value.split(':').some(relative))
  );
}

/**
 * Whether the working directory can show in the object, the dependency file or the messages by more than the paths that the
 * command spells. Only what is known to hide it counts as hiding it. All that stands in the draft has been read.
 */
export function showsCwd(
  draft: Draft,
  sources: readonly SourceSpec[],
  outputs: readonly OutputSpec[],
  env: ReadonlyMap<string, string>,
): boolean {
  return (
    lengthensPaths(draft, env) ||
    sources.some(({ path }) => /(?:^|\/)\.\.(?:\/|$)/.test(path)) ||
    sources.some(({ language }) => isAssembler(language)) ||
    outputs.some(({ kind }) => kind !== 'object' && kind !== 'depfile') ||
    draft.forAssembler.length + draft.forClang.length > 0 ||
    !draft.options.every((option) => option.meaning.is === 'hand-on' || hidesCwd(option))
  );
}

/** Reports of times or memory, and gcc's dumps, which hold addresses. */
const UNEVEN =
  /^-f(?:time-report|mem-report|time-trace|pre-ipa-mem-report|post-ipa-mem-report|profile-report|stack-limit)/;

/** Whether equal inputs always give equal outputs. */
export function isRepeatable(draft: Draft): boolean {
  const { on, options, driver } = draft;
  // What a plugin does besides, a kept result would not do.
  if (draft.plugins.length > 0) return false;
  if (on.has('time-trace') || draft.listsAssembly || draft.namedOutputs.length > 0) return false;
  if (options.some(({ name, value, meaning }) => meaning.is === 'llvm' || UNEVEN.test(name + value))) return false;
  if (driver.family === 'clang') return true;
  // Gcc draws a number at random for each of these.
  const draws =
    on.has('flto') ||
    on.has('coverage') ||
    on.has('ftest-coverage') ||
    options.some(({ name }) => /^-fprofile-(?:arcs|generate)/.test(name));
  const seeded = options.some(({ name }) => name === '-frandom-seed=');
  return (!draws || seeded) && !draft.settings.has('record-format');
}
