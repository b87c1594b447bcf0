// A real CalDAV server (Debian's Radicale) with a password, on a port of its own, for one test.
import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../e2e/support.ts';

const packages = 'radicale apache2-utils python3-bcrypt python3-passlib';
const imports = spawnSync('/usr/bin/python3', ['-c', 'import radicale, passlib, bcrypt'], { stdio: 'ignore' });
export const radicaleIsHere = imports.status === 0 && existsSync('/usr/bin/htpasswd');
if (!radicaleIsHere) console.warn(`SKIPPED: calendars on a real server, which need ${packages}`);

export class Radicale {
  readonly dir = mkdtempSync(join(tmpdir(), 'tender-radicale-'));
  readonly port: number;
  /** Put before every command, as `ip netns exec NAME`: the server is reached from there only. */
  readonly #inside: readonly string[];
  #child: ChildProcess | null = null;

  private constructor(port: number, inside: readonly string[]) {
    this.port = port;
    this.#inside = inside;
  }

  static async start(password: string, inside: readonly string[] = []): Promise<Radicale> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    server.close();
    await once(server, 'close');
    const radicale = new Radicale(address.port, inside);
    await radicale.restart(password);
    await radicale.request('MKCALENDAR', 'work/', password);
    return radicale;
  }

  /** The same data behind this password. */
  async restart(password: string): Promise<void> {
    await this.stop();
    const users = join(this.dir, 'users');
    writeFileSync(users, execFileSync('htpasswd', ['-nbB', 'alice', password]));
    const config = join(this.dir, 'config');
    writeFileSync(
      config,
      `[server]\nhosts = 127.0.0.1:${this.port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = ${users}\nhtpasswd_encryption = bcrypt\ndelay = 0\n[rights]\ntype = owner_only\n[web]\ntype = none\n[storage]\nfilesystem_folder = ${join(this.dir, 'data')}\n`,
    );
    const words = [...this.#inside, '/usr/bin/python3', '-m', 'radicale', '--config', config];
    const child = spawn(words[0] as string, words.slice(1), { stdio: 'ignore' });
    this.#child = child;
    await until('Radicale answers', async () => {
      if (child.exitCode !== null) throw new Error('Radicale ended');
      return this.#ask('GET', '', {}).then(
        () => true,
        () => null,
      );
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  address(path: string): string {
    return `http://127.0.0.1:${this.port}/alice/${path}`;
  }

  async request(method: string, path: string, password: string, body?: string): Promise<void> {
    const authorization = `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`;
    const status = await this.#ask(method, path, { authorization, 'content-type': 'text/calendar' }, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status}`);
  }

  async #ask(method: string, path: string, headers: Record<string, string>, body?: string): Promise<number> {
    const [command, ...words] = this.#inside;
    if (command === undefined) {
      const response = await fetch(this.address(path), { method, headers, ...(body === undefined ? {} : { body }) });
      await response.arrayBuffer();
      return response.status;
    }
    const said = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const sent = body === undefined ? [] : ['--data-binary', body];
    const curl = ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-X', method, ...said, ...sent];
    const { stdout } = await promisify(execFile)(command, [...words, ...curl, this.address(path)]);
    return Number(stdout);
  }

  put(name: string, password: string, startMs: number, endMs: number, ...lines: string[]): Promise<void> {
    return this.request('PUT', `work/${name}.ics`, password, eventText(name, startMs, endMs, ...lines));
  }
}

export function eventText(uid: string, startMs: number, endMs: number, ...lines: string[]): string {
  const time = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//test//',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    `DTSTAMP:${time(0)}`,
    `DTSTART:${time(startMs)}`,
    `DTEND:${time(endMs)}`,
    ...lines,
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}
