// What tests of presence need: fake roots, an X server without a screen, a private message bus with a session manager that does as told.
// All of it ends with `close`, by pid.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';

const python = '/usr/bin/python3';
const logind = 'org.freedesktop.login1';
const have = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** Says loudly what is missing, so that nobody takes a skipped test for one that ran. */
function tellMissing(what: string, ok: boolean): boolean {
  if (!ok) console.warn(`SKIPPED: the tests of presence that need ${what}; please install it`);
  return ok;
}
export const haveX = tellMissing('xvfb and xdotool', have('Xvfb') && have('xdotool'));
export const haveBus = tellMissing(
  'dbus and python3-dbusmock',
  have('dbus-daemon') && spawnSync(python, ['-c', 'import dbusmock']).status === 0,
);

/** Polls until `probe` is true; fails loudly at the deadline. */
export async function until(what: string, probe: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await probe())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export class PresenceRig {
  readonly dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-presence-'));
  readonly #children: ChildProcess[] = [];
  readonly #closing: (() => void)[] = [];

  /** Roots in which there is nothing but what `write` puts there. */
  readonly roots = {
    procRoot: join(this.dir, 'proc'),
    sysRoot: join(this.dir, 'sys'),
    devRoot: join(this.dir, 'dev'),
    runRoot: join(this.dir, 'run'),
    x11Dir: join(this.dir, 'x11'),
    env: {},
  };

  write(path: string, text: string | Buffer): string {
    const file = join(this.dir, path);
    fs.mkdirSync(dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    return file;
  }

  /** `closing`: done at the end. */
  defer(closing: () => void): void {
    this.#closing.push(closing);
  }

  /** An X server that lets in only who has its cookie; the environment of its users. */
  async startX(): Promise<{ readonly DISPLAY: string; readonly XAUTHORITY: string }> {
    const name = Buffer.from('MIT-MAGIC-COOKIE-1');
    const cookie = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
    const sized = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
    const none = Buffer.alloc(0);
    const wild = Buffer.from([255, 255]);
    const entry = Buffer.concat([wild, sized(none), sized(none), sized(name), sized(cookie)]);
    const XAUTHORITY = this.write('Xauthority', entry);
    const words = [
      '-displayfd',
      '3',
      '-auth',
      XAUTHORITY,
      '-nolisten',
      'tcp',
      '-screen',
      '0',
      '320x240x24',
      '-noreset',
    ];
    const child = spawn('Xvfb', words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    this.#children.push(child);
    let said = '';
    child.stdio[3]?.on('data', (text: Buffer) => (said += text.toString()));
    await until('Xvfb says its display', () => said.endsWith('\n'));
    return { DISPLAY: `:${said.trim()}`, XAUTHORITY };
  }

  /** Input as from a mouse. */
  moveMouse(env: NodeJS.ProcessEnv, x: number): void {
    const moved = spawnSync('xdotool', ['mousemove', String(x), '20'], { env: { ...process.env, ...env } });
    if (moved.status !== 0) throw new Error(`xdotool: ${moved.stderr.toString()}`);
  }

  /** A message bus of our own; its address. */
  async startBus(): Promise<string> {
    const config = ['--session', '--nofork', '--print-address=3', `--address=unix:path=${join(this.dir, 'bus')}`];
    const daemon = spawn('dbus-daemon', config, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    this.#children.push(daemon);
    let said = '';
    daemon.stdio[3]?.on('data', (text: Buffer) => (said += text.toString()));
    await until('the bus says its address', () => said.endsWith('\n'));
    return said.trim();
  }

  /** A bus with a logind of dbusmock's on it; its address. */
  async startLogind(): Promise<string> {
    const address = await this.startBus();
    await this.startMock(address, logind, ['--template', 'logind']);
    return address;
  }

  /** A service of dbusmock's, as its words say. */
  async startMock(address: string, service: string, words: readonly string[]): Promise<void> {
    const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: address, DBUS_SESSION_BUS_ADDRESS: address };
    this.#children.push(spawn(python, ['-m', 'dbusmock', ...words], { env, stdio: 'ignore' }));
    await until('the mock answers', () => this.#runMock(address, service, '') === '');
  }

  /** Runs Python that tells a mock what to do: `at(path)` is its mock interface; for logind there is `mock`, `manager`, and more below. */
  mock(address: string, code: string, service = logind): void {
    const said = this.#runMock(address, service, code);
    if (said !== '') throw new Error(`the mock refuses: ${code}\n${said}`);
  }

  /** What Python complains of; empty: nothing. */
  #runMock(address: string, service: string, code: string): string {
    const before = `
import dbus, sys
bus = dbus.bus.BusConnection(sys.argv[1])
assert bus.name_has_owner('${service}')
def at(path): return dbus.Interface(bus.get_object('${service}', path), 'org.freedesktop.DBus.Mock')
mock = at('/org/freedesktop/login1')
manager = dbus.Interface(mock, 'org.freedesktop.login1.Manager')
session = '/org/freedesktop/login1/session/'
def change(path, of, values): at(path).UpdateProperties('org.freedesktop.login1.' + of, dbus.Dictionary(values, signature='sv'))
def afar(name, uid, tty):
    values = {'Id': name, 'Name': 'somebody', 'User': dbus.Struct((dbus.UInt32(uid), dbus.ObjectPath('/')), signature='uo'),
        'Seat': dbus.Struct(('', dbus.ObjectPath('/')), signature='so'), 'Class': 'user', 'Type': 'tty', 'TTY': tty, 'Remote': True,
        'State': 'active', 'Active': True, 'LockedHint': False, 'IdleHint': False, 'Display': ''}
    mock.AddObject(session + name, 'org.freedesktop.login1.Session', dbus.Dictionary(values, signature='sv'),
        dbus.Array([], signature='(ssss)'))
def add(of, values): mock.AddProperties('org.freedesktop.login1.' + of, dbus.Dictionary(values, signature='sv'))
`;
    const ran = spawnSync(python, ['-c', before + code, address], { timeout: 10_000, encoding: 'utf8' });
    return ran.status === 0 ? '' : `${ran.signal ?? ''}${ran.stderr}` || 'no reason given';
  }

  /** Servers and buses that were started. */
  endChildren(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  close(): void {
    for (const close of this.#closing) close();
    this.endChildren();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
