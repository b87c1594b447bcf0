// What one Fortran text asks for and makes: modules that it uses, files that it includes, modules and submodules that it holds.
// Nobody here knows its form for certain, so both are read, and what any reading finds counts: too much harms nobody.
import { listStatements, type FormOptions, type Statement } from './statements.ts';

export interface FortranName {
  /** Of a file without its suffix: `m`, or `m@s` for what submodules descend from. */
  readonly name: string;
  /** The line on which it stands. */
  readonly at: number;
}

export interface FortranModule extends FortranName {
  readonly isSubmodule: boolean;
  /** It stands between `#if` and `#endif`. */
  readonly conditional: boolean;
}

export interface ParsedFortran {
  readonly uses: readonly FortranName[];
  /** What SUBMODULE statements descend from: these read `.smod` files. */
  readonly parents: readonly FortranName[];
  readonly modules: readonly FortranModule[];
  readonly includes: readonly string[];
  /** Macros that it defines, and those of them whose text holds one of the words above. */
  readonly macros: ReadonlySet<string>;
  readonly pregnantMacros: readonly string[];
  /** Words that would change the meaning of its statements if they were macros. */
  readonly sensitive: ReadonlySet<string>;
  /** A statement whose name only a preprocessor can tell; null: none. */
  readonly odd: string | null;
}

const KEYWORD = /(?<![\w'"])(?:use|module|submodule|include)(?![\w'"])/i;
const COLUMNS = [72, 80, 132, Number.MAX_SAFE_INTEGER];

/** Whether the text of a macro could make one of the statements that matter. */
export const isPregnant = (text: string): boolean => KEYWORD.test(text);

interface Findings {
  readonly uses: Map<string, number>;
  readonly parents: Map<string, number>;
  readonly modules: Map<string, FortranModule>;
  readonly includes: Set<string>;
  readonly sensitive: Set<string>;
  odd: string | null;
}

/** Reads a text; never fails, since what is no Fortran names nothing. */
export function parseFortran(text: string): ParsedFortran {
  const found: Findings = {
    ...{ uses: new Map(), parents: new Map(), modules: new Map() },
    ...{ includes: new Set(), sensitive: new Set(), odd: null },
  };
  // The traditional preprocessor takes comments of C away and leaves nothing in their place.
  const texts = text.includes('/*') ? [text, text.replaceAll(/\/\*[\s\S]*?\*\//g, '')] : [text];
  for (const one of texts) {
    for (const options of listForms(one)) {
      for (const statement of listStatements(one, options)) read(statement, options.form === 'fixed', found);
    }
  }
  const { macros, pregnantMacros } = readMacros(text);
  const list = (names: ReadonlyMap<string, number>): FortranName[] => [...names].map(([name, at]) => ({ name, at }));
  return {
    uses: list(found.uses),
    parents: list(found.parents),
    modules: [...found.modules.values()],
    includes: [...found.includes],
    macros,
    pregnantMacros,
    sensitive: found.sensitive,
    odd: found.odd,
  };
}

function listForms(text: string): FormOptions[] {
  const isLong = /^[^\n]{73}/m.test(text);
  const sentinels = text.includes('$') ? [false, true] : [false];
  return sentinels.flatMap((on): FormOptions[] => [
    { form: 'free', columns: 0, sentinels: on },
    ...(isLong ? COLUMNS : [72]).map((columns) => ({ form: 'fixed' as const, columns, sentinels: on })),
  ]);
}

const FREE = {
  use: /^(?:\d+[ \t]+)?use(?:[ \t]*,[ \t]*(?:non_)?intrinsic[ \t]*::|[ \t]*::|(?=[ \t]))[ \t]*(.*)$/i,
  module: /^(?:\d+[ \t]+)?module[ \t]+(.*)$/i,
  submodule: /^(?:\d+[ \t]+)?submodule[ \t]*\(([^)]*)\)[ \t]*(.*)$/i,
  include: /^(?:\d+[ \t]*)?include[ \t]*(.*)$/i,
};
const FIXED = {
  use: /^use(?:,(?:non_)?intrinsic::|::)?(.+)$/i,
  module: /^module(.+)$/i,
  submodule: /^submodule\(([^)]*)\)(.+)$/i,
  include: /^include(.+)$/i,
};
const NAME = /^[a-z][\w$]*$/i;
/** A name, and what follows it. */
const NAMED = /^([a-z][\w$]*)([ \t]*)(.*)$/i;

function read({ text, depth, line: at }: Statement, fixed: boolean, found: Findings): void {
  // Most statements are none of these.
  if (!/use|mod|inc/i.test(text)) return;
  const forms = fixed ? FIXED : FREE;
  const used = forms.use.exec(text)?.[1];
  if (used !== undefined) return readUse(used, at, found);
  const [, parent, child] = forms.submodule.exec(text) ?? [];
  if (parent !== undefined && child !== undefined) return readSubmodule(parent, child, { at, depth }, found);
  const named = forms.module.exec(text)?.[1];
  if (named !== undefined) return readModule(named, { at, depth }, found);
  const included = forms.include.exec(text)?.[1];
  if (included !== undefined) {
    const [, single, double] = /^(?:'([^']+)'|"([^"]+)")/.exec(included) ?? [];
    const name = single ?? double;
    if (name !== undefined) found.includes.add(name);
    else noteMacros(included, found);
    return;
  }
  // Arguments of a macro may come to be a statement of their own.
  if (KEYWORD.test(text.replaceAll(/'[^']*'|"[^"]*"/g, ''))) noteMacros(text, found);
}

/** All names in a piece of text count: any of them may be a macro. What is pasted together, nobody can tell here. */
function noteMacros(text: string, found: Findings): void {
  for (const [name] of text.matchAll(/[a-z_]\w*/gi)) found.sensitive.add(name);
  if (text.includes('##')) found.odd ??= text.slice(0, 80);
}

function readUse(rest: string, at: number, found: Findings): void {
  const [, name, blanks = '', more = ''] = NAMED.exec(rest) ?? [];
  // Behind blanks there may be what no column of the line counts.
  if (name === undefined || !(blanks !== '' || /^(?:$|[,&])/.test(more)) || /^[=%(]/.test(more)) {
    return noteMacros(rest, found);
  }
  found.sensitive.add(name);
  const lower = name.toLowerCase();
  found.uses.set(lower, Math.min(at, found.uses.get(lower) ?? at));
}

interface Place {
  readonly at: number;
  readonly depth: number;
}

function readSubmodule(parent: string, child: string, place: Place, found: Findings): void {
  noteMacros(`${parent} ${child}`, found);
  const own = NAMED.exec(child)?.[1];
  const names = parent.split(':').map((name) => name.trim());
  if (own === undefined || names.length > 2 || !names.every((name) => NAME.test(name))) return;
  const [ancestor = '', between] = names.map((name) => name.toLowerCase());
  found.parents.set(between === undefined ? ancestor : `${ancestor}@${between}`, place.at);
  addModule(found, `${ancestor}@${own.toLowerCase()}`, place, true);
}

function readModule(rest: string, place: Place, found: Findings): void {
  const [, name, , more = ''] = NAMED.exec(rest) ?? [];
  // `module procedure p`, `module function f(x)` hold no modules.
  if (name !== undefined && /^(?:$|&|\d+$)/.test(more)) {
    found.sensitive.add(name);
    addModule(found, name.toLowerCase(), place, false);
  } else noteMacros(rest.replace(/\(.*/, '('), found);
}

function addModule(found: Findings, name: string, { at, depth }: Place, isSubmodule: boolean): void {
  const known = found.modules.get(name);
  const conditional = depth > 0 && known?.conditional !== false;
  found.modules.set(name, { name, at: Math.min(at, known?.at ?? at), conditional, isSubmodule });
}

function readMacros(text: string): Pick<ParsedFortran, 'macros' | 'pregnantMacros'> {
  const macros = new Set<string>();
  const pregnantMacros: string[] = [];
  if (!text.includes('define')) return { macros, pregnantMacros };
  for (const [, name = '', body = ''] of text.matchAll(
    /^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)((?:\\\r?\n|[^\n])*)/gm,
  )) {
    macros.add(name);
    if (isPregnant(body)) pregnantMacros.push(name);
  }
  return { macros, pregnantMacros };
}
