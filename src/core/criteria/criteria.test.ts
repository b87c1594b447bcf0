// The criteria language: what it accepts, what it answers, and what it says when it refuses.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import type { Facts, Verdict } from './evaluate.ts';
import { parseCriteria } from './parse.ts';
import { NAMES } from './vocabulary.ts';

const GIB = 1024 ** 3;
const facts: Facts = new Map<string, string | number>([
  ['arch', 'x86_64'],
  ['os', 'linux'],
  ['name', 'pear'],
  ['cpu.ghz', 2.4],
  ['cpu.cores', 8],
  ['cpu.model', 'Example 3000'],
  ['mem.free', 1.2 * GIB],
  ['mem.total', 16 * GIB],
  ['load', 0.8],
  ['pressure', 12],
  ['slots', 4],
  ['free.for', 15 * 60e3],
]);

function check(text: string): Verdict {
  const parsed = parseCriteria(text);
  if (!parsed.ok) throw new Error(`${parsed.error.position}: ${parsed.error.message}`);
  return evaluate(parsed.value, facts);
}

function refusal(text: string): string {
  const parsed = parseCriteria(text);
  return parsed.ok ? 'accepted' : `${parsed.error.position}: ${parsed.error.message}`;
}

describe('passes', () => {
  test.each([
    '',
    '  ',
    'arch == "x86_64"',
    "os == 'linux' && cpu.cores >= 8",
    'cpu.ghz >= 2 && mem.free >= 1GiB && arch == "x86_64"',
    'cpu.ghz >= 2400MHz && cpu.ghz < 2.5 GHz',
    'load < 0.9 || slots > 100',
    'load <= 80%',
    'pressure < 20',
    'pressure < 20%',
    'free.for >= 10m && free.for < 1h && free.for > 0.25 h || free.for == 900 s',
    'name in ["apple", "pear"]',
    '!(name in ["apple"]) && slots in [2, 4]',
    '!(load > 0.9 || mem.free > 100 GB)',
    'mem.free < mem.total',
    '1MB <= mem.free',
    'mem.free > 0',
    'free.for > 0',
  ])('%s', (text) => {
    expect(check(text)).toEqual({ pass: true, failed: '' });
  });
});

describe('fails, in words', () => {
  test.each([
    ['mem.free >= 2GiB', 'mem.free 1.2 GiB, at least 2 GiB wanted'],
    ['2 GiB < mem.free', 'mem.free 1.2 GiB, more than 2 GiB wanted'],
    ['arch == "aarch64"', 'arch "x86_64", "aarch64" wanted'],
    ['arch != "x86_64"', 'arch "x86_64", anything but "x86_64" wanted'],
    ['cpu.ghz >= 3 && mem.free >= 2GiB', 'cpu.ghz 2.4 GHz, at least 3 GHz wanted'],
    ['cpu.ghz >= 2 && load < 0.5', 'load 0.8, less than 0.5 wanted'],
    ['load < 50%', 'load 0.8, less than 0.5 wanted'],
    ['slots > 10 || cpu.cores > 10', 'slots 4, more than 10 wanted; cpu.cores 8, more than 10 wanted'],
    ['!(load > 0.5)', 'load 0.8, at most 0.5 wanted'],
    ['!(load > 0.5 && slots > 2)', 'load 0.8, at most 0.5 wanted; slots 4, at most 2 wanted'],
    ['name in ["apple", "fig"]', 'name "pear", one of "apple", "fig" wanted'],
    ['!(name in ["pear"])', 'name "pear", none of "pear" wanted'],
    ['free.for >= 2h', 'free.for 15 min, at least 2 h wanted'],
    ['site == "berlin"', 'site is not known here, "berlin" wanted'],
    ['!(site == "berlin")', 'site is not known here, anything but "berlin" wanted'],
    ['pressure < 10%', 'pressure 12 %, less than 10 % wanted'],
    ['mem.free == mem.total', 'mem.free 1.2 GiB, mem.total 16 GiB wanted'],
  ])('%s', (text, failed) => {
    expect(check(text)).toEqual({ pass: false, failed });
  });
});

describe('refuses, with the position', () => {
  test.each([
    ['memfree > 2GiB', '0: "memfree" is not a known name: did you mean mem.free? (text goes in quotes)'],
    ['cpu_ghz > 2', '0: "cpu_ghz" is not a known name: did you mean cpu.ghz? (text goes in quotes)'],
    ['cores > 2', '0: "cores" is not a known name: did you mean cpu.cores? (text goes in quotes)'],
    ['arch == x86', '8: "x86" is not a known name'],
    [
      'mem.free > 2',
      '11: mem.free is a number of bytes and cannot be compared with a number: write a unit, as in 2GiB',
    ],
    ['free.for > 2GiB', '11: free.for is a duration and cannot be compared with a number of bytes: write, as in 10m'],
    ['arch == 5', '8: arch is text and cannot be compared with a number'],
    ['load < "low"', '7: load is a number and cannot be compared with text'],
    ['arch < "b"', '5: "<" does not compare text: use ==, != or in'],
    ['load = 2', '5: "=" is not a comparison: use =='],
    ['load < 2 & slots > 1', '9: "&" joins nothing: use &&'],
    ['load < 2 slots > 1', '9: "slots" is not expected here'],
    ['(load < 2', '9: a ")" is missing before the end'],
    ['load <', '6: a name or a value is expected, not the end'],
    ['load', '4: a comparison (== != < <= > >= in) is expected, not the end'],
    ['mem.free > 2Gb', '12: "Gb" is not a known unit'],
    ['arch == "x86', '8: the text that begins here has no closing "'],
    ['name in "pear"', '8: a list is expected after "in"'],
    ['name in ["pear"', '15: a "]" or "," is missing before the end'],
    ['name in [arch]', '9: a list holds values, not names'],
    ['2 < 3', '4: neither side is a name'],
    ['load < mem.free', '7: load is a number and cannot be compared with mem.free, which is a number of bytes'],
    ['load # 3', '5: "#" has no meaning here'],
    ['__proto__ == "x"', '0: "__proto__" is not a known name'],
    ['load < 2constructor', '8: "constructor" is not a known unit'],
  ])('%s', (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  test('too long, too deep', () => {
    expect(refusal('load < 1 || '.repeat(200))).toContain('longer than 2000 characters');
    expect(refusal(`${'('.repeat(60)}load < 1${')'.repeat(60)}`)).toContain('nested deeper than 50 levels');
    expect(refusal(`${'!'.repeat(60)}(load < 1)`)).toContain('nested deeper than 50 levels');
  });
});

test('any text is either accepted or refused with a position inside it, never an exception', () => {
  const words = [
    ...Object.keys(NAMES),
    '&&',
    '||',
    '!',
    '(',
    ')',
    '==',
    '<',
    'in',
    '[',
    ']',
    ',',
    '2GiB',
    '"x"',
    '5',
    '%',
  ];
  const soup = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...words), { maxLength: 20 }).map((w) => w.join(' ')),
  );
  fc.assert(
    fc.property(soup, (text) => {
      const parsed = parseCriteria(text);
      if (parsed.ok) {
        const plain = evaluate(parsed.value, facts);
        expect(plain.pass).toBe(plain.failed === '');
      } else {
        expect(parsed.error.position).toBeGreaterThanOrEqual(0);
        expect(parsed.error.position).toBeLessThanOrEqual(text.length);
        expect(parsed.error.message).not.toBe('');
      }
    }),
    { numRuns: 2000 },
  );
});

test('an expression and its negation are never both met', () => {
  const comparison = fc.constantFrom('load < 0.5', 'slots > 2', 'arch == "x"', 'site == "y"', 'name in ["pear"]');
  const tree: fc.Arbitrary<string> = fc.letrec<{ t: string }>((tie) => ({
    t: fc.oneof(
      { maxDepth: 4 },
      comparison,
      fc.tuple(tie('t'), fc.constantFrom('&&', '||'), tie('t')).map(([a, op, b]) => `(${a} ${op} ${b})`),
      tie('t').map((t) => `!(${t})`),
    ),
  })).t;
  fc.assert(
    fc.property(tree, (text) => {
      const yes = check(text).pass;
      const no = check(`!(${text})`).pass;
      expect(yes && no).toBe(false);
      if (!text.includes('site')) expect(yes || no).toBe(true);
    }),
  );
});
