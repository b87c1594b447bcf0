// Tells each problem once, and again only after the thing has worked in between: a cable that is out is one line, not one
// every two seconds.
import type { OnProblem } from './types.ts';

export interface Problems {
  /** `what` does not work; told if it worked, or was never tried, before. */
  fails(what: string, detail: string): void;
  works(what: string): void;
}

const maxRemembered = 256;

export function createProblems(onProblem: OnProblem): Problems {
  const failing = new Map<string, string>();
  return {
    fails(what, detail) {
      if (failing.get(what) === detail) return;
      if (failing.size >= maxRemembered) failing.clear();
      failing.set(what, detail);
      onProblem(`${what}: ${detail}`);
    },
    works(what) {
      failing.delete(what);
    },
  };
}
