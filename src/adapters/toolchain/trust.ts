// Which programs may be run to describe them when another machine names their path: compilers by name that the machine's
// administrator or the agent's own user installed. Anyone else could have put a program there under a compiler's name.
import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { recognizeDriver } from '../../compiler/command/driver.ts';

/** True when the file at `path`, all links followed, is called and kept as a compiler. Never throws. */
export function isTrustedCompiler(path: string): boolean {
  if (!isAbsolute(path) || recognizeDriver(path) === null) return false;
  try {
    const real = realpathSync(path);
    return recognizeDriver(real) !== null && [real, dirname(real)].every(isOursAlone);
  } catch {
    return false;
  }
}

/** Owned by root or by us, and nobody else may write there. */
function isOursAlone(path: string): boolean {
  const { uid, mode } = statSync(path);
  return (uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0;
}
