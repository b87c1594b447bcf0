// A specs file (-specs=) may change anything about gcc. The short ones with which distributions harden their packages only add
// options under conditions: these are read and known; any other keeps the command here.
import { isPlainOption } from './certainty.ts';

/** Parts of gcc's rules that a file may add to; what it says of the linker is nothing to a compile. */
const PARTS = new Set(['self_spec', 'cc1_options', 'cc1', 'cc1plus', 'cpp_options', 'cpp']);
const LINK_PARTS = new Set(['link', 'lib', 'libgcc', 'startfile', 'endfile']);

/** Whether the options that the text adds are known to change nothing but the code. */
function addsPlainOptions(text: string): boolean {
  // Conditions only: `%{!fpie:…}`, alternatives in them, and options. Functions, references and removals are not followed.
  const words = text.replaceAll(/%\{[!\w.,|&*+=<-]*[:}]/g, ' ').replaceAll(/;[!\w.,|&*+=-]*:/g, ' ');
  if (/[%<>()@]/.test(words) || /%\{[^:}]*</.test(text)) return false;
  return words
    .split(/[\s{}|;:]+/)
    .filter((word) => word !== '' && word !== '+')
    .every((word) => /^-(?:no-)?pie$/.test(word) || isPlainOption(word));
}

/** Whether a specs file is one of those that only add such options. */
export function isHarmlessSpecs(text: string): boolean {
  let part: string | null = null;
  for (const line of text.split('\n')) {
    const name = /^\*(\w+):$/.exec(line.trimEnd())?.[1];
    if (name !== undefined) {
      if (!PARTS.has(name) && !LINK_PARTS.has(name)) return false;
      part = name;
    } else if (line.trim() !== '') {
      if (part === null || line.startsWith('%')) return false;
      // What does not begin with a plus takes the place of gcc's own rule.
      if (PARTS.has(part) && !(line.startsWith('+') && addsPlainOptions(line))) return false;
    }
  }
  return true;
}
