// Computed includes: follows `#include NAME` through object-like macros to the header names it can expand to. All values
// that any file or the command line gives a macro count, because nobody here knows which branch is alive.
import type { Directive, ParsedFile, ScanOptions, ScanRequest } from '../types.ts';
import { directiveOfExpansion, headerValueOf } from './parse.ts';

/** Every known value of a macro; empty when there is none. */
export type MacroLookup = (name: string) => Iterable<string>;

export interface Expansion {
  readonly directives: readonly Directive[];
  /** False: some branch ends in a macro that is not known, or in text that only a preprocessor can expand. */
  readonly complete: boolean;
}

/** The values of -D options by name, in the form of `ParsedFile.headerMacros`. */
function macrosOfCommandLine(macros: ScanOptions['macros']): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const [kind, text] of macros) {
    if (kind !== 'D') continue;
    const equals = text.indexOf('=');
    if (equals < 0) continue;
    const value = headerValueOf(text.slice(equals + 1));
    if (value === null) continue;
    const name = text.slice(0, equals);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}

/** What macros can stand for by the command line and by the files that `known` tells each time it is asked. */
export function macroLookup(request: ScanRequest, known: () => Iterable<ParsedFile | null>): MacroLookup {
  const fromCommand = macrosOfCommandLine(request.scan.macros);
  return (name) => {
    const values = new Set(fromCommand.get(name));
    for (const parsed of known()) {
      for (const value of parsed?.headerMacros.get(name) ?? []) values.add(value);
    }
    return values;
  };
}

/** Expands the operand of a computed include to all headers that it can name. */
export function expandComputed(text: string, next: boolean, lookup: MacroLookup): Expansion {
  const directives = new Set<Directive>();
  const seen = new Set<string>();
  const pending = [text];
  let complete = true;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (seen.has(part)) continue;
    seen.add(part);
    const directive = directiveOfExpansion(part, next);
    if (directive !== null) {
      directives.add(directive);
      continue;
    }
    const values = /^[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*$/.test(part) ? [...lookup(part)] : [];
    if (values.length === 0) complete = false;
    pending.push(...values);
  }
  return { directives: [...directives], complete };
}
