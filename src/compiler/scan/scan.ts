// The set of files that one compile may read, without running a preprocessor: every directive of every reachable file is
// followed, whatever the conditionals say. What can be remembered between scans is, per search configuration.
import type { FileFacts, ParsedFile, ScanRequest, ScanResult } from '../types.ts';
import { spellAbsolute } from './directories.ts';
import { followFortran } from '../fortran/scan.ts';
import { fingerprint } from './fingerprint.ts';
import type { HashText } from './fingerprint.ts';
import { macroLookup } from './macros.ts';
import { parseDirectives } from './parse.ts';
import { Resolutions } from './resolutions.ts';
import { configurationKey, Search } from './search.ts';
import type { ComputedDirective, FileNode, Found } from './search.ts';

interface Configuration {
  readonly search: Search;
  readonly resolutions: Resolutions;
}

/** One scan's state. */
interface Walk {
  readonly number: number;
  readonly search: Search;
  readonly files: string[];
  readonly visited: FileNode[];
  /** Those of `visited` that say more than names. */
  readonly intricate: FileNode[];
  readonly pending: FileNode[];
  readonly computed: { readonly node: FileNode; readonly directive: ComputedDirective }[];
  /** What the assembler alone reads: it sees other directives in it. */
  readonly assembled: { readonly node: FileNode; readonly parsed: ParsedFile }[];
  readonly unlisted: string[];
}

export interface ScannerOptions {
  /** Above this many search configurations the one not used for longest is forgotten. */
  readonly maxConfigurations?: number;
  /** For `resolutions`: 16 bytes. */
  readonly hash?: HashText;
}

const DEFAULT_MAX_CONFIGURATIONS = 64;
const NO_RESOLUTION = new Uint8Array(16);

/** Scans units one after another over the same facts, remembering what it may. */
export class IncludeScanner {
  readonly #facts: FileFacts;
  readonly #maxConfigurations: number;
  readonly #hash: HashText;
  readonly #configurations = new Map<string, Configuration>();
  #scans = 0;

  constructor(facts: FileFacts, options: ScannerOptions = {}) {
    this.#facts = facts;
    this.#maxConfigurations = options.maxConfigurations ?? DEFAULT_MAX_CONFIGURATIONS;
    this.#hash = options.hash ?? fingerprint;
  }

  /** The files that the unit may read. A source that is not there gives just itself. */
  scan(request: ScanRequest): ScanResult {
    const { search } = this.#configure(request);
    const walk: Walk = {
      number: ++this.#scans,
      search,
      files: [],
      visited: [],
      intricate: [],
      pending: [],
      computed: [],
      assembled: [],
      unlisted: [],
    };
    const source = search.find(spellAbsolute(request.source, request.cwd));
    if (source === null) return nothingButSource(request, search);
    let precompiledHeader: string | null = null;
    let unresolved: readonly string[] = [];
    if (request.assemblerOnly === true) {
      walk.files.push(source.path);
      source.listedBy = walk.number;
      this.#assemble(walk, source.node);
    } else if (request.fortran?.preprocessed === false) {
      walk.files.push(source.path);
    } else {
      list(walk, source);
      const forced = search.resolveForced(request).flat();
      for (const found of forced) list(walk, found);
      this.#follow(walk);
      const computed = this.#followComputed(walk, request);
      unresolved = computed.unresolved;
      precompiledHeader = search.precompiledHeader(source.node, [...forced, ...computed.bySource]);
    }
    this.#followAssembler(walk, request);
    this.#addLineFiles(walk, request.cwd);
    addUnlisted(walk, search.misnamed);
    const { directories: searched } = search;
    const fortran = request.fortran
      ? followFortran(request, request.fortran, this.#facts, { scanned: walk.files, searched })
      : null;
    const searchDirs = [...search.directories, ...search.aliases];
    if (fortran !== null) {
      addUnlisted(walk, fortran.files);
      searchDirs.push(...fortran.dirs);
    }
    return {
      ...traitsOf(walk, request),
      files: walk.files,
      unlisted: walk.unlisted,
      searchDirs,
      unresolved,
      precompiledHeader,
      fortran,
    };
  }

  /**
   * For each of `files` (absolute, as a scan or a depfile names them) a digest of 16 bytes of what every include-like directive in
   * it leads to now. Equal digests of files with equal contents: each lookup that a compile makes on account of that file finds the
   * same path, or nothing as before. Which files they must be, `filesToRemember` says. Computed includes are expanded by the macros of `files` and of the command; null when that does
   * not resolve them, or when the file cannot be read. While nothing changed the same array of bytes comes back.
   */
  resolutions(request: ScanRequest, files: readonly string[]): readonly (Uint8Array | null)[] {
    // What a Fortran source leads to, its prelude tells.
    if (request.fortran !== undefined) return files.map(() => NO_RESOLUTION);
    return this.#configure(request).resolutions.tell(request, files);
  }

  /** The same for what comes before the source's first line: forced includes, and a precompiled header for one of its own. */
  prelude(request: ScanRequest): Uint8Array {
    const { resolutions } = this.#configure(request);
    if (request.fortran === undefined) return resolutions.tellPrelude(request);
    const { files, unlisted, fortran } = this.scan(request);
    // What the preprocessor looks for is told file by file.
    const told = request.fortran.preprocessed ? resolutions.tell(request, without(files, unlisted)) : [];
    const relative = (path: string): string =>
      path.startsWith(`${request.cwd}/`) ? path.slice(request.cwd.length) : path;
    const made = fortran?.modules ?? [];
    const texts = [...files.map(relative), '', ...made.map(relative), fortran?.lookups ?? ''];
    return this.#hash([...texts, ...told.map((digest) => digest?.join() ?? '-')].join('\0'));
  }

  #configure(request: ScanRequest): Configuration {
    const key = configurationKey(request);
    const known = this.#configurations.get(key);
    this.#configurations.delete(key);
    if (known?.search.holds()) {
      this.#configurations.set(key, known);
      return known;
    }
    const search = new Search(this.#facts, request);
    const configuration = { search, resolutions: new Resolutions(search, this.#facts, this.#hash) };
    this.#configurations.set(key, configuration);
    const oldest = this.#configurations.keys().next().value;
    if (this.#configurations.size > this.#maxConfigurations && oldest !== undefined)
      this.#configurations.delete(oldest);
    return configuration;
  }

  /** Lists and visits everything that pending files include, except by computed names. */
  #follow(walk: Walk): void {
    for (let node = walk.pending.pop(); node !== undefined; node = walk.pending.pop()) {
      walk.visited.push(node);
      if (!walk.search.refresh(node)) continue;
      for (const found of node.includes?.value ?? []) list(walk, found);
      if (!node.intricate) continue;
      walk.intricate.push(node);
      for (const directive of node.parsed?.directives ?? []) {
        if (directive.form === 'computed') walk.computed.push({ node, directive });
      }
    }
  }

  /** Follows computed includes until nothing new turns up; tells those that no known macro resolves, and what the source's find. */
  #followComputed(
    walk: Walk,
    request: ScanRequest,
  ): { readonly unresolved: readonly string[]; readonly bySource: readonly Found[] } {
    const bySource: Found[] = [];
    if (walk.computed.length === 0) return { unresolved: [], bySource };
    const unresolved = new Set<string>();
    const lookup = macroLookup(request, () => walk.visited.map(({ parsed }) => parsed));
    // A file that is found late can define a macro that an earlier include uses, so rounds go on until one finds nothing.
    for (let filesBefore = -1; filesBefore < walk.files.length;) {
      filesBefore = walk.files.length;
      unresolved.clear();
      for (const { node, directive } of [...walk.computed]) {
        const { found, complete } = walk.search.resolveComputed(node, directive, lookup);
        if (!complete) unresolved.add(directive.text);
        for (const candidate of found.flat()) list(walk, candidate);
        if (node === walk.visited[0]) bySource.push(...found.flat());
      }
      this.#follow(walk);
    }
    return { unresolved: [...unresolved], bySource };
  }

  #assemble(walk: Walk, node: FileNode): void {
    if (node.assembledBy === walk.number) return;
    node.assembledBy = walk.number;
    const parsed = this.#facts.parsed(node.path);
    if (parsed !== null) walk.assembled.push({ node, parsed });
  }

  /** Lists what the assembler reads on account of any file visited, and follows its own includes. */
  #followAssembler(walk: Walk, request: ScanRequest): void {
    const add = (node: FileNode, parsed: ParsedFile): void => {
      for (const { name, data } of parsed.assemblerFiles) {
        for (const found of walk.search.resolveAssembler(node, name, request)) {
          if (found.listedBy !== walk.number) {
            found.listedBy = walk.number;
            walk.files.push(found.path);
          }
          walk.unlisted.push(found.path);
          if (!data) this.#assemble(walk, found.node);
        }
      }
    };
    for (const node of walk.intricate) if (node.parsed !== null) add(node, node.parsed);
    // `assembled` grows meanwhile.
    for (const { node, parsed } of walk.assembled) add(node, parsed);
  }

  #addLineFiles(walk: Walk, cwd: string): void {
    const named = new Set<string>();
    for (const node of walk.intricate) {
      for (const name of node.parsed?.lineFiles ?? []) {
        const path = spellAbsolute(name, cwd);
        if (this.#facts.isFile(path)) named.add(path);
      }
    }
    addUnlisted(walk, named);
  }
}

/** One scan with nothing remembered. */
export function scanIncludes(request: ScanRequest, facts: FileFacts): ScanResult {
  return new IncludeScanner(facts).scan(request);
}

function list(walk: Walk, found: Found): void {
  if (found.listedBy !== walk.number) {
    found.listedBy = walk.number;
    walk.files.push(found.path);
  }
  if (found.node.visitedBy !== walk.number) {
    found.node.visitedBy = walk.number;
    walk.pending.push(found.node);
  }
}

/** Files that go along without being followed. */
function addUnlisted(walk: Walk, paths: Iterable<string>): void {
  const added = new Set(paths);
  if (added.size === 0) return;
  for (const path of walk.files) added.delete(path);
  walk.files.push(...added);
  walk.unlisted.push(...added);
}

function without(paths: readonly string[], others: readonly string[]): string[] {
  const left = new Set(paths);
  for (const path of others) left.delete(path);
  return [...left];
}

/** A macro that the command line defines or undefines is not the built-in one, whatever comes last. */
function isGiven(macros: ScanRequest['scan']['macros'], name: string): boolean {
  return macros.some(([, text]) => text === name || text.startsWith(`${name}=`));
}

function traitsOf(
  walk: Walk,
  request: ScanRequest,
): Pick<ScanResult, 'usesTimestamp' | 'usesDate' | 'hasAssemblerIncludes'> {
  // The value of a -D can say all that a file can.
  const { macros } = request.scan;
  const given = macros.length === 0 ? null : parseDirectives(macros.map(([, text]) => text).join('\n'));
  const built = {
    timestamp: !isGiven(macros, '__TIMESTAMP__'),
    date: !isGiven(macros, '__DATE__') || !isGiven(macros, '__TIME__'),
  };
  let usesTimestamp = false;
  let usesDate = false;
  let hasAssemblerIncludes = given !== null && (given.hasAssemblerIncludes || given.assemblerFiles.length > 0);
  const add = (parsed: ParsedFile | null): void => {
    if (parsed === null) return;
    usesTimestamp ||= parsed.comparesTimes || (parsed.usesTimestamp && built.timestamp);
    usesDate ||= parsed.usesDate && built.date;
    hasAssemblerIncludes ||= parsed.hasAssemblerIncludes;
  };
  add(given);
  for (const { parsed } of walk.intricate) add(parsed);
  for (const { parsed } of walk.assembled) add(parsed);
  return { usesTimestamp, usesDate, hasAssemblerIncludes };
}

function nothingButSource(request: ScanRequest, search: Search): ScanResult {
  return {
    files: [spellAbsolute(request.source, request.cwd)],
    unlisted: [],
    searchDirs: [...search.directories, ...search.aliases],
    unresolved: [],
    usesTimestamp: false,
    usesDate: false,
    hasAssemblerIncludes: false,
    precompiledHeader: null,
    fortran: null,
  };
}
