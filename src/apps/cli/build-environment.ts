// What `tender build` gives to a build command so that its compiles find the launcher, whatever build system it starts:
// links and small stand-ins first in PATH, CMake's, ccache's and SCons's variables, and the launcher before a compiler's path.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { defaultPath, isExecutable, launcherPath, masqueradeDir, prepareMasquerade } from './masquerade.ts';

const cmakeTools = ['cmake', 'ctest', 'cpack'];
const ninjaTools = ['ninja', 'ninja-build', 'samu'];
const compilerVariables = [
  ...['CC', 'CXX', 'OBJC', 'OBJCXX', 'HOSTCC', 'HOSTCXX', 'CC_FOR_BUILD', 'CXX_FOR_BUILD'],
  ...['FC', 'F77', 'F90'],
];
/** They call a compiler themselves, and Tender behind or before it in their own way. */
const wrappers = new Set(['tender-cc', 'ccache', 'sccache', 'distcc', 'icecc', 'env']);

/**
 * The environment of a build command. The error is a sentence: the links could not be made, and the command can still run
 * in the environment that it has.
 */
export function buildEnvironment(
  home: string,
  build: string,
  command: readonly string[],
  given: NodeJS.ProcessEnv,
): Result<NodeJS.ProcessEnv, string> {
  // A build within a build finds in PATH what the outer one has put there.
  const path = [masqueradeDir(home), shimsDir(home)].reduce(withoutDirectory, given['PATH'] ?? defaultPath);
  const env: NodeJS.ProcessEnv = { ...given, PATH: path, TENDER_HOME: resolve(home), TENDER_BUILD: build };
  for (const language of ['C', 'CXX', 'OBJC', 'OBJCXX', 'Fortran'])
    env[`CMAKE_${language}_COMPILER_LAUNCHER`] ??= launcherPath;
  if (!/\s/.test(launcherPath)) {
    // On a miss ccache calls the launcher; it must know the real compiler, whose size and date it takes as its version.
    env['CCACHE_PREFIX'] ??= launcherPath;
    env['CCACHE_PATH'] ??= path;
  }
  // CMake writes the compiler's path into its cache: it must find the real one, the launcher comes by its variables.
  if (cmakeTools.includes(basename(command[0] ?? ''))) return ok(env);
  const links = prepareMasquerade(home, path);
  if (!links.ok) return links;
  const shims = prepareShims(home, path);
  if (!shims.ok) return shims;
  for (const name of compilerVariables) {
    const compiler = env[name];
    if (compiler !== undefined) env[name] = behindLauncher(compiler);
  }
  env['PATH'] = [shims.value, links.value, path].join(delimiter);
  return ok(env);
}

/** A compiler that is named by its path is not found through PATH: the launcher goes before it. */
export function behindLauncher(compiler: string, launcher: string = launcherPath): string {
  const [first = ''] = compiler.split(/\s/, 1);
  if (!first.startsWith('/') || wrappers.has(basename(first)) || /\s/.test(launcher)) return compiler;
  return `${launcher} ${compiler}`;
}

/** The same in words such as `CC=/usr/bin/gcc` that make and configure take. */
export function wordsBehindLauncher(command: readonly string[], launcher: string = launcherPath): string[] {
  if (!/^(?:g?make|configure)$/.test(basename(command[0] ?? ''))) return [...command];
  return command.map((word) => {
    const [, name = '', compiler = ''] = /^([A-Z_\d]+)=(.*)$/s.exec(word) ?? [];
    return compilerVariables.includes(name) ? `${name}=${behindLauncher(compiler, launcher)}` : word;
  });
}

const shimsDir = (home: string): string => resolve(home, 'shims');

function withoutDirectory(path: string, directory: string): string {
  const dirs = path.split(delimiter);
  return dirs.filter((dir) => dir === '' || resolve(dir) !== directory).join(delimiter);
}

/**
 * Stand-ins for tools that a script, make or Meson starts: CMake without the links in PATH (see above), ninja with as
 * many jobs as the farm has use for, which it takes from no variable. Their directory.
 */
function prepareShims(home: string, path: string): Result<string, string> {
  const directory = shimsDir(home);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of [...cmakeTools, ...ninjaTools]) {
      const tool = findIn(path, name);
      if (tool === null) continue;
      const text = cmakeTools.includes(name) ? cmakeShim(tool, [directory, masqueradeDir(home)]) : ninjaShim(tool);
      const file = join(directory, name);
      if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
      // Renamed into place: a build that runs meanwhile reads the old text or the new one.
      writeFileSync(`${file}.${process.pid}`, text, { mode: 0o700 });
      renameSync(`${file}.${process.pid}`, file);
    }
    return ok(directory);
  } catch (error) {
    return err(`cannot write to ${directory}: ${(error as Error).message}`);
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function cmakeShim(tool: string, directories: readonly string[]): string {
  const unwrap = compilerVariables.map(
    (name) => `[ -z "\${${name}+x}" ] || export ${name}="\${${name}#"$launcher"}"\n`,
  );
  return `#!/bin/sh
# Written by tender build: CMake keeps the path of the compiler that it finds, so it must find the real one.
for dir in ${directories.map(quote).join(' ')}; do
  PATH=:$PATH:
  while :; do
    case $PATH in
      *":$dir:"*) PATH=\${PATH%%":$dir:"*}:\${PATH#*":$dir:"} ;;
      *) break ;;
    esac
  done
  PATH=\${PATH#:} PATH=\${PATH%:}
done
launcher=${quote(`${launcherPath} `)}
${unwrap.join('')}exec ${quote(tool)} "$@"
`;
}

function ninjaShim(tool: string): string {
  return `#!/bin/sh
# Written by tender build: ninja takes the number of jobs from no variable.
exec ${quote(tool)} \${TENDER_JOBS:+"-j$TENDER_JOBS"} "$@"
`;
}

/** The first executable of that name in a PATH, or null. */
export function findIn(path: string, name: string): string | null {
  const files = path.split(delimiter).map((dir) => resolve(dir, name));
  return files.find(isExecutable) ?? null;
}

/** Says so when a command builds in a directory that CMake has prepared without Tender: nothing would travel. Else null. */
export function configuredWithout(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): string | null {
  const dir = resolve(cwd, buildDirectory(command));
  let cache: string;
  try {
    cache = readFileSync(join(dir, 'CMakeCache.txt'), 'utf8');
  } catch {
    return null;
  }
  const compilers = [...cache.matchAll(/^CMAKE_(?:C|CXX|OBJC|OBJCXX|Fortran)_COMPILER(?:_LAUNCHER)?:\w+=(.*)$/gm)];
  const through = /(?:^|[/;])(?:tender-cc|ccache)(?:$|;)/;
  const links = masqueradeDir(env['TENDER_HOME'] ?? '/');
  const reached = compilers.some(([, value = '']) => through.test(value) || value.startsWith(`${links}/`));
  if (compilers.length === 0 || reached) return null;
  return `CMake prepared ${dir} without Tender, so its compiles run here; once: tender build -- cmake ${dir}`;
}

/** Where make, ninja or `cmake --build` works, relative to where it is called. */
function buildDirectory(command: readonly string[]): string {
  const flag = cmakeTools.includes(basename(command[0] ?? '')) ? '--build' : '-C';
  const at = command.indexOf(flag);
  const joined = command
    .find((word) => word.startsWith(flag) && word !== flag)
    ?.slice(flag.length)
    .replace(/^=/, '');
  if (at < 0 && joined === undefined) return flag === '-C' ? '.' : '/nowhere';
  return at < 0 ? (joined ?? '.') : (command[at + 1] ?? '.');
}
