// Real projects to build: npm packages that ship C++ sources, pinned by version and digest. Fetched through the user's own npm,
// so that his registry and proxy settings hold. The tarball is what is cached; it is verified before every use and
// unpacked anew, so that neither a cut download nor a changed file in the cache is ever built.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';

export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-` and base64, as npm's lock files write it. */
  readonly integrity: string;
}

export interface CorpusProblem {
  readonly message: string;
}

/** RE2 and the abseil it needs. */
export const RE2_PACKAGE: PinnedPackage = {
  name: 're2',
  version: '1.24.0',
  integrity: 'sha512-pBm6cMaOb0Yb0kg0Sfw/k4LwDMkPScb/NVd7GrEllDwfsPZstsZIo93A6Nn0wZuWJw3h57GdzkrOk81EofKY/g==',
};

/** LevelDB and snappy. */
export const LEVELDOWN_PACKAGE: PinnedPackage = {
  name: 'leveldown',
  version: '6.1.1',
  integrity: 'sha512-88c+E+Eizn4CkQOBHwqlCJaTNEjGpaEIikn1S+cINc5E9HEvJ77bqY4JY/HxT5u0caWqsc3P3DcFIKBI1vHt+A==',
};

/** zstd 1.4, by which C is measured. */
export const CPPZST_PACKAGE: PinnedPackage = {
  name: 'cppzst',
  version: '2.0.12',
  integrity: 'sha512-wGmnGxsHCAeHY/4JUTvgto/9eSRW2bHX30dYx8dZgVRC6HnOxAL+nHS+hyj/A6IjLCQ7Z2LnZUAmZojn+LM5pg==',
};

/** RocksDB 6, by which large C++ is measured. */
export const ROCKSDB_PACKAGE: PinnedPackage = {
  name: 'rocksdb',
  version: '5.2.1',
  integrity: 'sha512-SN9RRLfqDEGfZ6MgfjpQ4DIn3+TdN5ECKYHgeuPKFy6Yw0I9hYyE46giLidngjZU47JXUmWXJDZuU1CyEcf4Fw==',
};

/** `$XDG_CACHE_HOME/tender`, else `~/.cache/tender`. A relative XDG_CACHE_HOME counts as not set, as its standard says. */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'tender');
}

export interface FetchOptions {
  readonly cacheDir: string;
  /** For people: told only when something is downloaded. */
  readonly log: (line: string) => void;
  /** The npm to call; tests give their own. */
  readonly npm?: string;
  readonly signal?: AbortSignal;
}

/** The verified tarball's path in the cache: from there at once, by npm the first time. */
export async function fetchPackage(pin: PinnedPackage, options: FetchOptions): Promise<Result<string, CorpusProblem>> {
  const label = `${pin.name}@${pin.version}`;
  const cached = join(options.cacheDir, `${pin.name}-${pin.version}.tgz`);
  const held = await digestOf(cached);
  if (held === pin.integrity) return ok(cached);
  if (held !== null) options.log(`${cached} is damaged, fetching it again`);
  else options.log(`fetching ${label} by npm into ${options.cacheDir} (once)`);
  let scratch: string;
  try {
    await mkdir(options.cacheDir, { recursive: true });
    scratch = await mkdtemp(join(options.cacheDir, '.fetch-'));
  } catch (cause) {
    return err({
      message: `cannot write to the cache directory ${options.cacheDir}: ${(cause as Error).message}. Set XDG_CACHE_HOME to a directory of yours.`,
    });
  }
  try {
    const packed = await runNpmPack(label, scratch, options);
    if (!packed.ok) return packed;
    const [name] = (await readdir(scratch)).filter((entry) => entry.endsWith('.tgz'));
    const fetched = name === undefined ? null : join(scratch, name);
    const got = fetched === null ? null : await digestOf(fetched);
    if (fetched === null || got === null) return err({ message: `npm pack ${label} ended well but left no tarball` });
    if (got !== pin.integrity) {
      return err({
        message: `${label} from npm is not the pinned package: its integrity is ${got}, expected ${pin.integrity}. It was not used. Check the registry that npm is configured for.`,
      });
    }
    await rename(fetched, cached);
    return ok(cached);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Unpacks a verified tarball into `dir` (made if need be); the package's files lie in the directory given back. */
export async function unpackPackage(tarball: string, dir: string): Promise<Result<string, CorpusProblem>> {
  await mkdir(dir, { recursive: true });
  const ran = await run('tar', ['-xzf', tarball, '--no-same-owner', '-C', dir], dir, undefined);
  if (!ran.ok) return err({ message: `cannot unpack ${tarball}: ${ran.error.message}` });
  return ok(join(dir, 'package'));
}

async function runNpmPack(label: string, dir: string, options: FetchOptions): Promise<Result<null, CorpusProblem>> {
  const args = [
    'pack',
    label,
    '--pack-destination',
    dir,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const ran = await run(options.npm ?? 'npm', args, dir, options.signal);
  if (ran.ok) return ok(null);
  return err({
    message: `cannot fetch ${label} by npm: ${ran.error.message}. Once fetched it is kept in ${options.cacheDir} and needs no network.`,
  });
}

/** The file's digest in npm's form, or null when it cannot be read. */
async function digestOf(path: string): Promise<string | null> {
  try {
    return `sha512-${createHash('sha512')
      .update(await readFile(path))
      .digest('base64')}`;
  } catch {
    return null;
  }
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal | undefined,
): Promise<Result<null, CorpusProblem>> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], ...(signal ? { signal } : {}) });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < 4000) errors += text;
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? `the command \`${command}\` is not installed` : cause.message;
      resolve(err({ message: why }));
    });
    child.on('close', (code) => {
      if (code === 0) resolve(ok(null));
      else resolve(err({ message: firstLines(errors) || `\`${command}\` ended with ${code}` }));
    });
  });
}

/** npm says it in its first lines and then repeats itself. */
function firstLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/^npm (ERR!|error) ?/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('npm warn') && !line.startsWith('A complete log'))
    .slice(0, 3)
    .join('; ');
}
