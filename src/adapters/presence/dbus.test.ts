// The message bus: a real one with a session manager that does as told; buses that hang, refuse or talk nonsense; messages of any bytes.
import net from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Bus, socketOf } from './dbus.ts';
import { decodeMessage, encodeCall, messageLength, type DbusMessage } from './dbus-wire.ts';
import { logindMatches, readLogind, sleepSignal } from './logind.ts';
import { haveBus, PresenceRig, until } from './test-rig.ts';

let rig: PresenceRig;
beforeEach(() => {
  rig = new PresenceRig();
});
afterEach(() => rig.close());

function connect(address: string, onSignal: (signal: DbusMessage) => void = () => undefined): Bus {
  const bus = new Bus({ address, matches: logindMatches, onSignal });
  rig.defer(() => bus.close());
  return bus;
}

describe.skipIf(!haveBus)('a real bus', () => {
  test('sessions, locks, idle hints, inhibitors, lid, sleep', async () => {
    const address = await rig.startLogind();
    const signals: DbusMessage[] = [];
    const bus = connect(address, (signal) => signals.push(signal));
    expect(await readLogind(bus)).toMatchObject({ logins: [], hasSeat: false, idleInhibited: false, lidClosed: null });

    rig.mock(
      address,
      `mock.AddSession('1', 'seat0', dbus.UInt32(1000), 'owner', True)
change(session + '1', 'Session', {'Type': 'x11', 'Display': ':0', 'TTY': 'tty2'})
afar('2', 1000, 'pts/3')
mock.AddSession('3', 'seat0', dbus.UInt32(112), 'gdm', False)
change(session + '3', 'Session', {'Class': 'greeter'})
mock.AddSession('4', 'seat0', dbus.UInt32(1001), 'other', False)
mock.AddSession('5', 'seat0', dbus.UInt32(1001), 'other', False)
change(session + '5', 'Session', {'State': 'closing'})`,
    );
    const read = await readLogind(bus);
    expect(read?.hasSeat).toBe(true);
    expect(read?.logins).toEqual([
      {
        ...{ kind: 'local', surface: 'graphical', locked: false, uid: 1000 },
        display: ':0',
        tty: 'tty2',
        idleSinceMs: null,
      },
      {
        ...{ kind: 'remote', surface: 'terminal', locked: false, uid: 1000 },
        display: '',
        tty: 'pts/3',
        idleSinceMs: null,
      },
      // Switched away from: as good as locked.
      { ...{ kind: 'local', surface: 'terminal', locked: true, uid: 1001 }, display: '', tty: '', idleSinceMs: null },
    ]);

    signals.length = 0;
    rig.mock(
      address,
      `change(session + '1', 'Session', {'LockedHint': True, 'IdleHint': True, 'IdleSinceHint': dbus.UInt64(1700000000123456)})
add('Manager', {'LidClosed': True, 'Docked': True, 'OnExternalPower': False})
call = manager.Inhibit('sleep:idle', 'Video', 'a call', 'block').take()`,
    );
    await until('a signal comes', () => signals.length > 0);
    const locked = await readLogind(bus);
    expect(locked?.logins[0]).toMatchObject({ locked: true, idleSinceMs: 1_700_000_000_123 });
    expect(locked).toMatchObject({ lidClosed: true, docked: true, onExternalPower: false });
    // Whoever took the inhibitor has ended.
    await until('the inhibitor goes', async () => (await readLogind(bus))?.idleInhibited === false);

    signals.length = 0;
    rig.mock(address, `mock.EmitSignal('org.freedesktop.login1.Manager', 'PrepareForSleep', 'b', [True])`);
    await until('sleep is announced', () => signals.some((signal) => sleepSignal(signal) === true));
  });

  test('inhibitors that block idle count, others do not', async () => {
    const address = await rig.startLogind();
    const bus = connect(address);
    const listed = (what: string, mode: string): void =>
      rig.mock(
        address,
        `mock.AddMethod('org.freedesktop.login1.Manager', 'ListInhibitors', '', 'a(ssssuu)', "ret = [('${what}', 'a', 'b', '${mode}', 1000, 1)]")`,
      );
    for (const [what, mode, blocks] of [
      ['idle', 'block', true],
      ['sleep:idle:handle-lid-switch', 'block', true],
      ['idle', 'delay', false],
      ['sleep', 'block', false],
    ] as const) {
      listed(what, mode);
      expect((await readLogind(bus))?.idleInhibited, `${what} ${mode}`).toBe(blocks);
    }
  });

  test('one that ends is lost, and answers nothing any more', async () => {
    const address = await rig.startLogind();
    const bus = connect(address);
    expect(await readLogind(bus)).not.toBeNull();
    rig.close();
    await until('the bus is lost', async () => (await readLogind(bus)) === null);
  });
});

describe('a bus that is none', () => {
  async function serve(answer: (socket: net.Socket) => void): Promise<Bus> {
    const path = join(rig.dir, 'bus');
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      answer(socket);
    });
    rig.defer(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return connect(`unix:path=${path}`);
  }

  test.each<[string, (socket: net.Socket) => void]>([
    ['says nothing', () => undefined],
    ['hangs up', (socket) => socket.destroy()],
    ['refuses', (socket) => socket.write('REJECTED ANONYMOUS\r\n')],
    ['agrees and hangs', (socket) => socket.write('OK 1234\r\n')],
    ['agrees and talks nonsense', (socket) => socket.write(`OK 1234\r\n${'x'.repeat(5000)}`)],
    [
      'agrees and announces four gigabytes',
      (socket) => socket.write(Buffer.from('OK 1\r\nl\x02\0\x01\xff\xff\xff\xff\x01\0\0\0\0\0\0\0', 'latin1')),
    ],
  ])('%s', async (_, answer) => {
    const bus = await serve(answer);
    const began = performance.now();
    expect(await readLogind(bus)).toBeNull();
    expect(performance.now() - began).toBeLessThan(10_000);
    // It is left alone for a while.
    const again = performance.now();
    expect(await readLogind(bus)).toBeNull();
    expect(performance.now() - again).toBeLessThan(1000);
  });

  test('is not there, or its address is no Unix socket', async () => {
    expect(await readLogind(connect(`unix:path=${join(rig.dir, 'none')}`))).toBeNull();
    expect(await readLogind(connect('tcp:host=localhost,port=1'))).toBeNull();
    expect(socketOf('unix:path=/run/a%20b,guid=1')).toBe('/run/a b');
    expect(socketOf('unixexec:path=/bin/x;unix:abstract=/tmp/x')).toBe('\0/tmp/x');
    expect(socketOf('')).toBeNull();
  });
});

describe('messages', () => {
  const call = { destination: 'a.b', path: '/c', interface: 'd.e', member: 'f', args: ['', 'ä', 'long'.repeat(100)] };

  test('a call reads back as it was written', () => {
    const bytes = encodeCall(call, 7);
    expect(messageLength(bytes)).toBe(bytes.length);
    expect(decodeMessage(bytes)).toEqual({
      ...{ type: 'call', replyTo: 0, path: '/c', interface: 'd.e', member: 'f' },
      body: call.args,
    });
  });

  test('any bytes are a message or a RangeError, at once', () => {
    const whole = encodeCall(call, 7);
    const broken = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(broken, fc.nat(whole.length), (changes, length) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          messageLength(bytes);
          expect(decodeMessage(bytes.subarray(0, length)).body.length).toBeLessThanOrEqual(255);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
