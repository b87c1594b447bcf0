// The rules of the house as a pure function of the tree: who may import whom, what the pure layers may not touch,
// and what every file must have. It works on text, so a test can seed a violation without a disk.

export interface Finding {
  readonly path: string;
  readonly rule: Rule;
  readonly detail: string;
}

export type Rule =
  | 'upward-import'
  | 'sideways-import'
  | 'impure-import'
  | 'impure-name'
  | 'head-comment'
  | 'too-long'
  | 'machine-path'
  | 'licence';

/** Each may import from itself and from what is named; nothing else in src/ exists. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  core: ['base'],
  compiler: ['base'],
  calendar: ['base'],
  wire: ['base', 'core', 'compiler', 'calendar'],
  adapters: ['base', 'core', 'compiler', 'calendar', 'wire'],
  apps: ['base', 'core', 'compiler', 'calendar', 'wire', 'adapters'],
};
const PURE = ['base', 'core', 'compiler', 'calendar'];
/** Packages that are as pure as the layer that uses them: grammar, zones and names, no clock and no I/O of their own. */
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  calendar: ['ical.js', 'temporal-polyfill', 'windows-iana'],
};
/** Apps meet nowhere but here: the command line is the door to each of them. */
const DOOR = 'src/apps/main.ts';

const IMPURE_NAMES =
  /(?<![.\w$'"`-])(Date|performance|process|setTimeout|setInterval|setImmediate|queueMicrotask|globalThis|Buffer|Math\.random|crypto|require)\b(?!['"`-])\s*(?=[.([,;)\s]|$)/g;
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g;
// Written so that this file does not find itself.
const MACHINE_PATH = new RegExp(
  String.raw`(?<![\w.~$}/-])/(?:work|root|home/(?!x/|user/|you/|me/|ann/|bob/)\w+)/[\w.-]+|https?://[\w.-]*(?:registry|artifactory|nexus)[\w.-]*`,
  'g',
);
const TEXT = /\.(?:ts|js|mjs|c|h|sh|md|json|toml|proto|yml|yaml)$|^(?:tender|LICENSE|\.npmrc|\.ci\/run)$/;
const MAX_LINES = 400;

/**
 * Checks a tree given as path (relative to the root, with `/`) → text.
 * @returns the violations, in the order of the paths; empty when the house is in order
 */
export function checkHouse(tree: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = [];
  for (const path of [...tree.keys()].sort()) {
    const text = tree.get(path) ?? '';
    if (TEXT.test(path)) findings.push(...checkText(path, text));
    if (/^(?:src|test|scripts|bench|sim|web)\/.*\.ts$|^launcher\/.*\.c$/.test(path)) {
      findings.push(...checkShape(path, text));
    }
    if (/^src\/.*\.ts$/.test(path)) findings.push(...checkLayer(path, text));
  }
  const licence = tree.get('LICENSE') ?? '';
  if (!licence.includes('Apache License') || !licence.includes('END OF TERMS AND CONDITIONS')) {
    findings.push({ path: 'LICENSE', rule: 'licence', detail: 'the full text of the Apache License 2.0 must be here' });
  }
  return findings;
}

function checkText(path: string, text: string): Finding[] {
  if (path === 'package-lock.json') return [];
  return [...text.matchAll(MACHINE_PATH)].map((match) => ({
    path,
    rule: 'machine-path',
    detail: `line ${lineOf(text, match.index)}: ${match[0]}`,
  }));
}

function checkShape(path: string, text: string): Finding[] {
  const findings: Finding[] = [];
  const first = text.replace(/^#!.*\n/, '').trimStart();
  if (!/^(?:\/\/|\/\*)/.test(first)) {
    findings.push({ path, rule: 'head-comment', detail: 'the file must start by saying what it is and why it is so' });
  }
  const lines = text.split('\n').length - 1;
  const mayBeLong = isTest(path) || /(?:^|[/-])(?:options|table|tables|data)\.ts$/.test(path);
  if (lines > MAX_LINES && !mayBeLong) {
    findings.push({ path, rule: 'too-long', detail: `${lines} lines, ${MAX_LINES} at most` });
  }
  return findings;
}

function checkLayer(path: string, text: string): Finding[] {
  const findings: Finding[] = [];
  const { layer, part } = placeOf(path);
  const allowed = MAY_IMPORT[layer];
  if (allowed === undefined) {
    return [{ path, rule: 'upward-import', detail: `src/${layer} is no layer of the house (test/house/layers.ts)` }];
  }
  const pure = PURE.includes(layer) && !isTest(path);
  const code = stripComments(text);
  for (const match of code.matchAll(IMPORT)) {
    const specifier = match[2] ?? '';
    const detail = `line ${lineOf(code, match.index)}: ${specifier}`;
    if (!specifier.startsWith('.')) {
      // A pure layer has no packages but those known to be as pure as the layer.
      if (pure && PURE_PACKAGES[layer]?.includes(specifier) !== true)
        findings.push({ path, rule: 'impure-import', detail });
      continue;
    }
    // Tests may lean on anything: real compilers are what proves a pure parser.
    if (isTest(path)) continue;
    const target = resolve(path, specifier);
    const other = placeOf(target);
    const inSource = target.startsWith('src/');
    if (!inSource || (other.layer !== layer && !allowed.includes(other.layer))) {
      findings.push({ path, rule: 'upward-import', detail });
    } else if (other.layer === layer && ['adapters', 'apps'].includes(layer) && path !== DOOR) {
      // A file beside the folders is common ground: every folder may import it, and it imports none of them.
      const common = other.part === '' && target !== DOOR;
      if (other.part !== part && !common) findings.push({ path, rule: 'sideways-import', detail });
    }
  }
  if (pure) {
    const words = stripStrings(code);
    for (const match of words.matchAll(IMPURE_NAMES)) {
      findings.push({ path, rule: 'impure-name', detail: `line ${lineOf(words, match.index)}: ${match[1]}` });
    }
  }
  return findings;
}

const isTest = (path: string): boolean => path.endsWith('.test.ts');

/** The layer, and the folder within it; a file directly in the layer is in no folder. */
function placeOf(path: string): { layer: string; part: string } {
  const [, layer = '', ...rest] = path.split('/');
  return { layer, part: rest.length > 1 ? (rest[0] ?? '') : '' };
}

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const word of specifier.split('/')) {
    if (word === '..') parts.pop();
    else if (word !== '.') parts.push(word);
  }
  return parts.join('/');
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');

/** Comments become blanks, so that line numbers stay; strings are skipped, so that `'//'` is not a comment. */
function stripComments(text: string): string {
  return text.replaceAll(/(['"`])(?:\\[\s\S]|(?!\1)[^\\])*?\1|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (match) =>
    match.startsWith('/') ? blank(match) : match,
  );
}

/** Strings become blanks; what a template inserts by `${…}` is code and stays. */
function stripStrings(code: string): string {
  return code.replaceAll(/(['"`])((?:\\[\s\S]|(?!\1)[^\\])*?)\1/g, (match, quote: string) =>
    quote === '`' ? match.replaceAll(/(^|\})[^{}]*?(\$\{|$)/g, blank) : blank(match),
  );
}
