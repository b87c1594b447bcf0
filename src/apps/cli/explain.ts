// `tender explain -- g++ …`: the verdict on a compiler call, its reason, and all that goes in and comes out. Nothing is compiled.
import { realpathSync } from 'node:fs';
import { basename, delimiter } from 'node:path';
import { homeDirectory } from '../../adapters/config/config.ts';
import { complain } from '../complain.ts';
import type { Explanation } from '../report.ts';
import { ask, ensureAgent } from './agent-client.ts';
import { defaultPath, isExecutable, launcherPath } from './masquerade.ts';

/** Ends with 0 for a command that travels, 1 for one that stays. */
export async function runExplain(
  command: readonly string[],
  options: { readonly files: boolean; readonly json: boolean },
): Promise<number> {
  // `tender-cc g++ …` is the same question.
  const argv = basename(command[0] ?? '') === 'tender-cc' ? command.slice(1) : command;
  const compiler = findCompiler(argv[0] ?? '');
  if (compiler === null) return complain(`there is no compiler «${argv[0] ?? ''}» in PATH`);
  const home = homeDirectory();
  const started = await ensureAgent(home);
  if (!started.ok) return complain(started.error);
  const env = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const answered = await ask(home, { cmd: 'explain', compiler, cwd: process.cwd(), argv, env });
  if (!answered.ok) return complain(answered.error);
  const explanation = answered.value[0] as Explanation;
  process.stdout.write(`${options.json ? JSON.stringify(explanation) : render(explanation, options.files)}\n`);
  return explanation.travels ? 0 : 1;
}

/** The program that the launcher would run: the first in PATH that is not the launcher itself. */
function findCompiler(name: string): string | null {
  const isReal = (path: string): boolean => isExecutable(path) && realpathSync.native(path) !== launcherPath;
  if (name.includes('/') && isReal(name)) return spellAsLauncher(name);
  const dirs = (process.env['PATH'] ?? defaultPath).split(delimiter);
  return dirs.map((dir) => `${spellAsLauncher(dir || '.')}/${basename(name)}`).find(isReal) ?? null;
}

/** Absolute, and else as it stands: the compiler's path is a part of the key. */
const spellAsLauncher = (path: string): string => (path.startsWith('/') ? path : `${process.cwd()}/${path}`);

function render(told: Explanation, files: boolean): string {
  const rows: [string, string][] = [];
  if (!told.travels) {
    rows.push(['stays', told.reason], ['because', told.detail], ['compiler', told.compiler]);
    rows.push(['', `docs/errors.md tells what «${told.reason}» means and what can be done`]);
    return table(rows);
  }
  rows.push(['travels', told.sources.map(({ path, language }) => `${path} (${language})`).join(', ')]);
  rows.push(['compiler', `${told.compiler}: ${told.toolchain}, ${told.toolchainDigest.slice(0, 16)}`]);
  rows.push(['runs there', told.argv.map(quote).join(' ')]);
  for (const [index, entry] of told.env.entries()) rows.push([index === 0 ? 'with' : '', entry]);
  const bytes = told.inputs.reduce((sum, { size }) => sum + size, 0);
  const links = told.symlinks.length === 0 ? '' : `, ${told.symlinks.length} symbolic links`;
  rows.push(['goes in', `${told.inputs.length} files, ${(bytes / 2 ** 20).toFixed(1)} MiB${links}`]);
  if (files) for (const { path } of told.inputs) rows.push(['', path]);
  for (const [index, { kind, path }] of told.outputs.entries()) {
    rows.push([index === 0 ? 'comes out' : '', `${path} (${kind})`]);
  }
  rows.push(['key', told.key ?? `none, the result is not kept: ${told.notKept}`]);
  if (told.key !== null) rows.push(['in store', told.stored ? 'yes: it would not be compiled at all' : 'no']);
  return table(rows);
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join('\n');
}

const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
