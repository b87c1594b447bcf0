// HTTP as calendars need it: bounded in time and size, passwords only to the host they are for, failures as sentences.
import { err, ok, type Result } from '../../base/result.ts';
import type { FetchFailure } from './types.ts';

export const BODY_MAX = 32 * 1024 * 1024;
export const TIMEOUT_MS = 30_000;
const REDIRECTS_MAX = 5;

export interface Login {
  readonly user: string;
  readonly password: string;
}

export function authorization(login: Login): string {
  return `Basic ${Buffer.from(`${login.user}:${login.password}`, 'utf8').toString('base64')}`;
}

/**
 * A `fetch` that ends within TIMEOUT_MS, reads no more than BODY_MAX, and follows redirections itself, so that a password goes to the
 * first host only. For tsdav, which takes a `fetch`, and for ourselves.
 */
export function boundedFetch(login: Login | null, signal: AbortSignal): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const first = new URL(input instanceof Request ? input.url : input);
    let url = first;
    for (let hops = 0; ; hops++) {
      if (url.protocol !== 'http:' && url.protocol !== 'https:')
        throw new Error(`${url.protocol}// is no address for a calendar`);
      const headers = new Headers(init.headers);
      if (url.origin !== first.origin) headers.delete('authorization');
      else if (login !== null) headers.set('authorization', authorization(login));
      const limits = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const response = await globalThis.fetch(url, { ...init, headers, redirect: 'manual', signal: limits });
      const location = response.headers.get('location');
      if (response.status >= 300 && response.status < 400 && response.status !== 304 && location !== null) {
        await response.body?.cancel();
        if (hops >= REDIRECTS_MAX) throw new Error('it redirects again and again');
        const next = new URL(location, url);
        if (url.protocol === 'https:' && next.protocol === 'http:')
          throw new Error('it redirects to an address without encryption');
        url = next;
        continue;
      }
      const body = await readBounded(response);
      const bare = response.status === 204 || response.status === 304;
      const copy = new Response(bare ? null : body, {
        status: response.status,
        statusText: response.statusText,
        headers: response.headers,
      });
      Object.defineProperty(copy, 'url', { value: url.href });
      return copy;
    }
  };
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > BODY_MAX) {
      await reader.cancel();
      throw new Error(`it sends more than ${BODY_MAX / 1024 / 1024} MiB`);
    }
    parts.push(value);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The address of a calendar: `webcal:` is https, a user and a password in it are taken out. */
export function parseAddress(text: string): Result<{ readonly place: string; readonly login: Login | null }, string> {
  let url: URL;
  try {
    url = new URL(text.replace(/^webcals?:/i, 'https:'));
  } catch {
    return err(`«${text}» is no address`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return err(`«${text}»: http or https is wanted`);
  const login =
    url.username === '' ? null : { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  url.username = '';
  url.password = '';
  return ok({ place: url.href, login });
}

/** What a failed request means, for people. `error`: whatever was thrown. */
export function failureOf(error: unknown): FetchFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  const said = cause instanceof Error ? cause.message : String(cause);
  const message =
    code === 'ECONNREFUSED'
      ? 'nobody answers there'
      : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? 'there is no such host, or no network'
        : (cause as Error).name === 'TimeoutError'
          ? `no answer within ${TIMEOUT_MS / 1000} s`
          : said.replace(/\s+/g, ' ').slice(0, 200);
  return { message, retryAfterMs: null };
}

/** The same for an answer that is no success; null for one that is. */
export function refusalOf(response: { readonly status: number; readonly headers: Headers }): FetchFailure | null {
  const { status } = response;
  if (status < 400) return null;
  const after = Number(response.headers.get('retry-after') ?? '');
  const retryAfterMs = Number.isFinite(after) && after > 0 ? after * 1000 : null;
  const means: Record<number, string> = {
    401: 'user or password is wrong (401)',
    403: 'access is not allowed (403)',
    404: 'there is nothing at this address (404)',
    410: 'the calendar is gone (410)',
    429: 'it is asked too often (429)',
  };
  return { message: means[status] ?? `it answers with error ${status}`, retryAfterMs };
}
