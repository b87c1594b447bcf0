// CalDAV: finds the owner's calendars from whatever address was given, and fetches what changed since the last time.
import { createDAVClient, DAVNamespaceShort, type DAVCalendar } from 'tsdav';
import { err, ok, type Result } from '../../base/result.ts';
import { authorization, boundedFetch, failureOf, refusalOf, type Login } from './http.ts';
import type { Copy, Fetched, FetchFailure } from './types.ts';

const CALENDARS_MAX = 50;
const OBJECTS_MAX = 50_000;
/** So many objects are asked for in one request. */
const AT_ONCE = 500;

type Client = Awaited<ReturnType<typeof createDAVClient>>;

/** All calendars of the account at `place`: its principal, its home, or one calendar itself. */
export async function fetchCaldav(
  place: string,
  login: Login,
  known: Copy | null,
  signal: AbortSignal,
): Promise<Result<Fetched, FetchFailure>> {
  let refused: FetchFailure | null = null;
  const bounded = boundedFetch(login, signal);
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await bounded(input, init);
    // tsdav goes on after a refusal and fails later with something else; the first one is what the owner must know.
    if (response.status === 401 || response.status === 403 || response.status === 429 || response.status >= 500) {
      refused ??= refusalOf(response);
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
    const account = await client.createAccount({ account: { accountType: 'caldav', serverUrl: place }, fetch });
    if (refused !== null) return err(refused);
    const found = (await client.fetchCalendars({ account, fetch })).filter(holdsEvents).slice(0, CALENDARS_MAX);
    if (refused !== null) return err(refused);
    // The address of one calendar means that one, not all of the account.
    const named = found.filter((calendar) => withoutSlash(calendar.url) === withoutSlash(place));
    const calendars = named.length > 0 ? named : found;
    if (calendars.length === 0) return err({ message: 'no calendar is found there', retryAfterMs: null });
    const tag = calendars
      .map((calendar) => `${calendar.url} ${calendar.syncToken ?? ''} ${calendar.ctag ?? ''}`)
      .sort()
      .join('\n');
    const tells = calendars.every((calendar) => (calendar.syncToken ?? '') !== '' || (calendar.ctag ?? '') !== '');
    if (known !== null && tells && known.tag === tag) return ok({ is: 'unchanged' });
    const texts: Record<string, { tag: string; text: string }> = {};
    for (const calendar of calendars) Object.assign(texts, await objectsOf(client, calendar, known, headers, fetch));
    if (refused !== null) return err(refused);
    return ok({ is: 'new', copy: { tag: tells ? tag : '', texts } });
  } catch (error) {
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

/** The tags of all objects are asked for, then only the objects whose tags are new. */
async function objectsOf(
  client: Client,
  calendar: DAVCalendar,
  known: Copy | null,
  headers: Record<string, string>,
  fetch: typeof globalThis.fetch,
): Promise<Record<string, { tag: string; text: string }>> {
  const listed = await client.propfind({
    url: calendar.url,
    props: { [`${DAVNamespaceShort.DAV}:getetag`]: {}, [`${DAVNamespaceShort.DAV}:resourcetype`]: {} },
    depth: '1',
    headers,
    fetch,
  });
  const texts: Record<string, { tag: string; text: string }> = {};
  const missing: string[] = [];
  for (const { href, props, ok: fine } of listed.slice(0, OBJECTS_MAX)) {
    const etag = (props as { getetag?: unknown } | undefined)?.getetag;
    if (!fine || href === undefined || typeof etag !== 'string') continue;
    const url = new URL(href, calendar.url).href;
    if (withoutSlash(url) === withoutSlash(calendar.url)) continue;
    const have = known?.texts[url];
    if (have?.tag === etag) texts[url] = have;
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
