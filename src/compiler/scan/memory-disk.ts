// For tests of the scanner: a disk in memory that notices every change, and requests with little in them.
import type { FileFacts, ParsedFile, ScanOptions, ScanRequest } from '../types.ts';
import { parseFortran, type ParsedFortran } from '../fortran/parse.ts';
import { parseDirectives } from './parse.ts';

/** A disk in memory: path → text; `links`: directory → the real directory it leads to. */
export class Disk implements FileFacts {
  readonly files = new Map<string, string>();
  readonly links: Readonly<Record<string, string>>;
  readonly #parsed = new Map<string, ParsedFile>();
  #version = 0;
  questions = 0;

  constructor(files: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.files.set(path, text);
    this.links = links;
  }

  write(path: string, text: string): void {
    this.files.set(path, text);
    this.#parsed.delete(path);
    this.#version++;
  }

  remove(path: string): void {
    this.files.delete(path);
    this.#parsed.delete(path);
    this.#version++;
  }

  parsed(path: string): ParsedFile | null {
    const text = this.files.get(this.#real(path));
    if (text === undefined) return null;
    const known = this.#parsed.get(path) ?? parseDirectives(text);
    this.#parsed.set(path, known);
    return known;
  }

  parsedFortran(path: string): ParsedFortran | null {
    const text = this.files.get(this.#real(path));
    return text === undefined ? null : parseFortran(text);
  }

  follow(path: string): () => ParsedFile | null {
    return () => this.parsed(path);
  }

  isFile(path: string): boolean {
    this.questions++;
    const slash = path.lastIndexOf('/');
    const dir = this.realDirectory(path.slice(0, slash) || '/');
    return dir !== null && this.files.has(`${dir === '/' ? '' : dir}${path.slice(slash)}`);
  }

  isDirectory(path: string): boolean {
    return this.realDirectory(path) !== null;
  }

  realDirectory(path: string): string | null {
    const real = this.#real(path);
    if (real === '/') return real;
    return [...this.files.keys()].some((file) => file.startsWith(`${real}/`)) ? real : null;
  }

  remember<T>(work: () => T): { readonly value: T; holds(): boolean } {
    const version = this.#version;
    return { value: work(), holds: () => version === this.#version };
  }

  #real(path: string): string {
    let real = '';
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      real = part === '..' ? real.slice(0, real.lastIndexOf('/')) : `${real}/${part}`;
      real = this.links[real] ?? real;
    }
    return real === '' ? '/' : real;
  }
}

export type Overrides = Partial<ScanOptions> & {
  readonly system?: readonly string[];
  readonly env?: ScanRequest['envDirs'];
};

export function request({ system = [], env, ...scan }: Overrides = {}, source = '/p/a.c'): ScanRequest {
  return {
    source,
    cwd: '/p',
    scan: {
      quoteDirs: [],
      includeDirs: [],
      systemDirs: [],
      afterDirs: [],
      forcedIncludes: [],
      macros: [],
      noStdInc: false,
      noStdIncPlusPlus: false,
      sysroot: null,
      ...scan,
    },
    builtin: { systemDirs: system },
    envDirs: env ?? { afterI: [], afterSystem: [] },
  };
}
