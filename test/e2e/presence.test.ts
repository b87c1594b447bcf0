// An agent at a machine with a desk: whether it helps follows what the owner does at a real X server, and what the machine's files say.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { haveX, PresenceRig } from '../../src/adapters/presence/test-rig.ts';
import { TestFarm, until } from './support.ts';

let farm: TestFarm | null = null;
let rig: PresenceRig | null = null;
afterEach(async () => {
  await farm?.close();
  rig?.close();
  [farm, rig] = [null, null];
});

const mayMount = spawnSync('unshare', ['-m', 'true']).status === 0;
if (!mayMount)
  console.warn('SKIPPED: the tests of presence with an agent need root, for other files in place of /proc/stat');

interface Why {
  readonly why: string;
}

describe.skipIf(!haveX || !mayMount)('tender why', () => {
  test('follows the owner’s hands and the battery', async () => {
    farm = new TestFarm();
    rig = new PresenceRig();
    const env = await rig.startX();
    // In the agent's view the processor rests, whatever else this machine does now; and there is a battery.
    let idle = 1000;
    const stat = rig.write('proc/stat', `cpu  100 0 0 ${idle} 0 0 0 0 0 0\nprocs_running 1\n`);
    const timer = setInterval(() => {
      fs.writeFileSync(stat, `cpu  100 0 0 ${(idle += 1000)} 0 0 0 0 0 0\nprocs_running 1\n`);
    }, 100);
    rig.defer(() => clearInterval(timer));
    const power = join(rig.dir, 'power_supply');
    rig.write('power_supply/BAT0/type', 'Battery\n');
    rig.write('power_supply/BAT0/status', 'Full\n');
    const mounts = `mount --bind ${stat} /proc/stat && mount -t tmpfs none /sys/class && mkdir /sys/class/power_supply && mount --bind ${power} /sys/class/power_supply && exec "$@"`;
    const options = {
      config: '[owner]\nidle_seconds = 2',
      prefix: [
        'unshare',
        '-m',
        'env',
        `DISPLAY=${env.DISPLAY}`,
        `XAUTHORITY=${env.XAUTHORITY}`,
        'sh',
        '-c',
        mounts,
        'sh',
      ],
    };
    rig.moveMouse(env, 3);
    await farm.startClient(options);
    const why = async (): Promise<string> => {
      const ran = await (farm as TestFarm).cli('client', ['why', '--json']);
      return (JSON.parse(ran.stdout) as Why).why;
    };
    const says = (text: string): Promise<unknown> =>
      until(`«${text}» is said`, async () => ((await why()) === text ? true : null), 20_000);
    await says('helping: nobody is here');
    rig.moveMouse(env, 40);
    await says('not helping: the owner is here');
    await says('helping: nobody is here');
    rig.write('power_supply/BAT0/status', 'Discharging\n');
    await says('not helping: on battery');
    rig.write('power_supply/BAT0/status', 'Charging\n');
    await says('helping: nobody is here');
    expect(farm.logOf('client')).not.toContain('agent-broke');
  });
});

test('told not to look, an agent counts as nobody’s desk', async () => {
  farm = new TestFarm();
  await farm.startClient({ config: '[owner]\npresence = false', prefix: ['env', 'DISPLAY=:0'] });
  const ran = await farm.cli('client', ['why']);
  expect(ran.stdout).toContain('nobody sits at this machine');
});
