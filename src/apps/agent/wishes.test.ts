// Whose wish counts: the command's, the project's, the configuration's, in this order, each by itself.
import { expect, test } from 'vitest';
import type { Project } from '../../adapters/config/project.ts';
import { WishBook } from './wishes.ts';

const nothing: Project = { root: null, policy: null, needs: null, fault: null, ignored: null };

function book(projects: Record<string, Partial<Project>>): { wishes: WishBook; looks: string[]; problems: unknown[] } {
  const looks: string[] = [];
  const problems: unknown[] = [];
  const wishes = new WishBook(
    { policy: 'finish', needs: 'load < 9' },
    (place, why) => problems.push([place, why]),
    (cwd) => {
      looks.push(cwd);
      return { ...nothing, ...projects[cwd] };
    },
  );
  return { wishes, looks, problems };
}

test('command, project, configuration', () => {
  const { wishes } = book({ '/p/out': { root: '/p', policy: 'record', needs: 'slots > 1' }, '/q': { root: '/q' } });
  expect(wishes.of('', '/p/out')).toEqual({ project: '/p', policy: 'record', needs: 'slots > 1' });
  expect(wishes.of('', '/q')).toEqual({ project: '/q', policy: 'finish', needs: 'load < 9' });
  expect(wishes.start('b1', { cwd: '/p/out', policy: 'first', needs: '' }).ok).toBe(true);
  expect(wishes.of('b1', '/p/out')).toEqual({ project: '/p', policy: 'first', needs: 'slots > 1' });
  wishes.start('b2', { cwd: '/p/out', policy: null, needs: 'load < 1' });
  expect(wishes.of('b2', '/p/out')).toEqual({ project: '/p', policy: 'record', needs: 'load < 1' });
  wishes.end('b2');
  expect(wishes.of('b2', '/p/out').needs).toBe('slots > 1');
});

test('what belongs to no project is one by where the build, or the compile, runs', () => {
  const { wishes } = book({});
  wishes.start('b', { cwd: '/tmp/build', policy: null, needs: '' });
  expect(wishes.of('b', '/tmp/build/sub').project).toBe('/tmp/build');
  expect(wishes.of('', '/tmp/other').project).toBe('/tmp/other');
});

test('a directory is looked at once for many compiles', () => {
  const { wishes, looks } = book({});
  for (let i = 0; i < 50; i++) wishes.of('', '/p');
  expect(looks).toEqual(['/p']);
});

test('a bad file refuses a build and is told otherwise; one that does not count only is told', () => {
  const bad = '/p/.tender.toml:2: delegate.policy: Invalid option';
  const foreign = '/q/.tender.toml: belongs to another user and does not count';
  const { wishes, problems } = book({
    '/p': { root: '/p', fault: bad },
    '/q': { root: '/q', ignored: foreign },
    '/r': { root: '/r' },
  });
  expect(wishes.start('b', { cwd: '/p', policy: null, needs: '' })).toEqual({ ok: false, error: bad });
  expect(wishes.start('b', { cwd: '/q', policy: null, needs: '' }).ok).toBe(true);
  wishes.of('', '/p');
  wishes.of('', '/r');
  expect(problems).toEqual([
    ['/p', bad],
    ['/r', null],
  ]);
});
