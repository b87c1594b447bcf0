// The last line of npm test must not be fooled: whatever went wrong, it never ends with «0 failed».
import { describe, expect, test } from 'vitest';
import { countOutcome } from '../../scripts/summarise.ts';

const file = (name: string, statuses: readonly string[], status = 'passed', message = '') => ({
  name,
  status,
  message,
  assertionResults: statuses.map((each) => ({ status: each })),
});
const report = (...testResults: ReturnType<typeof file>[]): string => JSON.stringify({ testResults });
const fine = { types: 0, vitest: 0 };

describe('countOutcome', () => {
  test('counts what ran', () => {
    const text = report(file('/a', ['passed', 'passed', 'skipped']), file('/b', ['passed', 'pending', 'todo']));
    expect(countOutcome(text, fine, ['/a', '/b'])).toEqual({ passed: 3, failed: 0, skipped: 3, problems: [] });
  });

  test('counts failed tests once', () => {
    const text = report(file('/a', ['passed', 'failed', 'failed'], 'failed'));
    expect(countOutcome(text, { types: 0, vitest: 1 }, ['/a'])).toMatchObject({ passed: 1, failed: 2, problems: [] });
  });

  test.each([
    ['vitest crashed before its report', null, { types: 0, vitest: 134 }, []],
    ['the report is cut short', '{"testResults": [', { types: 0, vitest: 0 }, []],
    ['the report is something else', '[]', fine, []],
    ['no test ran', report(), fine, []],
    ['all tests were skipped', report(file('/a', ['skipped'])), fine, []],
    [
      'a file could not be loaded',
      report(file('/a', ['passed']), file('/b', [], 'failed', 'no such module')),
      fine,
      [],
    ],
    ['an unhandled error, all tests passed', report(file('/a', ['passed'])), { types: 0, vitest: 1 }, []],
    ['type errors, all tests passed', report(file('/a', ['passed'])), { types: 2, vitest: 0 }, []],
    ['a test file that nothing runs', report(file('/a', ['passed'])), fine, ['/a', '/b']],
  ])('fails when %s', (_what, text, exits, expected) => {
    const { failed, problems } = countOutcome(text, exits, expected);
    expect(failed).toBe(1);
    expect(problems).toHaveLength(1);
  });
});
