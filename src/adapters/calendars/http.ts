// HTTP as calendars need it: bounded in time and size, passwords only to the host they are for, failures as sentences.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { err, ok, type Result } from '../../base/result.ts';
import type { FetchFailure } from './types.ts';

export const BODY_MAX = 32 * 1024 * 1024;
/** Nothing comes for so long: a server with many thousand events thinks for a while before it begins. */
const SILENT_MS = 60_000;
const TOTAL_MS = 300_000;
const tooMuch = `it sends more than ${BODY_MAX / 1024 / 1024} MiB`;
const REDIRECTS_MAX = 5;

export interface Login {
  readonly user: string;
  readonly password: string;
}

export function authorization(login: Login): string {
  return `Basic ${Buffer.from(`${login.user}:${login.password}`, 'utf8').toString('base64')}`;
}

/**
 * A `fetch` that ends in bounded time, reads no more than BODY_MAX, and follows redirections itself, so that a password goes to the
 * first host only. For tsdav, which takes a `fetch`, and for ourselves. Not the global one: a server that breaks off in the midst of an
 * answer has ended the process from inside of that (a failed assertion of its parser, in no promise of ours).
 */
export function boundedFetch(login: Login | null, signal: AbortSignal, silentMs = SILENT_MS): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const first = new URL(input instanceof Request ? input.url : input);
    let url = first;
    for (let hops = 0; ; hops++) {
      if (url.protocol !== 'http:' && url.protocol !== 'https:')
        throw new Error(`${url.protocol}// is no address for a calendar`);
      const headers = new Headers(init.headers);
      if (url.origin !== first.origin) headers.delete('authorization');
      else if (login !== null) headers.set('authorization', authorization(login));
      const { method = 'GET', body } = init;
      if (body !== null && body !== undefined && typeof body !== 'string')
        throw new Error('bug: a body that is no text');
      const response = await ask(url, { method, headers, body: body ?? null }, signal, silentMs);
      const location = response.headers.get('location');
      if (response.status >= 300 && response.status < 400 && response.status !== 304 && location !== null) {
        if (hops >= REDIRECTS_MAX) throw new Error('it redirects again and again');
        const next = new URL(location, url);
        if (url.protocol === 'https:' && next.protocol === 'http:')
          throw new Error('it redirects to an address without encryption');
        url = next;
        continue;
      }
      Object.defineProperty(response, 'url', { value: url.href });
      return response;
    }
  };
}

interface Asked {
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | null;
}

async function ask(
  url: URL,
  { method, headers, body }: Asked,
  signal: AbortSignal,
  silentMs: number,
): Promise<Response> {
  headers.set('accept-encoding', 'gzip');
  if (body !== null) headers.set('content-length', String(Buffer.byteLength(body)));
  const options = {
    method,
    headers: Object.fromEntries(headers),
    // A connection that was kept open may be gone by now; one more handshake every few minutes is nothing.
    agent: false as const,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TOTAL_MS)]),
  };
  const request = url.protocol === 'https:' ? https.request(url, options) : http.request(url, options);
  let silence: Error | null = null;
  request.setTimeout(silentMs, () => {
    silence = new Error(`no answer within ${silentMs / 1000} s`);
    request.destroy(silence);
  });
  // From the first moment on: what fails later than what is waited for has nobody else to tell.
  request.on('error', () => undefined);
  request.end(body ?? undefined);
  let answer: http.IncomingMessage;
  let packed: Buffer;
  try {
    [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    packed = await readBounded(answer);
  } catch (error) {
    throw silence ?? error;
  }
  const isPacked = answer.headers['content-encoding'] === 'gzip';
  const text = isPacked ? await promisify(gunzip)(packed, { maxOutputLength: BODY_MAX }) : packed;
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 599) throw new Error(`it answers with ${status}, which is no answer`);
  const told = new Headers();
  for (const [name, value] of Object.entries(answer.headersDistinct))
    for (const each of value ?? []) told.append(name, each);
  const bare = status === 204 || status === 205 || status === 304;
  return new Response(bare ? null : new Uint8Array(text), { status, headers: told });
}

async function readBounded(answer: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > BODY_MAX) throw new Error(tooMuch);
      parts.push(part);
    }
  } finally {
    answer.destroy();
  }
  return Buffer.concat(parts);
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
          ? `no whole answer within ${TOTAL_MS / 60_000} minutes`
          : code === 'ERR_BUFFER_TOO_LARGE'
            ? tooMuch
            : code === 'ECONNRESET' || said === 'aborted' || code === 'EPIPE'
              ? 'the connection broke in the midst of the answer'
              : typeof code === 'string' && code.startsWith('HPE_')
                ? 'what answers there does not speak HTTP'
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
