// What can go wrong for the user of a benchmark: said in one sentence, and the end of it. A benchmark has no caller that could
// do anything else about it, so it is thrown up to the command line.

export class BenchProblem extends Error {}

/** The value, or the failure's message as the benchmark's end. */
export function must<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown },
): T {
  if (result.ok) return result.value;
  const { error } = result;
  throw new BenchProblem(typeof error === 'string' ? error : (error as { readonly message: string }).message);
}
