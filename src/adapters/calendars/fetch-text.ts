// Calendars that are one text: a file, an address, a free-busy address. Unchanged ones are not read again.
import { readFile, stat } from 'node:fs/promises';
import { err, ok, type Result } from '../../base/result.ts';
import { BODY_MAX, boundedFetch, failureOf, refusalOf, type Login } from './http.ts';
import type { Copy, Fetched, FetchFailure } from './types.ts';

export async function fetchFile(path: string, known: Copy | null): Promise<Result<Fetched, FetchFailure>> {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    const tag = `${size} ${mtimeMs} ${ino}`;
    if (known?.tag === tag) return ok({ is: 'unchanged' });
    if (size > BODY_MAX) return err({ message: `it has more than ${BODY_MAX / 1024 / 1024} MiB`, retryAfterMs: null });
    return ok({ is: 'new', copy: { tag, texts: { [path]: { tag, text: await readFile(path, 'utf8') } } } });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const message =
      code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be read' : (error as Error).message;
    return err({ message, retryAfterMs: null });
  }
}

export async function fetchUrl(
  url: string,
  login: Login | null,
  known: Copy | null,
  signal: AbortSignal,
): Promise<Result<Fetched, FetchFailure>> {
  try {
    const headers = new Headers({ accept: 'text/calendar, */*;q=0.1' });
    const [kind = '', value = ''] = known?.tag.split(/ (.*)/s) ?? [];
    if (kind === 'etag') headers.set('if-none-match', value);
    if (kind === 'modified') headers.set('if-modified-since', value);
    const response = await boundedFetch(login, signal)(url, { headers });
    if (response.status === 304 && known !== null) return ok({ is: 'unchanged' });
    const refusal = refusalOf(response);
    if (refusal !== null) return err(refusal);
    const text = await response.text();
    // A page that asks for a login, served with 200, must not take the place of the good copy.
    if (!/^\uFEFF?\s*BEGIN:VCALENDAR/i.test(text))
      return err({
        message: 'what it sends is no calendar (it does not begin with BEGIN:VCALENDAR)',
        retryAfterMs: null,
      });
    const etag = response.headers.get('etag');
    const modified = response.headers.get('last-modified');
    const tag = etag !== null ? `etag ${etag}` : modified !== null ? `modified ${modified}` : '';
    if (tag === '' && known?.texts[url]?.text === text) return ok({ is: 'unchanged' });
    return ok({ is: 'new', copy: { tag, texts: { [url]: { tag, text } } } });
  } catch (error) {
    return err(failureOf(error));
  }
}
