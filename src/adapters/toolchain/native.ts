// What «native» means: the driver here looks at this machine's processor, so it is asked, and its answer takes the word's place.
// An answer counts only if the driver then plans the very same steps as it does for «native» itself.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import { splitWords } from '../../compiler/command/words.ts';
import type { ToolchainError } from './describe.ts';
import type { Environment } from './run.ts';
import { questionEnvironment, run } from './run.ts';

export interface NativePlace {
  readonly env: Environment;
  /** A directory of ours, absolute, where small files may be kept for as long as commands travel; it is made if need be. */
  readonly dir: string;
}

/** A command without argv[0] that means the same elsewhere, and the files that it reads for that. */
export interface NativeCommand {
  readonly args: readonly string[];
  readonly files: readonly string[];
}

/** How a command is written so that it means the same on a machine with another processor. */
export interface NativeWords {
  /** Each of these replaces the word `native` stood in; none for gcc, which reads them from a file. */
  readonly replacements: ReadonlyMap<string, readonly string[]>;
  /** Come after all other arguments. */
  readonly added: readonly string[];
  /** Files that `added` names: they must go along. */
  readonly files: readonly string[];
}

const NATIVE = /^-m(?:arch|tune|cpu)=native$/;

/** Words that the next one belongs to. */
const VALUED = new Set(['-target', '-mthread-model']);

/** Whether a word can have a say in what «native» is made of. */
const matters = (word: string): boolean => /^-m(?!llvm)|^-?-target[=]/.test(word);

/** The words of a command on which the meaning of its `native` words depends. */
export function nativeQuestion(args: readonly string[]): string[] {
  return args.flatMap((word, at) => (VALUED.has(word) ? [word, args[at + 1] ?? ''] : matters(word) ? [word] : []));
}

/** Puts the answer into a command without argv[0]. */
export function writeNative(args: readonly string[], words: NativeWords): string[] {
  return [...args.flatMap((word) => words.replacements.get(word) ?? [word]), ...words.added];
}

/** Asks what the `native` words of `question` mean here. The error says what the driver said, or that it cannot be written. */
export async function askNative(
  compilerPath: string,
  question: readonly string[],
  options: NativePlace & { readonly family: 'gcc' | 'clang' },
): Promise<Result<NativeWords, ToolchainError>> {
  const ask = async (args: readonly string[]): Promise<readonly string[] | null> => {
    const words = [...args, '-###', '-c', '-x', 'c', '/dev/null', '-o', '/dev/null'];
    const answer = await run(compilerPath, words, { env: questionEnvironment(options.env), cwd: '/' });
    return answer.ok && answer.value.code === 0 ? readSteps(answer.value.stderr) : null;
  };
  const meant = await ask(question);
  if (meant === null) return err({ message: `${compilerPath} does not say what ${question.join(' ')} means here` });
  const found =
    options.family === 'gcc'
      ? ((await askGcc(compilerPath, question, options, ask)) ?? writePlainly(question, meant))
      : writeClang(question, meant);
  const same = found !== null && (await ask(writeNative(question, found)));
  if (!found || !same || planOf(same, options.family) !== planOf(meant, options.family)) {
    return err({ message: `${compilerPath}: what ${question.join(' ')} means here cannot be written down` });
  }
  return ok(found);
}

/** The words of every step that -### shows, after what the driver complains of, which users see too; null: nothing to go by. */
function readSteps(told: string): readonly string[] | null {
  const words = told.split('\n').flatMap((line) => (line.startsWith(' ') ? [splitWords(line)] : []));
  if (words.length === 0 || words.includes(null)) return null;
  return [...(told.match(/^.*warning: .*$/gm) ?? []), ...words.flatMap((step) => step ?? [])];
}

/** The steps as text that is equal for equal compiles: names of temporary files and repeated features do not count. */
function planOf(step: readonly string[], family: 'gcc' | 'clang'): string {
  if (family === 'gcc') return step.filter((word) => !/^\/.*\.s$/.test(word)).join('\0');
  const features = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < step.length; i++) {
    const word = step[i] ?? '';
    if (word !== '-target-feature') rest.push(word);
    else {
      const feature = step[++i] ?? '';
      features.set(feature.slice(1), feature);
    }
  }
  return [...rest, ...[...features.values()].toSorted()].join('\0');
}

/** Clang: the processor's name and every feature, switched on or off, in the driver's order; the last word on one counts. */
function writeClang(question: readonly string[], meant: readonly string[]): NativeWords {
  const after = (name: string): string => meant[meant.indexOf(name) + 1] ?? '';
  const replacements = new Map<string, readonly string[]>();
  const added: string[] = [];
  for (const word of question.filter((asked) => NATIVE.test(asked))) {
    const tune = word.startsWith('-mtune') && meant.includes('-tune-cpu');
    replacements.set(word, [word.replace('native', after(tune ? '-tune-cpu' : '-target-cpu'))]);
  }
  for (const [at, word] of meant.entries()) {
    if (word === '-target-feature') added.push('-Xclang', word, '-Xclang', meant[at + 1] ?? '');
  }
  const processor = question.some((word) => word === '-march=native' || word === '-mcpu=native');
  return { replacements, added: processor ? added : [], files: [] };
}

/** Drivers (gcc's for arm) that put another word of the same name in the place of each: the step has it. */
function writePlainly(question: readonly string[], meant: readonly string[]): NativeWords | null {
  const replacements = new Map<string, readonly string[]>();
  for (const word of question.filter((asked) => NATIVE.test(asked))) {
    const name = word.slice(0, word.indexOf('=') + 1);
    const found = meant.find((step) => step.startsWith(name));
    if (found === undefined || found === word) return null;
    replacements.set(word, [found]);
  }
  return { replacements, added: [], files: [] };
}

/**
 * Gcc: its own rules are taken over with the answers in the place of the questions, so that all other words stay where they are
 * in the command and in what -g writes down of it.
 */
async function askGcc(
  compilerPath: string,
  question: readonly string[],
  options: NativePlace,
  ask: (args: readonly string[]) => Promise<readonly string[] | null>,
): Promise<NativeWords | null> {
  const specs = await run(compilerPath, ['-dumpspecs'], { env: questionEnvironment(options.env), cwd: '/' });
  const rules = specs.ok ? /^\*cc1_cpu:\n(.*)\n/m.exec(specs.value.stdout)?.[1] : undefined;
  if (rules === undefined || !rules.includes('%:local_cpu_detect(')) return null;
  const others = question.filter((word) => !NATIVE.test(word) && !/^-m(?:arch|tune|cpu)=/.test(word));
  const pure = async (words: readonly string[]): Promise<string | null> => {
    const step = await ask([...others, ...words]);
    if (step === null) return null;
    const from = step.indexOf('/dev/null') + 1;
    const to = step.indexOf('-quiet', from);
    return to < 0 ? null : step.slice(from, to).join(' ');
  };
  const arch = await pure(['-march=native', '-mtune=generic']);
  const tune = await pure(['-mtune=native']);
  if (arch === null || tune === null) return null;
  // What stands there already means something to the driver, not to the compiler proper.
  if (/[%{}|;]/.test(arch + tune)) return null;
  const text = rules
    .replaceAll(/%:local_cpu_detect\(arch[^)]*\)/g, arch)
    .replaceAll(/%:local_cpu_detect\(tune[^)]*\)/g, tune);
  if (text.includes('local_cpu_detect')) return null;
  const file = keep(options.dir, `*cc1_cpu:\n${text}\n\n`);
  return { replacements: new Map(), added: [`-specs=${file}`], files: [file] };
}

/** Writes a file called by its content; equal contents are one file. */
function keep(dir: string, content: string): string {
  const name = createHash('sha256').update(content).digest('hex').slice(0, 32);
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const path = join(dir, `native-${name}.specs`);
  const half = `${path}.${process.pid}`;
  try {
    writeFileSync(half, content, { mode: 0o644 });
    renameSync(half, path);
  } finally {
    rmSync(half, { force: true });
  }
  return path;
}
