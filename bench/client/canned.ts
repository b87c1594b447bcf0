// Compiles a corpus once with the real compiler and keeps what came out, in the user's cache, by corpus and compiler: the workers
// of the benchmark answer with it. Everything stays where it was compiled, because depfiles and objects hold paths.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { defaultCacheDir } from '../../src/adapters/corpus/fetch.ts';
import { tryLock } from '../../src/adapters/lock/lock.ts';
import { Toolchains } from '../../src/adapters/toolchain/index.ts';
import { corpora, layOut, type CorpusName } from './corpora.ts';
import { BenchProblem, must } from './problem.ts';
import { runJobs } from './run-jobs.ts';
import type { Bench, Canned, Unit } from './types.ts';

/** What the directory's content is made by; a change of it makes all directories anew. */
const layout = 1;

/** The corpus with its kept outputs: from the cache at once, by compiling the first time. */
export async function openCanned(name: CorpusName, bench: Bench): Promise<Canned> {
  const corpus = corpora[name];
  const cacheDir = defaultCacheDir();
  const toolchain = must(await new Toolchains({ env: bench.env }).describe(`/usr/bin/${corpus.compiler}`));
  const key = createHash('sha256')
    .update(JSON.stringify([layout, corpus, String(corpus.takes), toolchain.digest, bench.env['SOURCE_DATE_EPOCH']]))
    .digest('hex');
  const dir = join(cacheDir, 'bench', `${name}-${key.slice(0, 12)}`);
  mkdirSync(dir, { recursive: true });
  const lock = tryLock(join(dir, 'lock'));
  if (lock === null) throw new BenchProblem(`another benchmark uses ${dir}: wait for its end`);
  const done = join(dir, 'units.json');
  const outDir = join(dir, 'out');
  const keptDir = join(dir, 'kept');
  if (!existsSync(done)) {
    for (const part of ['source', 'out', 'kept']) rmSync(join(dir, part), { recursive: true, force: true });
    const fetching = { cacheDir, log: bench.log };
    const sources = await layOut(name, join(dir, 'source'), fetching);
    const units = sources.map((source) => unitOf(name, dir, source));
    makeDirectories(units, outDir);
    bench.log(`corpus ${name}: compiling ${units.length} units once (${corpus.label}), kept in ${dir}`);
    await runJobs(
      bench,
      units.map((unit) => unit.argv),
      { jobs: availableParallelism(), cwd: outDir },
    );
    renameSync(outDir, keptDir);
    writeFileSync(done, JSON.stringify(units));
  }
  const units = JSON.parse(readFileSync(done, 'utf8')) as Unit[];
  const unmount = mountOutputs(outDir);
  process.once('exit', unmount);
  const release = (): void => {
    process.off('exit', unmount);
    unmount();
    lock.release();
  };
  return { name, outDir, keptDir, units, release };
}

/**
 * Outputs lie in memory where that is allowed (root): making a file on a disk costs 20 to 700 µs of CPU, depending on what was
 * removed there in the last minutes, and each round begins with removing. Gives the way to undo it.
 */
function mountOutputs(outDir: string): () => void {
  // One that was killed has left its own.
  const unmount = (): void => void spawnSync('umount', ['-l', outDir], { stdio: 'ignore' });
  if (process.geteuid?.() !== 0) return () => undefined;
  unmount();
  mkdirSync(outDir, { recursive: true });
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', outDir], { stdio: 'ignore' });
  return unmount;
}

function unitOf(name: CorpusName, dir: string, path: string): Unit {
  const { compiler, flags, includes } = corpora[name];
  const source = join(dir, 'source', path);
  const object = `${path.replace(/^package\//, '')}.o`;
  const depfile = `${object}.d`;
  const search = includes.map((include) => `-I${join(dir, 'source/package', include)}`);
  return {
    source,
    object,
    depfile,
    argv: [compiler, ...flags, ...search, '-MD', '-MT', object, '-MF', depfile, '-o', object, '-c', source],
  };
}

function makeDirectories(units: readonly Unit[], dir: string): void {
  mkdirSync(dir, { recursive: true });
  for (const unit of units) mkdirSync(join(dir, dirname(unit.object)), { recursive: true });
}

/** The state before a build: the directories of the outputs, and nothing in them. */
export function clearOutputs(canned: Canned): void {
  mkdirSync(canned.outDir, { recursive: true });
  for (const name of readdirSync(canned.outDir)) rmSync(join(canned.outDir, name), { recursive: true, force: true });
  makeDirectories(canned.units, canned.outDir);
}

/** What differs from the kept outputs; empty when every object (and depfile) is the same byte for byte. */
export function compareOutputs(canned: Canned, depfiles: boolean): readonly string[] {
  const names = canned.units.flatMap((unit) => (depfiles ? [unit.object, unit.depfile] : [unit.object]));
  return names.filter((name) => {
    const made = join(canned.outDir, name);
    return !existsSync(made) || !readFileSync(made).equals(readFileSync(join(canned.keptDir, name)));
  });
}

/** Writes the index that canned-cc.c reads, beside the program's copies in `dir`; `keptDir`: a copy of the corpus's own. */
export function writeIndex(canned: Canned, keptDir: string, dir: string): void {
  const lines = canned.units.map(({ source, object, depfile }) =>
    [source, join(keptDir, object), join(keptDir, depfile)].join('\t'),
  );
  writeFileSync(join(dir, 'index'), `${lines.join('\n')}\n`);
}
