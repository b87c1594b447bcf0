// Reads a make rule as compilers write it (-M, -MD): the prerequisites of the first target. Only what gcc and clang quote
// is unquoted: blanks, `#`, `$`, and the backslashes before them.

/** The files that the first rule of `text` depends on, in order. */
export function parseDependencies(text: string): string[] {
  const joined = text.replaceAll(/\\\r?\n/g, ' ');
  const rule = joined.split('\n').find((line) => line.includes(': ') || line.trimEnd().endsWith(':'));
  if (rule === undefined) return [];
  const colon = /(?<!\\):(?=\s|$)/.exec(rule);
  if (colon === null) return [];
  return splitNames(rule.slice(colon.index + 1));
}

function splitNames(text: string): string[] {
  const names: string[] = [];
  for (const [quoted] of text.matchAll(/(?:\\.|[^\s\\])+/g)) {
    names.push(quoted.replaceAll(/(\\*)\\([ \t#])/g, unquoteBackslashes).replaceAll('$$', '$'));
  }
  return names;
}

/** Backslashes double only before a blank. */
function unquoteBackslashes(_: string, doubled: string, quoted: string): string {
  return quoted === '#' ? `${doubled}#` : '\\'.repeat(doubled.length / 2) + quoted;
}
