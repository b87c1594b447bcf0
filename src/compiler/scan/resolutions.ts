// Digests of where a file's directives lead, so that a build made before can be checked file by file without a scan: equal
// contents and equal digests of all files that were read mean that a compile would read the same files again.
import type { FileFacts, ParsedFile, Remembered, ScanRequest } from '../types.ts';
import { spellAbsolute } from './directories.ts';
import type { HashText } from './fingerprint.ts';
import { macroLookup } from './macros.ts';
import type { MacroLookup } from './macros.ts';
import type { FileNode, Found, Search } from './search.ts';

/** Paths below it are told relative to it, whichever of its two names they begin with. */
interface Base {
  readonly cwd: string;
  readonly real: string;
}

/** What was told of a path, and on what grounds. */
interface Told {
  where: Remembered<Found | null>;
  /** Of the file that was told of: as long as it is the same object, so is the digest. */
  includes: Remembered<readonly Found[]> | null;
  base: Base;
  digest: Uint8Array | null;
}

interface ToldPrelude {
  readonly base: Base;
  readonly parsed: ParsedFile | null;
  readonly digest: Remembered<Uint8Array>;
}

const MAX_PRELUDES = 10_000;

/** Under one search configuration. */
export class Resolutions {
  readonly #search: Search;
  readonly #facts: FileFacts;
  readonly #hash: HashText;
  readonly #told = new Map<string, Told>();
  readonly #preludes = new Map<string, ToldPrelude>();
  #base: Base = { cwd: '', real: '' };

  constructor(search: Search, facts: FileFacts, hash: HashText) {
    this.#search = search;
    this.#facts = facts;
    this.#hash = hash;
  }

  /** As `IncludeScanner.resolutions`. */
  tell(request: ScanRequest, files: readonly string[]): (Uint8Array | null)[] {
    const base = this.#baseOf(request.cwd);
    const digests: (Uint8Array | null)[] = [];
    const intricate: number[] = [];
    for (const path of files) {
      const digest = this.#tellPlain(path, base);
      if (digest === 'intricate') intricate.push(digests.length);
      digests.push(digest === 'intricate' ? null : digest);
    }
    if (intricate.length > 0) {
      const nodes = files.map((path) => this.#told.get(path)?.where.value?.node ?? null);
      const lookup = macroLookup(request, () => nodes.map((node) => node?.parsed ?? null));
      for (const at of intricate) {
        const node = nodes[at] ?? null;
        digests[at] = node === null ? null : this.#tellIntricate(node, request, base, lookup);
      }
    }
    return digests;
  }

  /** As `IncludeScanner.prelude`. */
  tellPrelude(request: ScanRequest): Uint8Array {
    const base = this.#baseOf(request.cwd);
    const key = `${request.source}\0${request.scan.forcedIncludes.join('\0')}`;
    const source = this.#search.find(spellAbsolute(request.source, request.cwd));
    const parsed = source !== null && this.#search.refresh(source.node) ? source.node.parsed : null;
    const known = this.#preludes.get(key);
    if (known !== undefined && known.base === base && known.parsed === parsed && known.digest.holds()) {
      return known.digest.value;
    }
    const digest = this.#facts.remember(() => {
      const forced = this.#search.resolveForced(request);
      const precompiled = source === null ? null : this.#search.precompiledHeader(source.node, forced.flat());
      const lines = forced.map((found) => line(base, found));
      const misnamed = this.#search.misnamed.map((path) => relativeTo(base, path));
      return this.#hash([...lines, precompiled ?? '', ...this.#aliases(base), ...misnamed].join('\0'));
    });
    if (this.#preludes.size >= MAX_PRELUDES) this.#preludes.clear();
    this.#preludes.set(key, { base, parsed, digest });
    return digest.value;
  }

  /** Search directories that are one: clang names its files by the spelling that it meets first, even where nothing is found. */
  #aliases(base: Base): string[] {
    const spellings = new Map<string, string[]>();
    for (const dir of this.#search.directories) {
      const real = this.#facts.realDirectory(dir) ?? dir;
      spellings.set(real, [...(spellings.get(real) ?? []), relativeTo(base, dir)]);
    }
    return [...spellings.values()].filter(({ length }) => length > 1).flat();
  }

  /** The same object as long as both names of the working directory stay. */
  #baseOf(cwd: string): Base {
    const real = this.#facts.realDirectory(cwd) ?? cwd;
    if (this.#base.cwd !== cwd || this.#base.real !== real) this.#base = { cwd, real };
    return this.#base;
  }

  #tellPlain(path: string, base: Base): Uint8Array | null | 'intricate' {
    let told = this.#told.get(path);
    if (told === undefined) {
      told = { where: this.#locate(path), includes: null, base, digest: null };
      this.#told.set(path, told);
    } else if (told.where.value?.node.path !== path && !told.where.holds()) {
      // A real path leads to its own file or to none, which its content tells; others may come to lead elsewhere.
      told.where = this.#locate(path);
    }
    const node = told.where.value?.node;
    if (node === undefined || !this.#search.refresh(node) || node.parsed === null) return null;
    if (told.includes === node.includes && told.base === base) return told.digest;
    if (node.intricate && restsOnMore(node.parsed)) return 'intricate';
    told.digest = this.#hash(this.#textOf(node, node.parsed, base));
    told.includes = node.includes;
    told.base = base;
    return told.digest;
  }

  #locate(path: string): Remembered<Found | null> {
    return this.#facts.remember(() => this.#search.find(path));
  }

  /** For each directive the paths that it leads to. */
  #textOf(node: FileNode, parsed: ParsedFile, base: Base): string {
    let text = '';
    for (const directive of parsed.directives) text += line(base, this.#search.resolve(node, directive));
    return text;
  }

  /** A file whose answers rest on more than itself: on macros of other files, or on the working directory. */
  #tellIntricate(node: FileNode, request: ScanRequest, base: Base, lookup: MacroLookup): Uint8Array | null {
    const { parsed } = node;
    if (parsed === null) return null;
    let text = this.#textOf(node, parsed, base);
    for (const directive of parsed.directives) {
      if (directive.form !== 'computed') continue;
      const { found, complete } = this.#search.resolveComputed(node, directive, lookup);
      if (!complete) return null;
      for (const candidates of found) {
        text += line(base, candidates);
        // A precompiled one could be taken in its stead.
        for (const { path } of candidates) text += this.#facts.isFile(`${path}.gch`) ? '+' : '-';
      }
      text += '\0';
    }
    for (const { name } of parsed.assemblerFiles) {
      text += line(base, this.#search.resolveAssembler(node, name, request));
    }
    for (const name of parsed.lineFiles) text += this.#facts.isFile(spellAbsolute(name, request.cwd)) ? '+' : '-';
    return this.#hash(text);
  }
}

/** Whether where names lead depends on more than the directories: on macros of other files, on the working directory. */
function restsOnMore(parsed: ParsedFile): boolean {
  return (
    parsed.lineFiles.length > 0 ||
    parsed.assemblerFiles.length > 0 ||
    parsed.directives.some(({ form }) => form === 'computed')
  );
}

/** The paths, and where symlinks on the way lead: by that a compiler knows a file that it is to read only once. */
function line(base: Base, found: readonly Found[]): string {
  let text = '';
  for (const { path, node } of found) {
    const spelled = relativeTo(base, path);
    const real = relativeTo(base, node.path);
    text += spelled === real ? `${spelled}\0` : `${spelled}\0\u0001${real}\0`;
  }
  return `${text}\0`;
}

function relativeTo({ cwd, real }: Base, path: string): string {
  if (path.startsWith(cwd) && path.charAt(cwd.length) === '/') return path.slice(cwd.length + 1);
  if (path.startsWith(real) && path.charAt(real.length) === '/') return path.slice(real.length + 1);
  return path;
}
