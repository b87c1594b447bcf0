// What an assembler would read besides its source: `.include` and `.incbin`, in assembler text and in the string literals of C.
// A name counts only where it stands there whole; anything that a macro, an operand or an escape could change is «unknown».
import type { AssemblerFile } from '../types.ts';
import { copyOf } from './intern.ts';

export interface AssemblerNames {
  readonly files: readonly AssemblerFile[];
  /** Whether something is read whose name cannot be told from the text. */
  readonly unknown: boolean;
}

const NOTHING: AssemblerNames = { files: [], unknown: false };
const READS = /\.inc(?:bin|lude)(?![\w.$])/gi;
/** The operand: an escaped quote within a C string, a bare one in assembler text. Blanks may be written `\t`. */
const OPERAND = /(?:[ \t]|\\t)*(?:\\"([^"\\\n]+)\\"|"([^"\\\n]+)"(?=[ \t\r\n,;#/@!|]|$)|(\\?")|(?<=[ \t])([\w.$<]))?/y;
/** Operands of extended asm, alternatives, arguments of assembler macros: the assembler sees another name. */
const CHANGEABLE = /[%{|}&]|^[ \t]|[ \t]$/;

/** Finds the directives of `text`, whichever language it is in. */
export function findAssemblerNames(text: string): AssemblerNames {
  // Quicker than the expression; assemblers take capitals, too.
  if (!text.includes('.inc') && !text.includes('.I')) return NOTHING;
  const files = new Map<string, AssemblerFile>();
  let unknown = false;
  for (const { 0: word, index } of text.matchAll(READS)) {
    OPERAND.lastIndex = index + word.length;
    const [, escaped, bare, quote, other] = OPERAND.exec(text) ?? [];
    const data = /bin/i.test(word);
    const name = escaped ?? (bare !== undefined && startsStatement(text, index) ? bare : undefined);
    if (name !== undefined && !CHANGEABLE.test(name)) files.set(`${data}${name}`, { name: copyOf(name), data });
    else if (data || escaped !== undefined || bare !== undefined || quote !== undefined) unknown = true;
    // C++ has members called include; only where a statement can start is it the assembler's.
    else if (other !== undefined && startsStatement(text, index)) unknown = true;
  }
  return files.size === 0 && !unknown ? NOTHING : { files: [...files.values()], unknown };
}

/** Whether `at` can begin an assembler statement, outside of a C string. Errs towards no. */
function startsStatement(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  return /(?:^|[;:}/])[ \t]*$/.test(line) && !/^[^"]*(?:"[^"]*"[^"]*)*"[^"]*$/.test(line);
}
