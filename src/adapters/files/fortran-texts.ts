// Files read as Fortran, by their contents: few files are, so a text is read once more for it than for its digest.
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseFortran, type ParsedFortran } from '../../compiler/fortran/parse.ts';
import type { Contents } from './contents.ts';

const MAX_KNOWN = 10_000;
/** Longer ones are no programs. */
const MAX_BYTES = 64 << 20;

export class FortranTexts {
  readonly #known = new Map<string, ParsedFortran>();

  /** Null when the file no longer has these contents. */
  read(path: string, contents: Contents): ParsedFortran | null {
    const digest = contents.digest.toString('latin1');
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    if (contents.size > MAX_BYTES) return null;
    try {
      const bytes = readFileSync(path);
      if (!hash('sha256', bytes, 'buffer').equals(contents.digest)) return null;
      const parsed = parseFortran(bytes.toString('utf8'));
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(digest, parsed);
      return parsed;
    } catch {
      return null;
    }
  }
}
