// Where names lead under one search configuration: the header that a directive finds, and all the candidates where which one
// it is cannot be known. Answers are remembered as long as the directories that they were looked up in stay as they were.
import type { Directive, FileFacts, ParsedFile, Remembered, ScanRequest } from '../types.ts';
import { orderDirectories, spellAbsolute } from './directories.ts';
import type { SearchChain } from './directories.ts';
import { internDirective } from './intern.ts';
import { expandComputed } from './macros.ts';
import type { MacroLookup } from './macros.ts';

/** A file as the walk knows it: by the real path of its directory, so that `a/../a/..` spellings cannot grow for ever. */
export interface FileNode {
  readonly path: string;
  readonly dir: string;
  readonly parsedNow: () => ParsedFile | null;
  /** As of the last `refresh`; null when the file could not be read. */
  parsed: ParsedFile | null;
  /** What its includes lead to, except computed ones. Null when `parsed` is. */
  includes: Remembered<readonly Found[]> | null;
  /** Whether there is more to `parsed` than names and macros. */
  intricate: boolean;
  visitedBy: number;
  assembledBy: number;
  precompiled: { readonly parsed: ParsedFile; readonly path: Remembered<string | null> } | null;
}

/** A path as the compiler will spell it, and the file that it leads to. */
export interface Found {
  readonly path: string;
  readonly node: FileNode;
  listedBy: number;
}

export type NamedDirective = Directive & { readonly form: 'quote' | 'angle' };
export type ComputedDirective = Directive & { readonly form: 'computed' };

/** The header that glibc's gcc reads before everything else. */
const IMPLICIT = internDirective('angle', 'stdc-predef.h', false) as NamedDirective;
/** Names that gcc defines as 1 unless -std= is strict: within `<…>` of a macro's value they are replaced. */
const REPLACED = /(?<!\w)(?:linux|unix|i386|sparc|arm)(?!\w)/;

/** All requests with an equal `configurationKey` share one. */
export class Search {
  readonly #facts: FileFacts;
  readonly #chain: Remembered<SearchChain>;
  readonly #nodes = new Map<string, FileNode>();
  readonly #found = new Map<string, Found>();
  readonly #lookups = new Map<NamedDirective, Remembered<readonly Found[]>>();
  readonly #aliases = new Set<string>();

  constructor(facts: FileFacts, request: ScanRequest) {
    this.#facts = facts;
    this.#chain = facts.remember(() => orderDirectories(request, facts));
  }

  /** Whether the directories that exist are the same as at the beginning; if not, a new Search is due. */
  holds(): boolean {
    return this.#chain.holds();
  }

  /** All search directories that exist, as spelled. */
  get directories(): readonly string[] {
    return this.#chain.value.existing;
  }

  /** What is named as a search directory and is a file: gcc warns of it. */
  get misnamed(): readonly string[] {
    return this.#chain.value.misnamed;
  }

  /** Second names of directories, met in searches that found nothing there: clang may name a file by the first name that it met. */
  get aliases(): Iterable<string> {
    return this.#aliases;
  }

  /** Brings `parsed` and `includes` up to date; false when the file cannot be read. */
  refresh(node: FileNode): boolean {
    const parsed = node.parsedNow();
    if (parsed === null) {
      node.parsed = null;
      node.includes = null;
      return false;
    }
    if (parsed !== node.parsed || node.includes === null || !node.includes.holds()) {
      node.parsed = parsed;
      node.intricate = isIntricate(parsed);
      node.includes = this.#facts.remember(() => this.#resolveAll(node, parsed));
    }
    return true;
  }

  /** Everything that a directive of `node` can find: mostly one file or none, all candidates of an include_next. */
  resolve(node: FileNode, directive: Directive): readonly Found[] {
    if (directive.form === 'computed') return [];
    if (directive.next) return this.#findEvery([node.dir, ...this.directories], directive.name);
    if (directive.form === 'quote') {
      const beside = this.#findIn(node.dir, directive.name);
      if (beside !== null) return [beside];
    }
    return this.#lookUp(directive);
  }

  /** The same for a computed include, by all values that its macros are known to have. */
  resolveComputed(
    node: FileNode,
    directive: ComputedDirective,
    lookup: MacroLookup,
  ): { readonly found: readonly (readonly Found[])[]; readonly complete: boolean } {
    const expansion = expandComputed(directive.text, directive.next, lookup);
    let { complete } = expansion;
    const found = expansion.directives.map((named) => {
      const candidates = this.resolve(node, named);
      // Words within `<…>` are themselves expanded, by macros of any kind; a name that leads nowhere may be such a one.
      if (named.form === 'angle' && (candidates.length === 0 || REPLACED.test(named.name))) complete = false;
      return candidates;
    });
    return { found, complete };
  }

  /** What an assembler may find under `name`: which of its directories come first differs among assemblers and versions. */
  resolveAssembler(node: FileNode, name: string, request: ScanRequest): readonly Found[] {
    const { scan, envDirs, builtin, assemblerDirs = [] } = request;
    const given = [scan.quoteDirs, scan.includeDirs, scan.systemDirs, scan.afterDirs, assemblerDirs].flat();
    const source = spellAbsolute(request.source, request.cwd);
    const dirs = new Set([
      request.cwd,
      node.dir,
      source.slice(0, source.lastIndexOf('/')),
      ...given.map((dir) => spellAbsolute(dir, request.cwd)),
      ...this.directories,
      ...envDirs.afterI,
      ...envDirs.afterSystem,
      ...builtin.systemDirs,
    ]);
    return this.#findEvery([...dirs], name);
  }

  /** stdc-predef.h, then -include and -imacros, which are looked for in the working directory first. */
  resolveForced(request: ScanRequest): readonly (readonly Found[])[] {
    const forced = request.scan.forcedIncludes.map((name) => {
      const here = this.find(spellAbsolute(name, request.cwd));
      return here !== null ? [here] : this.#lookUp(internDirective('quote', name, false) as NamedDirective);
    });
    return [this.#lookUp(IMPLICIT), ...forced];
  }

  /** A precompiled header that the compiler would take for a forced include or for one that the source itself names. */
  precompiledHeader(source: FileNode, forced: readonly Found[]): string | null {
    for (const found of forced) {
      const made = this.#existing(found.path, ['.gch', '.pch']);
      if (made !== null) return made;
    }
    const { parsed } = source;
    if (parsed === null) return null;
    if (source.precompiled?.parsed !== parsed || !source.precompiled.path.holds()) {
      source.precompiled = { parsed, path: this.#facts.remember(() => this.#findPrecompiled(source, parsed)) };
    }
    return source.precompiled.path.value;
  }

  /** The file at an absolute path, or null. */
  find(path: string): Found | null {
    if (!this.#facts.isFile(path)) return null;
    const slash = path.lastIndexOf('/');
    const dir = this.#facts.realDirectory(path.slice(0, slash) || '/');
    if (dir === null) return null;
    const real = `${dir === '/' ? '' : dir}${path.slice(slash)}`;
    const known = this.#found.get(path);
    if (known !== undefined && known.node.path === real) return known;
    let node = this.#nodes.get(real);
    if (node === undefined) {
      node = {
        ...{ path: real, dir, parsedNow: this.#facts.follow(real), parsed: null, includes: null, intricate: false },
        ...{ visitedBy: 0, assembledBy: 0, precompiled: null },
      };
      this.#nodes.set(real, node);
    }
    const found: Found = { path, node, listedBy: 0 };
    this.#found.set(path, found);
    return found;
  }

  #resolveAll(node: FileNode, parsed: ParsedFile): readonly Found[] {
    const all = new Set<Found>();
    for (const directive of parsed.directives) {
      for (const found of this.resolve(node, directive)) all.add(found);
    }
    return [...all];
  }

  /** The first match along the search directories; two where gcc and clang take different ones. */
  #lookUp(directive: NamedDirective): readonly Found[] {
    const known = this.#lookups.get(directive);
    if (known?.holds()) return known.value;
    const lookup = this.#facts.remember(() => {
      const { quote, quoteOfGcc, angle } = this.#chain.value;
      const { form, name } = directive;
      const along = (dirs: readonly string[]): Found | null =>
        this.#findFirst(dirs, name) ?? this.#findFirst(angle, name);
      const found = along(form === 'quote' ? quote : []);
      const ofGcc = form === 'quote' && quoteOfGcc !== quote ? along(quoteOfGcc) : found;
      return [...new Set([found, ofGcc])].filter((it) => it !== null);
    });
    this.#lookups.set(directive, lookup);
    return lookup.value;
  }

  #findFirst(dirs: readonly string[], name: string): Found | null {
    if (name.startsWith('/')) return this.find(spellAbsolute(name, '/'));
    for (const dir of dirs) {
      const found = this.#findIn(dir, name);
      if (found !== null) return found;
    }
    return null;
  }

  #findIn(dir: string, name: string): Found | null {
    const path = spellFrom(dir, name);
    const found = this.find(path);
    if (found === null && name.includes('/')) {
      const parent = path.slice(0, path.lastIndexOf('/'));
      const real = this.#facts.realDirectory(parent);
      if (real !== null && real !== parent) this.#aliases.add(parent);
    }
    return found;
  }

  /** For what starts somewhere along the directories: an include_next, by how the file itself was found. */
  #findEvery(dirs: readonly string[], name: string): readonly Found[] {
    return dirs.map((dir) => this.#findIn(dir, name)).filter((found) => found !== null);
  }

  /** gcc looks for `name.gch` in each directory before it looks for `name`, whether or not that is there. */
  #findPrecompiled(source: FileNode, parsed: ParsedFile): string | null {
    const { quote, angle } = this.#chain.value;
    for (const directive of parsed.directives) {
      if (directive.form === 'computed') continue;
      const dirs = directive.form === 'quote' ? [source.dir, ...quote, ...angle] : angle;
      for (const dir of directive.name.startsWith('/') ? ['/'] : dirs) {
        const path = spellFrom(dir, directive.name);
        const made = this.#existing(path, ['.gch']);
        if (made !== null) return made;
        if (!directive.next && this.#facts.isFile(path)) break;
      }
    }
    return null;
  }

  #existing(path: string, suffixes: readonly string[]): string | null {
    for (const suffix of suffixes) {
      if (this.#facts.isFile(path + suffix) || this.#facts.isDirectory(path + suffix)) return path + suffix;
    }
    return null;
  }
}

/** Few files are: what costs time for each file of each unit is asked of them alone. */
function isIntricate(parsed: ParsedFile): boolean {
  return (
    parsed.usesTimestamp ||
    parsed.comparesTimes ||
    parsed.usesDate ||
    parsed.hasAssemblerIncludes ||
    parsed.lineFiles.length > 0 ||
    parsed.assemblerFiles.length > 0 ||
    parsed.directives.some(({ form }) => form === 'computed')
  );
}

/** Requests with equal keys search alike. The working directory matters only when some directory is relative to it. */
export function configurationKey(request: ScanRequest): string {
  const { scan } = request;
  const given = [scan.quoteDirs, scan.includeDirs, scan.systemDirs, scan.afterDirs];
  const cwd = given.every((dirs) => dirs.every((dir) => dir.startsWith('/'))) ? '' : request.cwd;
  return JSON.stringify([given, scan.sysroot, scan.noStdInc, cwd, request.envDirs, request.builtin.systemDirs]);
}

function spellFrom(dir: string, name: string): string {
  if (name.startsWith('/')) return spellAbsolute(name, '/');
  return spellAbsolute(`${dir === '/' ? '' : dir}/${name}`, '/');
}
