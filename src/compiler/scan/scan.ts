// The set of files that one compile may read, without running a preprocessor: every directive of every reachable file is
// followed, whatever the conditionals say. What is remembered between scans is per search configuration: each file's
// resolved includes, as long as the file and the directories they were looked up in stay as they were.
import type { Directive, FileFacts, ParsedFile, Remembered, ScanRequest, ScanResult } from '../types.ts';
import { orderDirectories, spellAbsolute } from './directories.ts';
import type { SearchChain } from './directories.ts';
import { internDirective } from './intern.ts';
import { expandComputed, macrosOfCommandLine } from './macros.ts';

/** A file as the walk knows it: by the real path of its directory, so that `a/../a/..` spellings cannot grow for ever. */
interface FileNode {
  readonly path: string;
  readonly dir: string;
  parsed: ParsedFile | null;
  includes: Remembered<readonly Found[]> | null;
  visitedBy: number;
}

/** A path as the compiler will spell it, and the file that it leads to. */
interface Found {
  readonly path: string;
  readonly node: FileNode;
  listedBy: number;
}

interface Configuration {
  readonly chain: Remembered<SearchChain>;
  readonly nodes: Map<string, FileNode>;
  readonly found: Map<string, Found>;
  readonly lookups: Map<NamedDirective, Remembered<Found | null>>;
}

type NamedDirective = Directive & { readonly form: 'quote' | 'angle' };

/** One scan's state. */
interface Walk {
  readonly number: number;
  readonly configuration: Configuration;
  readonly files: string[];
  readonly visited: FileNode[];
  readonly pending: FileNode[];
  readonly computed: { readonly node: FileNode; readonly directive: Directive & { readonly form: 'computed' } }[];
}

/** The header that glibc's gcc reads before everything else. */
const IMPLICIT = internDirective('angle', 'stdc-predef.h', false) as NamedDirective;

const DEFAULT_MAX_CONFIGURATIONS = 64;

/** Scans units one after another over the same facts, remembering what it may. */
export class IncludeScanner {
  readonly #facts: FileFacts;
  readonly #maxConfigurations: number;
  readonly #configurations = new Map<string, Configuration>();
  #scans = 0;

  constructor(facts: FileFacts, maxConfigurations: number = DEFAULT_MAX_CONFIGURATIONS) {
    this.#facts = facts;
    this.#maxConfigurations = maxConfigurations;
  }

  /** The files that the unit may read. A source that is not there gives just itself. */
  scan(request: ScanRequest): ScanResult {
    const configuration = this.#configure(request);
    const walk: Walk = {
      number: ++this.#scans,
      configuration,
      files: [],
      visited: [],
      pending: [],
      computed: [],
    };
    const source = this.#find(configuration, spellAbsolute(request.source, request.cwd));
    if (source === null) return nothingButSource(request, configuration);
    list(walk, source);
    let precompiledHeader: string | null = null;
    for (const forced of this.#findForced(request, configuration)) {
      list(walk, forced);
      precompiledHeader ??= this.#precompiled(forced.path, ['.gch', '.pch']);
    }
    this.#follow(walk);
    for (const include of source.node.includes?.value ?? []) {
      precompiledHeader ??= this.#precompiled(include.path, ['.gch']);
    }
    const unresolved = this.#followComputed(walk, request);
    const files = [...walk.files, ...this.#lineFiles(walk, request.cwd)];
    return {
      files,
      searchDirs: [...configuration.chain.value.quote, ...configuration.chain.value.angle],
      unresolved,
      usesTimestamp: walk.visited.some((node) => node.parsed?.usesTimestamp),
      usesDate: walk.visited.some((node) => node.parsed?.usesDate),
      hasAssemblerIncludes: walk.visited.some((node) => node.parsed?.hasAssemblerIncludes),
      precompiledHeader,
    };
  }

  #configure(request: ScanRequest): Configuration {
    const key = configurationKey(request);
    const known = this.#configurations.get(key);
    this.#configurations.delete(key);
    if (known?.chain.holds()) {
      this.#configurations.set(key, known);
      return known;
    }
    const configuration: Configuration = {
      chain: this.#facts.remember(() => orderDirectories(request, this.#facts)),
      nodes: new Map(),
      found: new Map(),
      lookups: new Map(),
    };
    this.#configurations.set(key, configuration);
    const oldest = this.#configurations.keys().next().value;
    if (this.#configurations.size > this.#maxConfigurations && oldest !== undefined)
      this.#configurations.delete(oldest);
    return configuration;
  }

  /** Lists and visits everything that pending files include, except by computed names. */
  #follow(walk: Walk): void {
    for (let node = walk.pending.pop(); node !== undefined; node = walk.pending.pop()) {
      const parsed = this.#facts.parsed(node.path);
      walk.visited.push(node);
      if (parsed === null) {
        node.parsed = null;
        node.includes = null;
        continue;
      }
      if (parsed !== node.parsed || node.includes === null || !node.includes.holds()) {
        const here = node;
        node.parsed = parsed;
        node.includes = this.#facts.remember(() => this.#resolveAll(walk.configuration, here, parsed));
      }
      for (const found of node.includes.value) list(walk, found);
      for (const directive of parsed.directives) {
        if (directive.form === 'computed') walk.computed.push({ node, directive });
      }
    }
  }

  #resolveAll(configuration: Configuration, node: FileNode, parsed: ParsedFile): readonly Found[] {
    const all = new Set<Found>();
    for (const directive of parsed.directives) {
      for (const found of this.#resolve(configuration, node, directive)) all.add(found);
    }
    return [...all];
  }

  #resolve(configuration: Configuration, node: FileNode, directive: Directive): readonly Found[] {
    if (directive.form === 'computed') return [];
    if (directive.next) return this.#findEvery(configuration, node, directive.name);
    if (directive.form === 'quote') {
      const beside = this.#find(configuration, spellFrom(node.dir, directive.name));
      if (beside !== null) return [beside];
    }
    const found = this.#lookUp(configuration, directive);
    return found === null ? [] : [found];
  }

  /** The first match along the search directories. */
  #lookUp(configuration: Configuration, directive: NamedDirective): Found | null {
    const known = configuration.lookups.get(directive);
    if (known?.holds()) return known.value;
    const lookup = this.#facts.remember(() => {
      const { quote, angle } = configuration.chain.value;
      return (
        (directive.form === 'quote' ? this.#findFirst(configuration, quote, directive.name) : null) ??
        this.#findFirst(configuration, angle, directive.name)
      );
    });
    configuration.lookups.set(directive, lookup);
    return lookup.value;
  }

  #findFirst(configuration: Configuration, dirs: readonly string[], name: string): Found | null {
    if (name.startsWith('/')) return this.#find(configuration, spellAbsolute(name, '/'));
    for (const dir of dirs) {
      const found = this.#find(configuration, spellFrom(dir, name));
      if (found !== null) return found;
    }
    return null;
  }

  /** For `#include_next`: it starts somewhere along the directories, and where depends on how the file itself was found. */
  #findEvery(configuration: Configuration, node: FileNode, name: string): readonly Found[] {
    const { quote, angle } = configuration.chain.value;
    return [node.dir, ...quote, ...angle]
      .map((dir) => this.#find(configuration, spellFrom(dir, name)))
      .filter((found) => found !== null);
  }

  #find(configuration: Configuration, path: string): Found | null {
    if (!this.#facts.isFile(path)) return null;
    const slash = path.lastIndexOf('/');
    const dir = this.#facts.realDirectory(path.slice(0, slash) || '/');
    if (dir === null) return null;
    const real = `${dir === '/' ? '' : dir}${path.slice(slash)}`;
    const known = configuration.found.get(path);
    if (known !== undefined && known.node.path === real) return known;
    let node = configuration.nodes.get(real);
    if (node === undefined) {
      node = { path: real, dir, parsed: null, includes: null, visitedBy: 0 };
      configuration.nodes.set(real, node);
    }
    const found: Found = { path, node, listedBy: 0 };
    configuration.found.set(path, found);
    return found;
  }

  /** -include and -imacros are looked for in the working directory first. */
  #findForced(request: ScanRequest, configuration: Configuration): Found[] {
    const forced = request.scan.forcedIncludes.map(
      (name) =>
        this.#find(configuration, spellAbsolute(name, request.cwd)) ??
        this.#lookUp(configuration, internDirective('quote', name, false) as NamedDirective),
    );
    return [this.#lookUp(configuration, IMPLICIT), ...forced].filter((it) => it !== null);
  }

  #precompiled(path: string, suffixes: readonly string[]): string | null {
    for (const suffix of suffixes) {
      if (this.#facts.isFile(path + suffix) || this.#facts.isDirectory(path + suffix)) return path + suffix;
    }
    return null;
  }

  /** Follows computed includes until nothing new turns up; returns those that no known macro resolves. */
  #followComputed(walk: Walk, request: ScanRequest): string[] {
    if (walk.computed.length === 0) return [];
    const fromCommand = macrosOfCommandLine(request.scan.macros);
    const unresolved = new Set<string>();
    const lookup = (name: string): string[] => {
      const values = new Set(fromCommand.get(name));
      for (const node of walk.visited) {
        for (const value of node.parsed?.headerMacros.get(name) ?? []) values.add(value);
      }
      return [...values];
    };
    // A file that is found late can define a macro that an earlier include uses, so rounds go on until one finds nothing.
    for (let filesBefore = -1; filesBefore < walk.files.length;) {
      filesBefore = walk.files.length;
      unresolved.clear();
      for (const { node, directive } of [...walk.computed]) {
        const expansion = expandComputed(directive.text, directive.next, lookup);
        if (!expansion.complete) unresolved.add(directive.text);
        for (const named of expansion.directives) {
          for (const found of this.#resolve(walk.configuration, node, named)) list(walk, found);
        }
      }
      this.#follow(walk);
    }
    return [...unresolved];
  }

  #lineFiles(walk: Walk, cwd: string): Set<string> {
    const named = new Set<string>();
    for (const node of walk.visited) {
      for (const name of node.parsed?.lineFiles ?? []) {
        const path = spellAbsolute(name, cwd);
        if (this.#facts.isFile(path)) named.add(path);
      }
    }
    if (named.size > 0) for (const path of walk.files) named.delete(path);
    return named;
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

function spellFrom(dir: string, name: string): string {
  if (name.startsWith('/')) return spellAbsolute(name, '/');
  return spellAbsolute(`${dir === '/' ? '' : dir}/${name}`, '/');
}

function nothingButSource(request: ScanRequest, configuration: Configuration): ScanResult {
  return {
    files: [spellAbsolute(request.source, request.cwd)],
    searchDirs: [...configuration.chain.value.quote, ...configuration.chain.value.angle],
    unresolved: [],
    usesTimestamp: false,
    usesDate: false,
    hasAssemblerIncludes: false,
    precompiledHeader: null,
  };
}

/** Requests with equal keys search alike. The working directory matters only when some directory is relative to it. */
function configurationKey(request: ScanRequest): string {
  const { scan } = request;
  const given = [scan.quoteDirs, scan.includeDirs, scan.systemDirs, scan.afterDirs];
  const cwd = given.every((dirs) => dirs.every((dir) => dir.startsWith('/'))) ? '' : request.cwd;
  return JSON.stringify([given, scan.sysroot, scan.noStdInc, cwd, request.envDirs, request.builtin.systemDirs]);
}
