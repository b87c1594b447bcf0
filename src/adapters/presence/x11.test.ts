// The display: a real X server, with and without its cookie; servers that hang, refuse or talk nonsense; cookie files.
import net from 'node:net';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { haveX, PresenceRig, until } from './test-rig.ts';
import { cookieIn, localDisplay, X11Display } from './x11.ts';

let rig: PresenceRig;
beforeEach(() => {
  rig = new PresenceRig();
});
afterEach(() => rig.close());

describe.skipIf(!haveX)('a real X server', () => {
  test('idle time grows, and input sets it back', async () => {
    const env = await rig.startX();
    const options = { display: env.DISPLAY, socketDir: '/tmp/.X11-unix', authorities: ['/nowhere', env.XAUTHORITY] };
    const display = await X11Display.open(options);
    if (display === null) throw new Error('the display lets nobody in');
    rig.defer(() => display.close());
    const idleMs = async (): Promise<number> => (await display.idle())?.idleMs ?? NaN;
    rig.moveMouse(env, 5);
    const first = await idleMs();
    await until('idle time grows', async () => (await idleMs()) > first + 300);
    const asked = performance.now();
    rig.moveMouse(env, 9);
    expect(await idleMs()).toBeLessThanOrEqual(performance.now() - asked + 20);
    expect(await display.idle()).toMatchObject({ withinWayland: false });
  });

  test('an alarm rings at the first input, once, and can be set again', async () => {
    const env = await rig.startX();
    const options = { display: env.DISPLAY, socketDir: '/tmp/.X11-unix', authorities: [env.XAUTHORITY] };
    let rung = 0;
    const display = await X11Display.open(options, () => rung++);
    if (display === null) throw new Error('the display lets nobody in');
    rig.defer(() => display.close());
    const rest = (): Promise<void> => until('rest', async () => ((await display.idle())?.idleMs ?? 0) > 300);
    for (let round = 1; round <= 3; round++) {
      await rest();
      expect(await display.watchForInput()).toBe(true);
      await rest();
      expect(rung).toBe(round - 1);
      rig.moveMouse(env, round * 3);
      await until('it rings', () => rung === round, 1000);
      await rest();
      rig.moveMouse(env, round * 3 + 1);
      expect((await display.idle())?.idleMs).toBeLessThan(1000);
      expect(rung).toBe(round);
    }
  });

  test('without the cookie nobody gets in', async () => {
    const env = await rig.startX();
    const options = { display: env.DISPLAY, socketDir: '/tmp/.X11-unix' };
    expect(await X11Display.open({ ...options, authorities: [] })).toBeNull();
    expect(await X11Display.open({ ...options, authorities: [rig.write('broken', '\x01')] })).toBeNull();
  });
});

describe('a server that is none', () => {
  async function serve(answer: (socket: net.Socket) => void): Promise<X11Display | null> {
    mkdirSync(rig.roots.x11Dir, { recursive: true });
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => answer(socket));
    });
    rig.defer(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(join(rig.roots.x11Dir, 'X7'), resolve));
    return X11Display.open({ display: ':7', socketDir: rig.roots.x11Dir, authorities: [] });
  }

  test.each<[string, (socket: net.Socket) => void]>([
    ['says nothing', () => undefined],
    ['hangs up', (socket) => socket.destroy()],
    ['talks nonsense', (socket) => socket.write(Buffer.alloc(4096, 0x5a))],
    ['says yes and no more', (socket) => socket.write(Buffer.from([1, 0, 11, 0, 0, 0, 0, 0]))],
  ])('%s', async (_, answer) => {
    expect(await serve(answer)).toBeNull();
  });

  test('is not there at all, or is another machine’s', async () => {
    const options = { socketDir: rig.roots.x11Dir, authorities: [] };
    expect(await X11Display.open({ ...options, display: ':7' })).toBeNull();
    expect(await X11Display.open({ ...options, display: 'localhost:10.0' })).toBeNull();
    const names = ['', ':0', ':1.0', 'unix:2', 'localhost:10.0', 'other:0', ':', ':-1', ':99999999'];
    expect(names.map(localDisplay)).toEqual([null, 0, 1, 2, null, null, null, null, null]);
  });
});

describe('cookies', () => {
  const sized = (text: string): Buffer => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)]);
  const entry = (family: number, address: string, number: string, name: string, data: string): Buffer =>
    Buffer.concat([Buffer.from([family >> 8, family & 255]), ...[address, number, name, data].map(sized)]);
  const magic = 'MIT-MAGIC-COOKIE-1';

  test('the entry of this host and display', () => {
    const file = Buffer.concat([
      entry(0, '\x7f\0\0\x01', '0', magic, 'internet'),
      entry(256, 'elsewhere', '0', magic, 'another host'),
      entry(256, hostname(), '1', magic, 'another display'),
      entry(256, hostname(), '0', 'XDM-AUTHORIZATION-1', 'another way'),
      entry(256, hostname(), '0', magic, 'this one'),
    ]);
    expect(cookieIn(file, 0, hostname())?.toString()).toBe('this one');
    expect(cookieIn(file, 2, hostname())).toBeNull();
    expect(cookieIn(entry(65_535, '', '', magic, 'any'), 2, hostname())?.toString()).toBe('any');
  });

  test('any bytes are read to an end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const found = cookieIn(Buffer.from(bytes), 0, 'host');
        expect(found === null || found.length <= bytes.length).toBe(true);
      }),
    );
  });
});
