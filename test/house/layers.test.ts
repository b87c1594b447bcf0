// The real tree keeps the rules of the house, and each rule is seen to fail on a tree that breaks it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkHouse } from './layers.ts';
import type { Rule } from './layers.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** What git tracks, and what it would: a new file must not slip through until it is committed. */
function readTree(): Map<string, string> {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  const names = list.toString().split('\0').filter(Boolean);
  const files = names.filter((name) => existsSync(path.join(root, name)) && statSync(path.join(root, name)).isFile());
  return new Map(files.map((name) => [name, readFileSync(path.join(root, name), 'utf8')]));
}

const licence = 'Apache License\nEND OF TERMS AND CONDITIONS\n';
const tidy: readonly [string, string][] = [
  ['LICENSE', licence],
  ['src/base/result.ts', '// Head.\nexport const a = 1;\n'],
  ['src/core/task.ts', "// Head.\nimport { a } from '../base/result.ts';\nexport const b = a;\n"],
  [
    'src/adapters/blobs/store.ts',
    "// Head.\nimport { b } from '../../core/task.ts';\nimport 'node:fs';\nexport const c = b;\n",
  ],
  ['src/apps/agent/agent.ts', "// Head.\nimport { c } from '../../adapters/blobs/store.ts';\nexport const d = c;\n"],
  ['src/apps/main.ts', "// Head.\nimport { d } from './agent/agent.ts';\nconsole.log(d, Date.now());\n"],
];

const check = (...changes: readonly (readonly [string, string])[]) => checkHouse(new Map([...tidy, ...changes]));

describe('the house', () => {
  test('is in order', () => {
    const tree = readTree();
    expect(tree.has('src/core/types.ts')).toBe(true);
    expect(checkHouse(tree).map(({ path: where, rule, detail }) => `${where}: ${rule}: ${detail}`)).toEqual([]);
  });

  test('a tidy small tree has no findings', () => {
    expect(check()).toEqual([]);
  });

  const violations: readonly (readonly [string, Rule, string, string])[] = [
    [
      'core imports an adapter',
      'upward-import',
      'src/core/x.ts',
      "// H.\nimport { c } from '../adapters/blobs/store.ts';\n",
    ],
    [
      'core imports the compiler',
      'upward-import',
      'src/core/x.ts',
      "// H.\nimport type { C } from '../compiler/types.ts';\n",
    ],
    ['base imports core, by re-export', 'upward-import', 'src/base/x.ts', "// H.\nexport * from '../core/task.ts';\n"],
    ['wire imports apps, dynamically', 'upward-import', 'src/wire/x.ts', "// H.\nawait import('../apps/main.ts');\n"],
    [
      'an adapter imports a test helper',
      'upward-import',
      'src/adapters/a/x.ts',
      "// H.\nimport '../../../test/help.ts';\n",
    ],
    ['a folder that is no layer', 'upward-import', 'src/misc/x.ts', '// H.\n'],
    [
      'an adapter imports another',
      'sideways-import',
      'src/adapters/net/x.ts',
      "// H.\nimport { c } from '../blobs/store.ts';\n",
    ],
    ['an app imports another', 'sideways-import', 'src/apps/agent/x.ts', "// H.\nimport '../demo/demo.ts';\n"],
    ['an app imports the door', 'sideways-import', 'src/apps/agent/x.ts', "// H.\nimport '../main.ts';\n"],
    ['common ground imports an app', 'sideways-import', 'src/apps/x.ts', "// H.\nimport './agent/agent.ts';\n"],
    ['core imports node:fs', 'impure-import', 'src/core/x.ts', "// H.\nimport fs from 'node:fs';\n"],
    ['the compiler imports a package', 'impure-import', 'src/compiler/x.ts', "// H.\nimport { z } from 'zod';\n"],
    ['core asks the time', 'impure-name', 'src/core/x.ts', '// H.\nexport const now = () => Date.now();\n'],
    ['core makes a Date', 'impure-name', 'src/core/x.ts', '// H.\nexport const now = new Date();\n'],
    [
      'core asks the time in a template',
      'impure-name',
      'src/core/x.ts',
      '// H.\nexport const s = `at ${Date.now()}`;\n',
    ],
    ['core sets a timer', 'impure-name', 'src/core/x.ts', '// H.\nsetTimeout(() => {}, 1);\n'],
    ['core rolls dice', 'impure-name', 'src/core/x.ts', '// H.\nexport const r = Math.random();\n'],
    ['base reads the environment', 'impure-name', 'src/base/x.ts', '// H.\nexport const e = process.env;\n'],
    ['the compiler measures', 'impure-name', 'src/compiler/x.ts', '// H.\nexport const t = performance.now();\n'],
    [
      'core goes round by globalThis',
      'impure-name',
      'src/core/x.ts',
      "// H.\nexport const D = globalThis['Da' + 'te'];\n",
    ],
    ['no head comment', 'head-comment', 'src/core/x.ts', 'export const x = 1;\n'],
    ['a very long file', 'too-long', 'src/core/x.ts', `// H.\n${'export {};\n'.repeat(400)}`],
    ['a path of one machine', 'machine-path', 'docs/x.md', `see ${['', 'work', 'main'].join('/')} for it\n`],
    ['a home of one person', 'machine-path', 'src/core/x.ts', `// ${['', 'home', 'carla', 'src'].join('/')}\n`],
    ['a registry host', 'machine-path', 'README.md', `from ${'https:'}//registry.example.org/x\n`],
    ['a licence cut short', 'licence', 'LICENSE', 'Apache License\n'],
  ];
  test.each(violations)('finds: %s', (_what, rule, where, text) => {
    const findings = check([where, text]);
    expect(findings.map((finding) => [finding.path, finding.rule])).toEqual([[where, rule]]);
  });

  test('finds nothing in what only looks like a violation', () => {
    const lookalikes = `// Date.now() and process are named in a comment only.
export const words = ['Date.now()', "setTimeout", \`Math.random() \${1 + 1} process\`];
export const quote = '\\'//'; // process
export interface Clock { readonly process: string; toDate(): number }
export const f = (clock: Clock) => clock.process + String(clock.toDate());
`;
    expect(check(['src/core/x.ts', lookalikes])).toEqual([]);
    expect(check(['src/apps/x.ts', '// H.\n'], ['src/apps/agent/x.ts', "// H.\nimport '../x.ts';\n"])).toEqual([]);
    expect(check(['src/core/x.test.ts', "// H.\nimport 'node:fs';\nimport '../adapters/blobs/store.ts';\n"])).toEqual(
      [],
    );
    expect(check(['src/compiler/options.ts', `// H.\n${'export {};\n'.repeat(900)}`])).toEqual([]);
  });
});
