// How every command tells of a failure: one line on standard error, no stack trace.

/** Prints the sentence; the exit code to end with. */
export function complain(message: string): number {
  process.stderr.write(`tender: ${message}\n`);
  return 1;
}
