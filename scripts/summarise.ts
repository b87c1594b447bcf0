// The last line of npm test, from vitest's JSON report and exit code. Suspicious on purpose: no report, no test, a test
// file that did not run, or a vitest that failed without a failed test must never look like success.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What went wrong beyond failed tests, one sentence each. */
  readonly problems: readonly string[];
}

/**
 * Counts the tests of a run. Each problem counts as one failed test, so that no zero hides it.
 * @param report vitest's JSON report as text, or null when there is none
 * @param expectedFiles absolute paths of the test files that must appear in the report
 */
export function countOutcome(
  report: string | null,
  exits: { readonly types: number; readonly vitest: number },
  expectedFiles: readonly string[],
): Outcome {
  const problems: string[] = [];
  if (exits.types !== 0) problems.push('type errors (tsc -b), see above');
  const files = parseReport(report);
  if (files === null) {
    problems.push(`vitest left no usable report (exit code ${exits.vitest})`);
    return { passed: 0, failed: problems.length, skipped: 0, problems };
  }
  let [passed, failed, skipped] = [0, 0, 0];
  for (const file of files) {
    const failedBefore = failed;
    for (const { status } of file.assertionResults) {
      if (status === 'passed') passed += 1;
      else if (status === 'failed') failed += 1;
      else skipped += 1;
    }
    if (file.status === 'failed' && failed === failedBefore) {
      problems.push(`${file.name} did not run to its end: ${file.message.split('\n', 1)[0] ?? ''}`);
    }
  }
  const ran = new Set(files.map((file) => file.name));
  for (const name of expectedFiles) if (!ran.has(name)) problems.push(`${name} did not run`);
  if (passed + failed === 0) problems.push('no test ran');
  if (exits.vitest !== 0 && failed === 0 && problems.length === 0) {
    problems.push(`vitest failed outside of any test (exit code ${exits.vitest}), see above`);
  }
  return { passed, failed: failed + problems.length, skipped, problems };
}

function parseReport(report: string | null): Report['testResults'] | null {
  try {
    const parsed = JSON.parse(report ?? 'null') as Partial<Report> | null;
    return Array.isArray(parsed?.testResults) ? parsed.testResults : null;
  } catch {
    return null;
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      results: { type: 'string', default: '' },
      types: { type: 'string', default: '0' },
      vitest: { type: 'string', default: '1' },
      every: { type: 'boolean', default: false },
    },
  });
  const expected = values.every ? globSync('{src,launcher,test}/**/*.test.ts').map((name) => path.resolve(name)) : [];
  const exits = { types: Number(values.types), vitest: Number(values.vitest) };
  const outcome = countOutcome(readOrNull(values.results), exits, expected);
  for (const problem of outcome.problems) console.log(`failed: ${problem}`);
  const skipped = outcome.skipped === 0 ? '' : `, ${outcome.skipped} skipped`;
  console.log(`${outcome.passed} passed, ${outcome.failed} failed${skipped}`);
  process.exitCode = outcome.failed === 0 ? 0 : 1;
}

if (import.meta.main) main();
