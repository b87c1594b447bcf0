// What a depfile leaves out and must still be watched. That it is enough, the random trees of test/scan show.
import { expect, test } from 'vitest';
import { filesToRemember } from './remember.ts';

const contents: Readonly<Record<string, string>> = {
  '/a.c': 'a',
  '/i/x.h': 'x',
  '/j/x.h': 'x',
  '/j/y.h': 'y',
  '/d': 'd',
};
const contentOf = (path: string): string | null => contents[path] ?? null;

test('what was read, what no depfile names, and twins of what was read', () => {
  const scanned = { files: ['/a.c', '/i/x.h', '/j/x.h', '/j/y.h', '/d', '/gone'], unlisted: ['/d'] };
  expect(filesToRemember(['/a.c', '/i/x.h', '/none'], scanned, contentOf)).toEqual([
    '/a.c',
    '/i/x.h',
    '/none',
    '/d',
    '/j/x.h',
  ]);
});
