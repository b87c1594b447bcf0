// Projects built twice at the same path, by the compiler alone and through Tender, and every file that came out compared.
// A build system that this machine has not is said so loudly, and its tests count as skipped.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { BuildReport } from '../../src/apps/report.ts';
import { launcher, type Ran, type TestFarm } from '../e2e/support.ts';

/** Path in the project → content. What begins with `#!` is made executable. */
export type Sources = Readonly<Record<string, string>>;

/** Commands, each a list of words, run one after the other in the project's directory. */
export type Script = readonly (readonly string[])[];

/** How the compiles of a script come to Tender. */
export type Way = 'tender build' | 'CC' | 'PATH';

/** Path → what is there; texts with the launcher's own words taken out. */
export type Tree = ReadonlyMap<string, string>;

export interface Counts {
  readonly units: number;
  readonly remote: number;
  readonly local: number;
  readonly others: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** Whether the commands are there; says so on the terminal when not. */
export function have(...commands: readonly string[]): boolean {
  const missing = commands.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  if (missing.length > 0) console.error(`SKIPPED: this machine has no ${missing.join(', ')}`);
  return missing.length === 0;
}

/** Writes a project anew: nothing of an earlier build stays. */
export function writeSources(dir: string, sources: Sources): void {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  changeSources(dir, sources);
}

export function changeSources(dir: string, sources: Sources): void {
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
    if (text.startsWith('#!')) chmodSync(join(dir, path), 0o755);
  }
}

export class Builder {
  readonly farm: TestFarm;
  private links = '';

  constructor(farm: TestFarm) {
    this.farm = farm;
  }

  /** The environment of a build: none of what the caller's own make or compiler choice would bring in. */
  env(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const env = this.farm.env('client');
    for (const name of ['MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'CC', 'CXX', 'CFLAGS', 'CXXFLAGS', 'CPPFLAGS', 'LDFLAGS']) {
      delete env[name];
    }
    return { ...env, CCACHE_DISABLE: '1', ...extra };
  }

  /** The directory that `tender masquerade --print` names. */
  async linksDir(): Promise<string> {
    if (this.links === '') this.links = (await this.farm.cli('client', ['masquerade', '--print'])).stdout.trim();
    return this.links;
  }

  /** Runs a script without Tender; a command that fails fails the test. */
  async runPlain(dir: string, script: Script, extra: NodeJS.ProcessEnv = {}): Promise<string> {
    let said = '';
    for (const words of script) {
      const ran = await this.farm.run(words, { cwd: dir, env: this.env(extra) });
      expect(ran.code, `${words.join(' ')}: ${ran.stdout}${ran.stderr}`).toBe(0);
      said += ran.stdout + ran.stderr;
    }
    return said;
  }

  /** Runs a script by way of Tender; a command that fails fails the test. The second is what was printed. */
  async runThrough(
    way: Way,
    dir: string,
    script: Script,
    extra: NodeJS.ProcessEnv = {},
  ): Promise<{ counts: Counts; said: string }> {
    const before = (await this.farm.status('client')).total;
    let said = '';
    for (const words of script) {
      const ran = await this.one(way, dir, words, extra);
      expect(ran.code, `${words.join(' ')} by ${way}: ${ran.stdout}${ran.stderr}`).toBe(0);
      said += ran.stdout + ran.stderr;
    }
    return { counts: countsSince(before, (await this.farm.status('client')).total), said };
  }

  private async one(way: Way, dir: string, words: readonly string[], extra: NodeJS.ProcessEnv): Promise<Ran> {
    const env = this.env(extra);
    switch (way) {
      case 'tender build':
        return this.farm.cli('client', ['build', '--', ...words], { cwd: dir, env });
      case 'CC':
        return this.farm.run(words, {
          cwd: dir,
          env: { ...env, CC: `${launcher} ${env['CC'] ?? 'gcc'}`, CXX: `${launcher} ${env['CXX'] ?? 'g++'}` },
        });
      case 'PATH':
        return this.farm.run(words, {
          cwd: dir,
          env: { ...env, PATH: `${await this.linksDir()}:${env['PATH'] ?? ''}` },
        });
    }
  }

  /** Builds plainly, then in each way at the same path, and expects the same files. The counts of the ways, in order. */
  async compare(options: {
    dir: string;
    sources: Sources;
    script: Script;
    ways: readonly Way[];
    env?: NodeJS.ProcessEnv;
    /** Files that differ from build to build by themselves, such as logs with times. */
    ignore?: RegExp;
    /** The fewest files that must have been compared: else the comparison compares nothing. */
    atLeast: number;
  }): Promise<Counts[]> {
    const { dir, sources, script, ways, env = {}, ignore, atLeast } = options;
    writeSources(dir, sources);
    const given = new Set(treeOf(dir).keys());
    await this.runPlain(dir, script, env);
    const plain = treeOf(dir, ignore);
    expect([...plain.keys()].filter((path) => !given.has(path)).length).toBeGreaterThanOrEqual(atLeast);
    const counts: Counts[] = [];
    for (const way of ways) {
      writeSources(dir, sources);
      const ran = await this.runThrough(way, dir, script, env);
      expect(differences(plain, treeOf(dir, ignore, await this.linksDir())), `${way}: ${ran.said}`).toEqual([]);
      counts.push(ran.counts);
    }
    return counts;
  }
}

function countsSince(before: BuildReport | Counts, after: BuildReport | Counts): Counts {
  const reasons: Record<string, number> = {};
  for (const [reason, count] of Object.entries(after.reasons)) {
    const more = count - (before.reasons[reason] ?? 0);
    if (more > 0) reasons[reason] = more;
  }
  return {
    units: after.units - before.units,
    remote: after.remote - before.remote,
    local: after.local - before.local,
    others: after.others - before.others,
    reasons,
  };
}

/** All that lies below a directory: files by mode and digest, links by target. */
export function treeOf(dir: string, ignore: RegExp = /^$/, links = ''): Tree {
  const tree = new Map<string, string>();
  const visit = (path: string): void => {
    for (const name of readdirSync(join(dir, path)).sort()) {
      const at = path === '' ? name : `${path}/${name}`;
      if (ignore.test(at)) continue;
      const full = join(dir, at);
      const stat = lstatSync(full);
      if (stat.isDirectory()) visit(at);
      else if (stat.isSymbolicLink()) tree.set(at, `link to ${readlinkSync(full)}`);
      else tree.set(at, `${(stat.mode & 0o777).toString(8)} ${digestOf(readFileSync(full), links)}`);
    }
  };
  visit('');
  return tree;
}

/** Of a text the digest without the launcher: `CC="tender-cc gcc"` is in the Makefiles that configure writes. */
function digestOf(bytes: Buffer, links: string): string {
  const hash = createHash('sha256');
  if (bytes.includes(0)) return hash.update(bytes).digest('hex');
  let text = bytes.toString('utf8').replaceAll(`${launcher} `, '');
  if (links !== '') text = text.replaceAll(`${links}:`, '');
  return hash.update(text).digest('hex');
}

export function differences(expected: Tree, seen: Tree): string[] {
  const names = new Set([...expected.keys(), ...seen.keys()]);
  return [...names]
    .filter((name) => expected.get(name) !== seen.get(name))
    .map((name) => (!seen.has(name) ? `${name} is missing` : !expected.has(name) ? `${name} is extra` : name))
    .sort();
}
