// CalDAV: finds the owner's calendars from whatever address was given, and fetches what changed since the last time.
import { createDAVClient, DAVNamespaceShort, type DAVAccount, type DAVCalendar } from 'tsdav';
import { err, ok, type Result } from '../../base/result.ts';
import { authorization, boundedFetch, failureOf, refusalOf, type Login } from './http.ts';
import type { Copy, Fetched, FetchFailure } from './types.ts';

const CALENDARS_MAX = 50;
const OBJECTS_MAX = 50_000;
/** So many objects are asked for in one request. */
const AT_ONCE = 200;

type Client = Awaited<ReturnType<typeof createDAVClient>>;

/** Where accounts live, by place and user: found once, since that takes half a dozen requests; forgotten when anything fails. */
const found = new Map<string, DAVAccount>();

/** All calendars of the account at `place`: its principal, its home, or one calendar itself. */
export async function fetchCaldav(
  place: string,
  login: Login,
  known: Copy | null,
  signal: AbortSignal,
): Promise<Result<Fetched, FetchFailure>> {
  const key = `${place}\n${login.user}`;
  let refused: FetchFailure | null = null;
  const bounded = boundedFetch(login, signal);
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await bounded(input, init);
    // tsdav goes on after a refusal and fails later with something else; the first one is what the owner must know.
    if (response.status === 401 || response.status === 403 || response.status === 429 || response.status >= 500) {
      refused ??= refusalOf(response);
      found.delete(key);
    }
    return response;
  };
  try {
    const headers = { authorization: authorization(login) };
    const client = await createDAVClient({
      serverUrl: place,
      credentials: { username: login.user, password: login.password },
      authMethod: 'Custom',
      authFunction: () => Promise.resolve(headers),
      fetch,
    });
    const account =
      found.get(key) ?? (await client.createAccount({ account: { accountType: 'caldav', serverUrl: place }, fetch }));
    if (refused !== null) return err(refused);
    found.set(key, account);
    const all = (await client.fetchCalendars({ account, fetch })).filter(holdsEvents).slice(0, CALENDARS_MAX);
    if (refused !== null) return err(refused);
    // The address of one calendar means that one, not all of the account.
    const named = all.filter((calendar) => withoutSlash(calendar.url) === withoutSlash(place));
    const calendars = named.length > 0 ? named : all;
    if (calendars.length === 0) {
      found.delete(key);
      return err({ message: 'no calendar is found there', retryAfterMs: null });
    }
    const tag = calendars
      .map((calendar) => `${calendar.url} ${calendar.syncToken ?? ''} ${calendar.ctag ?? ''}`)
      .sort()
      .join('\n');
    const tells = calendars.every((calendar) => (calendar.syncToken ?? '') !== '' || (calendar.ctag ?? '') !== '');
    if (known !== null && tells && known.tag === tag) return ok({ is: 'unchanged' });
    const texts: Record<string, { tag: string; text: string }> = {};
    for (const calendar of calendars)
      Object.assign(texts, await objectsOf(client, calendar, known, headers, fetch, bounded));
    if (refused !== null) return err(refused);
    return ok({ is: 'new', copy: { tag: tells ? tag : '', texts } });
  } catch (error) {
    found.delete(key);
    return err(refused ?? failureOf(error));
  }
}

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

function holdsEvents(calendar: DAVCalendar): boolean {
  return (
    calendar.components === undefined ||
    calendar.components.length === 0 ||
    calendar.components.includes('VEVENT') ||
    calendar.components.includes('VAVAILABILITY')
  );
}

type Texts = Record<string, { tag: string; text: string }>;

/** What has changed since the known sync token, or else the tags of all objects; then only the objects whose tags are new. */
async function objectsOf(
  client: Client,
  calendar: DAVCalendar,
  known: Copy | null,
  headers: Record<string, string>,
  fetch: typeof globalThis.fetch,
  /** The same, but a refusal of one request is none of the whole: a server says 403 to a token that it has forgotten. */
  lenient: typeof globalThis.fetch,
): Promise<Texts> {
  const tags =
    (await changedTags(client, calendar, known, headers, lenient)) ?? (await allTags(client, calendar, headers, fetch));
  const texts: Texts = {};
  const missing: string[] = [];
  for (const [url, tag] of tags) {
    const have = known?.texts[url];
    if (have?.tag === tag) texts[url] = have;
    else missing.push(url);
  }
  for (let at = 0; at < missing.length; at += AT_ONCE) {
    const objectUrls = missing.slice(at, at + AT_ONCE);
    const objects = await client.fetchCalendarObjects({ calendar, objectUrls, headers, fetch });
    for (const { url, etag = '', data } of objects) {
      if (typeof data === 'string') texts[new URL(url, calendar.url).href] = { tag: etag, text: data };
    }
  }
  return texts;
}

/** RFC 6578: by the token of the known copy. Null: there is none, or the server no longer knows it. */
async function changedTags(
  client: Client,
  calendar: DAVCalendar,
  known: Copy | null,
  headers: Record<string, string>,
  fetch: typeof globalThis.fetch,
): Promise<ReadonlyMap<string, string> | null> {
  const line = known?.tag.split('\n').find((each) => each.startsWith(`${calendar.url} `));
  const token = line?.split(' ')[1] ?? '';
  if (known === null || token === '') return null;
  const props = { [`${DAVNamespaceShort.DAV}:getetag`]: {} };
  const told = await client.syncCollection({
    url: calendar.url,
    props,
    syncLevel: 1,
    syncToken: token,
    headers,
    fetch,
  });
  const tags = new Map<string, string>();
  for (const [url, { tag }] of Object.entries(known.texts)) if (url.startsWith(calendar.url)) tags.set(url, tag);
  for (const each of told) {
    const url = each.href === undefined ? '' : new URL(each.href, calendar.url).href;
    const isItself = withoutSlash(url) === withoutSlash(calendar.url);
    // One answer for the whole is an error, or says that not all fits into one: the list of all is asked for.
    if (url === '' || isItself) return null;
    const etag = (each.props as { getetag?: unknown } | undefined)?.getetag;
    if (each.status === 404 || each.status === 410) tags.delete(url);
    else if (typeof etag === 'string') tags.set(url, etag);
    else return null;
  }
  return tags;
}

async function allTags(
  client: Client,
  calendar: DAVCalendar,
  headers: Record<string, string>,
  fetch: typeof globalThis.fetch,
): Promise<ReadonlyMap<string, string>> {
  const props = { [`${DAVNamespaceShort.DAV}:getetag`]: {}, [`${DAVNamespaceShort.DAV}:resourcetype`]: {} };
  const listed = await client.propfind({ url: calendar.url, props, depth: '1', headers, fetch });
  const tags = new Map<string, string>();
  for (const { href, props: told, ok: fine } of listed.slice(0, OBJECTS_MAX)) {
    const etag = (told as { getetag?: unknown } | undefined)?.getetag;
    if (!fine || href === undefined || typeof etag !== 'string') continue;
    const url = new URL(href, calendar.url).href;
    if (withoutSlash(url) !== withoutSlash(calendar.url)) tags.set(url, etag);
  }
  return tags;
}
