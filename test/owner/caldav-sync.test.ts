// What changed since the last look, on a real server: new, changed and deleted events; and a server that has forgotten our token.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchSource } from '../../src/adapters/calendars/calendars.ts';
import type { Copy, StoredSource } from '../../src/adapters/calendars/types.ts';
import { Radicale, radicaleIsHere } from './radicale.ts';

const password = 'pw';
const never = new AbortController().signal;

describe.skipIf(!radicaleIsHere)('CalDAV, again and again', () => {
  let radicale: Radicale;
  let source: StoredSource;
  beforeAll(async () => {
    radicale = await Radicale.start(password);
    const place = radicale.address('').replace('alice/', '');
    source = { name: 'work', kind: 'caldav', place, user: 'alice', password };
  });
  afterAll(() => radicale.close());

  const put = (name: string, title: string): Promise<void> =>
    radicale.put(name, password, Date.now(), Date.now() + 3_600_000, `SUMMARY:${title}`);
  async function fetched(known: Copy | null): Promise<Copy | 'unchanged'> {
    const found = await fetchSource(source, known, never);
    if (!found.ok) throw new Error(found.error.message);
    return found.value.is === 'new' ? found.value.copy : 'unchanged';
  }
  async function copyOf(known: Copy | null): Promise<Copy> {
    const copy = await fetched(known);
    if (copy === 'unchanged') throw new Error('nothing has changed');
    return copy;
  }
  const titles = (copy: Copy): string[] =>
    Object.values(copy.texts)
      .map(({ text }) => /SUMMARY:(\w+)/.exec(text)?.[1] ?? '')
      .sort();

  test('only what changed is taken over, and nothing stays that is gone', async () => {
    await put('a', 'kept');
    await put('b', 'old');
    await put('c', 'deleted');
    const first = await copyOf(null);
    expect(titles(first)).toEqual(['deleted', 'kept', 'old']);
    expect(await fetched(first)).toBe('unchanged');
    await put('b', 'new');
    await put('d', 'added');
    await radicale.request('DELETE', 'work/c.ics', password);
    const second = await copyOf(first);
    expect(titles(second)).toEqual(['added', 'kept', 'new']);
    // What has not changed is the same text, not a new one.
    const url = radicale.address('work/a.ics');
    expect(second.texts[url]).toBe(first.texts[url]);
    expect(second.texts[url]).toBeDefined();
    await radicale.request('DELETE', 'work/d.ics', password);
    expect(titles(await copyOf(second))).toEqual(['kept', 'new']);
    // From a copy of long ago, too.
    expect(titles(await copyOf(first))).toEqual(['kept', 'new']);
  });

  test('a token that the server does not know: everything is listed', async () => {
    const copy = await copyOf(null);
    const forgotten = copy.tag.replace(/(http:\/\/radicale\.org\/ns\/sync\/)\w+/, `$1${'0'.repeat(64)}`);
    expect(forgotten).not.toBe(copy.tag);
    await put('e', 'later');
    expect(titles(await copyOf({ ...copy, tag: forgotten }))).toEqual(['kept', 'later', 'new']);
  });
});
