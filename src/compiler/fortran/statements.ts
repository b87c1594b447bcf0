// A Fortran text cut into statements, in both of the language's forms: comments gone, continued lines joined, each statement
// with the number of conditionals of the preprocessor around it. Strings stay, since INCLUDE has one.

export interface Statement {
  /** In free form blanks as written; in fixed form, where they mean nothing, none outside of strings. */
  readonly text: string;
  /** How many `#if` are open around it. */
  readonly depth: number;
  /** The line on which it begins. */
  readonly line: number;
}

export interface FormOptions {
  readonly form: 'free' | 'fixed';
  /** Columns of a fixed line that count. */
  readonly columns: number;
  /** Whether lines that begin with OpenMP's `!$ ` are code. */
  readonly sentinels: boolean;
}

/** Longer statements are no statements that name files. */
const MAX_STATEMENT = 20_000;

/** All statements of a text, in order. */
export function listStatements(text: string, options: FormOptions): Statement[] {
  const reader = new Reader();
  for (const line of text.split('\n')) {
    reader.line++;
    const bare = line.endsWith('\r') ? line.slice(0, -1) : line;
    const directive = /^[ \t]*#[ \t]*(\w*)/.exec(bare)?.[1];
    if (directive !== undefined) reader.directive(directive);
    else if (options.form === 'free') readFree(reader, bare, options);
    else readFixed(reader, bare, options);
  }
  reader.end();
  return reader.statements;
}

/** What may end a piece of code, and what may end a string. */
const IN_CODE = /['"!&;]/g;
const IN_STRING: Readonly<Record<string, RegExp>> = { "'": /['&]/g, '"': /["&]/g };

class Reader {
  readonly statements: Statement[] = [];
  line = 0;
  depth = 0;
  /** The statement so far, and where it began. */
  text = '';
  begunAt = 0;
  /** Within a string: its quote. */
  quote = '';
  /** Free form: the line before ended in `&`. */
  goesOn = false;

  directive(name: string): void {
    if (name.startsWith('if')) this.depth++;
    else if (name === 'endif') this.depth = Math.max(0, this.depth - 1);
  }

  end(): void {
    this.goesOn = false;
    this.quote = '';
    const text = this.text.trim();
    if (text !== '' && text.length <= MAX_STATEMENT) {
      this.statements.push({ text, depth: this.depth, line: this.begunAt });
    }
    this.text = '';
  }

  /** Adds what stands from `at` up to a comment; true when a `&` ended it. `free`: as in free form. */
  add(line: string, at: number, free: boolean): boolean {
    let from = at;
    for (;;) {
      const ends = this.quote === '' ? IN_CODE : (IN_STRING[this.quote] ?? IN_CODE);
      ends.lastIndex = from;
      const found = ends.exec(line)?.index ?? line.length;
      const piece = line.slice(from, found);
      if (this.text === '') this.begunAt = this.line;
      this.text += free || this.quote !== '' ? piece : piece.replaceAll(/[ \t]+/g, '');
      const char = line.charAt(found);
      from = found + 1;
      if (char === '' || char === '!') return false;
      if (char === '&' && free && isLast(line, from, this.quote !== '')) return true;
      if (char === ';') {
        this.end();
        continue;
      }
      this.text += char;
      if (char === this.quote) this.quote = '';
      else if (this.quote === '' && char !== '&') this.quote = char;
    }
  }
}

/** Whether only blanks, or outside of strings a comment, follow. */
const isLast = (line: string, at: number, inString: boolean): boolean =>
  (inString ? /^[ \t]*$/ : /^[ \t]*(?:!.*)?$/).test(line.slice(at));

function readFree(reader: Reader, line: string, { sentinels }: FormOptions): void {
  let at = /^[ \t]*/.exec(line)?.[0].length ?? 0;
  const sentinel = /^!\$(?=[ \t&])/.test(line.slice(at));
  if (sentinel && sentinels) at += 2;
  // Blank and comment lines may stand between the lines of a statement.
  const rest = line.slice(at).trimStart();
  if (rest === '' || (rest.startsWith('!') && reader.quote === '')) return;
  if (reader.goesOn && rest.startsWith('&')) at = line.indexOf('&', at) + 1;
  // Without the second `&` the next line begins a new word.
  else if (reader.goesOn && reader.quote === '') reader.text += ' ';
  reader.goesOn = reader.add(line, at, true);
  if (!reader.goesOn) reader.end();
}

function readFixed(reader: Reader, line: string, { columns, sentinels }: FormOptions): void {
  let text = line;
  if (/^[cC*!]\$[ \t\d]/.test(text) && sentinels) text = `  ${text.slice(2)}`;
  if (/^[cC*!]/.test(text) || /^[ \t]*(?:!|$)/.test(text)) return;
  // Debug lines, which -fd-lines-as-code makes code.
  if (/^[dD]/.test(text)) text = ` ${text.slice(1)}`;
  const tab = text.slice(0, 6).indexOf('\t');
  const continued = tab >= 0 ? /^[1-9]/.test(text.slice(tab + 1)) : /^ {5}[^ 0]/.test(text);
  const start = tab >= 0 ? tab + (continued ? 2 : 1) : 6;
  if (!continued) reader.end();
  reader.add(text.slice(0, Math.max(start, columns)), start, false);
}
