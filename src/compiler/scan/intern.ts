// One object per distinct directive and one copy per distinct string, over all files: `#include <string>` stands in
// hundreds of them. A slice of a file's text would keep that whole text in memory, so strings are copied once.
import type { Directive } from '../types.ts';

/** Above this many entries a table starts anew: equal directives then exist twice, which costs memory and nothing else. */
const MAX_ENTRIES = 50_000;

const strings = new Map<string, string>();
const directives = new Map<string, Directive>();

/** An equal string that does not hold on to the text it was cut from. */
export function copyOf(slice: string): string {
  const known = strings.get(slice);
  if (known !== undefined) return known;
  if (strings.size >= MAX_ENTRIES) strings.clear();
  const copy = JSON.parse(JSON.stringify(slice)) as string;
  strings.set(copy, copy);
  return copy;
}

/** The one directive of this form, text and `next`. */
export function internDirective(form: Directive['form'], text: string, next: boolean): Directive {
  const key = `${next ? '+' : '-'}${form === 'computed' ? '$' : form === 'angle' ? '<' : '"'}${text}`;
  const known = directives.get(key);
  if (known !== undefined) return known;
  if (directives.size >= MAX_ENTRIES) directives.clear();
  const copy = copyOf(text);
  const made: Directive = form === 'computed' ? { form, text: copy, next } : { form, name: copy, next };
  directives.set(key, made);
  return made;
}
