// From a compile to what the delegator is told of it: kinds by what costs time, few classes, and the memory that its past asks for.
import { expect, test } from 'vitest';
import { PastRecord } from '../../core/record/record.ts';
import type { ToolchainDescription } from '../../adapters/toolchain/index.ts';
import type { CompilePlan } from '../../compiler/types.ts';
import { TaskClasses, type Compile, type TaskTerms } from './classes.ts';
import type { Wishes } from './wishes.ts';

const MIB = 1024 ** 2;
const toolchain = { digest: 'ab'.repeat(32), label: 'g++ 12.2.0 x86_64-linux-gnu' } as ToolchainDescription;
const wishes: Wishes = { project: '/p', policy: 'record', needs: '' };

function compileOf(args: string, source = '/p/a.cc'): Compile {
  const plan = { sources: [{ path: source, language: 'c++' }], args: args.split(' ') } as unknown as CompilePlan;
  return { plan, toolchain, compiler: '/usr/bin/g++', source, bytes: 1e6 };
}

test.each([
  ['-c a.cc', 'c++ -O0'],
  ['-O -c a.cc', 'c++ -O1'],
  ['-O0 -O3 -c a.cc', 'c++ -O3'],
  ['-g -O2 -Wall -DNAME -c a.cc', 'c++ -O2 -g'],
  ['-ggdb3 -Os -c a.cc', 'c++ -Os -g'],
  ['-g3 -g0 -Ofast -c a.cc', 'c++ -Ofast'],
  ['-gcolumn-info -c a.cc', 'c++ -O0'],
])('the kind of %s', (args, kind) => {
  const classes = new TaskClasses(new PastRecord(), () => true);
  expect(classes.termsOf(compileOf(args), wishes).kind).toBe(`g++ 12.2.0 x86_64-linux-gnu, ${kind}`);
});

test('wishes go along; kinds share a class, as long as they ask for the same', () => {
  const classes = new TaskClasses(new PastRecord(), () => true);
  const [a, b] = ['-O0', '-O2'].map((option) => classes.termsOf(compileOf(`${option} -c a.cc`), wishes)) as [
    TaskTerms,
    TaskTerms,
  ];
  expect(a).toMatchObject({ project: '/p', policy: 'record', memBytes: 512 * MIB });
  expect(a.class).toBe(b.class);
  expect(a.class).toMatchObject({ criteria: '', toolchain: { digest: toolchain.digest, path: '/usr/bin/g++' } });
  const asked = classes.termsOf(compileOf('-c a.cc'), { ...wishes, needs: 'load < 1' });
  expect(asked.class.criteria).toBe('load < 1');
  expect(asked.class.id).not.toBe(a.class.id);
});

test('what units took before becomes criteria, memory of the award and durations of the class', () => {
  const record = new PastRecord();
  const classes = new TaskClasses(record, () => true);
  const kind = 'g++ 12.2.0 x86_64-linux-gnu, c++ -O2';
  for (let i = 0; i < 20; i++) {
    const seen = { classKey: kind, project: '/p', worker: 'w', overheadMs: 0, bytes: 1e6 };
    record.observe({ ...seen, label: `/p/small${i}.cc`, ranMs: 2000, memBytes: 90 * MIB });
  }
  record.observe({
    label: '/p/huge.cc',
    classKey: kind,
    project: '/p',
    worker: 'w',
    overheadMs: 0,
    ranMs: 150_000,
    memBytes: 3000 * MIB,
  });
  const terms = (source: string): TaskTerms => classes.termsOf(compileOf('-O2 -c x.cc', source), wishes);
  expect(terms('/p/small3.cc')).toMatchObject({ memBytes: 128 * MIB, class: { criteria: '' } });
  expect(terms('/p/never-seen.cc')).toMatchObject({ memBytes: 128 * MIB, class: { criteria: '' } });
  expect(terms('/p/huge.cc')).toMatchObject({
    memBytes: 4096 * MIB,
    class: { criteria: 'mem.free >= 4096MiB && free.for >= 1m' },
  });
  const silent = new TaskClasses(record, () => false);
  expect(silent.termsOf(compileOf('-O2 -c x.cc', '/p/huge.cc'), wishes).class.criteria).toBe('mem.free >= 4096MiB');
  expect(terms('/p/small3.cc').class.p80Ms).toBeGreaterThan(1500);
});
