// The whole watch: what kind of machine this is, what holds of it, and how soon a return is noticed; fake roots, a real X server, a mocked
// session manager.
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { haveBus, haveX, PresenceRig, until } from './test-rig.ts';
import type { PresenceOptions } from './types.ts';
import { watchPresence, type PresenceWatcher } from './watch.ts';

let rig: PresenceRig;
beforeEach(() => {
  rig = new PresenceRig();
  rig.write('proc/stat', 'cpu  100 0 0 100 0 0 0 0 0 0\n');
});
afterEach(() => rig.close());

async function watch(options: Partial<PresenceOptions> = {}): Promise<PresenceWatcher> {
  const watcher = watchPresence({ ...rig.roots, idleMs: 1000, onChange: () => undefined, ...options });
  rig.defer(() => watcher.stop());
  await watcher.start();
  return watcher;
}
/** Lets the fake processor idle on: without time in /proc/stat no load is known. */
function letTimePass(): void {
  let idle = 100;
  const timer = setInterval(() => rig.write('proc/stat', `cpu  100 0 0 ${(idle += 100)} 0 0 0 0 0 0\n`), 50);
  rig.defer(() => clearInterval(timer));
}
const stateOf = (watcher: PresenceWatcher): string => watcher.state.presence.state;
const switchesOf = (watcher: PresenceWatcher): string[] => watcher.state.switches.map((each) => each.kind);

describe('a machine without a session manager', () => {
  test('nothing at all: a server, known at once', async () => {
    const began = performance.now();
    const watcher = await watch();
    expect(watcher.state).toEqual({ presence: { state: 'headless' }, switches: [] });
    expect(performance.now() - began).toBeLessThan(400);
  });

  test('before it has looked nobody may help', () => {
    const watcher = watchPresence({ ...rig.roots, onChange: () => undefined });
    expect(stateOf(watcher)).toBe('present');
    watcher.stop();
  });

  test('a console: somebody typed, then nobody did, then somebody again', async () => {
    const entry = Buffer.alloc(384);
    entry.writeInt16LE(7);
    entry.write('tty3', 8);
    rig.write('run/utmp', entry);
    const tty = rig.write('dev/tty3', '');
    const typed = (): void => fs.utimesSync(tty, new Date(), new Date());
    letTimePass();
    typed();
    const watcher = await watch({ idleMs: 1000 });
    expect(stateOf(watcher)).toBe('present');
    await until('away', () => stateOf(watcher) === 'away');
    const back = performance.now();
    typed();
    await until('back', () => stateOf(watcher) === 'present');
    expect(performance.now() - back).toBeLessThan(400);
  });

  test('a desktop that tells nothing counts as in use', async () => {
    rig.write('run/user/wayland-0', '');
    letTimePass();
    const watcher = await watch({ env: { XDG_RUNTIME_DIR: `${rig.dir}/run/user` } });
    expect(watcher.state.presence).toEqual({
      state: 'present',
      because: 'nothing tells when the owner was last here',
    });
  });

  test('a seat that logind has on disk, when it does not answer, counts as in use', async () => {
    rig.write('run/systemd/seats/seat0', 'IS_SEAT0=1\nACTIVE=\n');
    expect(stateOf(await watch())).toBe('headless');
    rig.write('run/systemd/seats/seat0', 'IS_SEAT0=1\nACTIVE=2\nACTIVE_UID=1000\n');
    expect(stateOf(await watch())).toBe('present');
  });

  test('battery, lid and memory', async () => {
    let changes = 0;
    const watcher = await watch({ onChange: () => changes++ });
    rig.write('sys/class/power_supply/BAT0/type', 'Battery\n');
    rig.write('sys/class/power_supply/BAT0/status', 'Discharging\n');
    await until('battery', () => switchesOf(watcher).includes('battery'));
    rig.write('proc/acpi/button/lid/LID/state', 'state: closed\n');
    rig.write('proc/pressure/memory', 'some avg10=30.00 x\nfull avg10=0.00 x\n');
    await until('all', () => switchesOf(watcher).length === 3);
    expect(switchesOf(watcher)).toEqual(['battery', 'lid', 'memory']);
    rig.write('proc/pressure/memory', 'some avg10=10.00 x\nfull avg10=0.00 x\n');
    rig.write('sys/class/power_supply/BAT0/status', 'Full\n');
    await until('mains', () => !switchesOf(watcher).includes('battery'));
    expect(switchesOf(watcher)).toContain('memory');
    rig.write('proc/pressure/memory', 'some avg10=1.00 x\nfull avg10=0.00 x\n');
    await until('enough', () => !switchesOf(watcher).includes('memory'));
    expect(changes).toBeGreaterThanOrEqual(4);
  });
});

test.skipIf(!haveX)('a display: away without input, back within a moment of the first', async () => {
  const env = await rig.startX();
  letTimePass();
  rig.moveMouse(env, 3);
  const watcher = await watch({ env, x11Dir: '/tmp/.X11-unix' });
  let changedAt = 0;
  for (let round = 0; round < 3; round++) {
    await until('away', () => stateOf(watcher) === 'away');
    expect(watcher.state.presence).toMatchObject({ locked: false });
    rig.moveMouse(env, 50 + round);
    changedAt = performance.now();
    await until('back', () => stateOf(watcher) === 'present', 1000);
    expect(performance.now() - changedAt).toBeLessThan(300);
    expect(watcher.state.presence).toMatchObject({ because: 'the owner is here' });
  }
});

describe.skipIf(!haveBus)('a Wayland desktop', () => {
  /** A desktop that says what is in a file, in milliseconds. */
  async function desktop(name: string, path: string, method: string, type: string): Promise<(ms: number) => void> {
    const file = rig.write('idle', '0');
    rig.write('run/user/wayland-0', '');
    const address = await rig.startBus();
    env = { XDG_RUNTIME_DIR: `${rig.dir}/run/user`, DBUS_SESSION_BUS_ADDRESS: address };
    await rig.startMock(address, name, [name, path, name]);
    const add = (...words: string[]): string => `at('${path}').AddMethod('${name}', ${words.join(', ')})`;
    rig.mock(
      address,
      `${add(`'${method}'`, `''`, `'${type}'`, `"ret = int(open('${file}').read())"`)}
${add(`'AddUserActiveWatch'`, `''`, `'u'`, `"ret = int(open('${file}').read()) and 7"`)}`,
      name,
    );
    letTimePass();
    return (ms) => void rig.write('idle', String(ms));
  }
  let env: NodeJS.ProcessEnv = {};

  test('GNOME: idle by its monitor, and it tells the next input itself', async () => {
    const name = 'org.gnome.Mutter.IdleMonitor';
    const path = '/org/gnome/Mutter/IdleMonitor/Core';
    const rest = await desktop(name, path, 'GetIdletime', 't');
    const watcher = await watch({ env, idleMs: 30_000 });
    expect(watcher.state.presence).toEqual({ state: 'present', because: 'the owner is here' });
    rest(40_000);
    await until('away', () => stateOf(watcher) === 'away', 25_000);
    rest(5);
    // Well before the next poll, and without asking.
    const fired = `at('${path}').EmitSignal('${name}', 'WatchFired', 'u', [dbus.UInt32(7)])`;
    rig.mock(env['DBUS_SESSION_BUS_ADDRESS'] ?? '', fired, name);
    await until('back', () => stateOf(watcher) === 'present', 2000);
  });

  test('another: asked while the owner is away', async () => {
    const rest = await desktop(
      'org.freedesktop.ScreenSaver',
      '/org/freedesktop/ScreenSaver',
      'GetSessionIdleTime',
      'u',
    );
    rest(90_000);
    const watcher = await watch({ env });
    await until('away', () => stateOf(watcher) === 'away');
    rest(10);
    await until('back', () => stateOf(watcher) === 'present', 3000);
  });
});

describe.skipIf(!haveBus)('a session manager', () => {
  test('locked and unlocked at the signal, sleep before the machine sleeps, lid unless docked', async () => {
    const address = await rig.startLogind();
    rig.mock(
      address,
      `mock.AddSession('1', 'seat0', dbus.UInt32(54321), 'owner', True)
change(session + '1', 'Session', {'Type': 'wayland'})`,
    );
    letTimePass();
    // A poll of its own would come after a quarter of this: what is noticed sooner came by signal.
    const watcher = await watch({ env: { DBUS_SYSTEM_BUS_ADDRESS: address }, idleMs: 60_000 });
    expect(stateOf(watcher)).toBe('present');
    rig.mock(address, `change(session + '1', 'Session', {'LockedHint': True})`);
    await until('locked', () => stateOf(watcher) === 'away', 3000);
    expect(watcher.state.presence).toMatchObject({ locked: true });
    rig.mock(address, `change(session + '1', 'Session', {'LockedHint': False})`);
    await until('unlocked', () => stateOf(watcher) === 'present', 3000);

    rig.mock(address, `mock.EmitSignal('org.freedesktop.login1.Manager', 'PrepareForSleep', 'b', [True])`);
    await until('sleep', () => switchesOf(watcher).includes('sleep'), 3000);
    rig.mock(address, `mock.EmitSignal('org.freedesktop.login1.Manager', 'PrepareForSleep', 'b', [False])`);
    await until('awake', () => !switchesOf(watcher).includes('sleep'), 3000);

    rig.mock(address, `add('Manager', {'LidClosed': False, 'Docked': False})`);
    const lid = (docked: string): void =>
      rig.mock(address, `change('/org/freedesktop/login1', 'Manager', {'LidClosed': True, 'Docked': ${docked}})`);
    lid('False');
    await until('lid', () => switchesOf(watcher).includes('lid'), 3000);
    lid('True');
    await until('docked', () => !switchesOf(watcher).includes('lid'), 3000);
  });

  test('nobody is logged in at the greeter: away; a server with ssh only: headless', async () => {
    const address = await rig.startLogind();
    const env = { DBUS_SYSTEM_BUS_ADDRESS: address };
    rig.mock(address, `afar('2', 1000, 'pts/3')`);
    const watcher = await watch({ env });
    expect(stateOf(watcher)).toBe('headless');
    letTimePass();
    rig.mock(
      address,
      `mock.AddSession('c1', 'seat0', dbus.UInt32(112), 'gdm', True)
change(session + 'c1', 'Session', {'Class': 'greeter', 'Type': 'wayland'})`,
    );
    await until('away at the greeter', () => stateOf(watcher) === 'away');
  });

  test('one that dies does not make its sessions go away', async () => {
    const address = await rig.startLogind();
    rig.mock(
      address,
      `mock.AddSession('1', 'seat0', dbus.UInt32(54321), 'owner', True)
change(session + '1', 'Session', {'Type': 'wayland', 'LockedHint': True})`,
    );
    letTimePass();
    const watcher = await watch({ env: { DBUS_SYSTEM_BUS_ADDRESS: address } });
    await until('locked', () => stateOf(watcher) === 'away');
    rig.endChildren();
    await until('whether it is locked is not known any more', () => stateOf(watcher) === 'present');
  });
});
