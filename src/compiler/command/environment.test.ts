// Which variables go along, and what the search variables add.
import { describe, expect, test } from 'vitest';
import { envDirs, envSubset } from './environment.ts';

test('only variables that matter go along, sorted', () => {
  const env = new Map([
    ['TERM', 'xterm'],
    ['HOME', '/w/u'],
    ['LC_ALL', 'C'],
    ['PWD', '/b'],
    ['LANG', 'de_DE.UTF-8'],
    ['PATH', '/bin'],
    ['SOURCE_DATE_EPOCH', '0'],
    ['CPATH', ''],
    ['SSH_AUTH_SOCK', '/x'],
  ]);
  expect(envSubset(env)).toEqual([
    'CPATH=',
    'LANG=de_DE.UTF-8',
    'LC_ALL=C',
    'PWD=/b',
    'SOURCE_DATE_EPOCH=0',
    'TERM=xterm',
  ]);
});

describe('search variables', () => {
  const env = new Map([
    ['CPATH', '/a:rel:'],
    ['C_INCLUDE_PATH', '/c'],
    ['CPLUS_INCLUDE_PATH', '/cxx::/more'],
    ['OBJC_INCLUDE_PATH', ''],
    ['OBJCPLUS_INCLUDE_PATH', '/oxx'],
  ]);
  const afterI = ['/a', '/w/rel', '/w'];

  test.each([
    ['c', 'gcc', ['/c']],
    ['assembler-cpp', 'gcc', ['/c']],
    ['c++', 'gcc', ['/cxx', '/w', '/more']],
    ['objc', 'gcc', []],
    ['objc++', 'gcc', ['/oxx']],
    ['objc++', 'clang', ['/cxx', '/w', '/more', '/oxx']],
    ['c-preprocessed', 'gcc', []],
  ] as const)('%s, %s', (language, family, afterSystem) => {
    expect(envDirs(env, language, '/w', family)).toEqual({ afterI, afterSystem });
  });

  test('none set, none added', () => {
    expect(envDirs(new Map(), 'c', '/w')).toEqual({ afterI: [], afterSystem: [] });
  });
});
