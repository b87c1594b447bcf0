// Battery, mains and lid as the kernel tells them: /sys/class/power_supply and /proc/acpi/button/lid.
import fs from 'node:fs';
import { join } from 'node:path';

/** True: this machine lives on its battery; false: it does not; null: nothing here tells. */
export function onBattery(sysRoot: string): boolean | null {
  const dir = join(sysRoot, 'class/power_supply');
  let batteries = 0;
  let discharging = false;
  for (const name of list(dir)) {
    const value = (of: string): string => read(join(dir, name, of)).toLowerCase();
    const type = value('type');
    if ((type === 'mains' || type.startsWith('usb')) && value('online') === '1') return false;
    // Mice and keyboards have batteries too.
    if ((type !== 'battery' && type !== 'ups') || value('scope') === 'device' || value('present') === '0') continue;
    batteries++;
    discharging ||= value('status') === 'discharging';
  }
  // A plug that is out is not enough: some machines list sockets that are never used.
  return batteries === 0 ? null : discharging;
}

/** Null: there is no lid, or nothing tells of it. */
export function lidClosed(procRoot: string): boolean | null {
  const dir = join(procRoot, 'acpi/button/lid');
  const states = list(dir).map((name) => read(join(dir, name, 'state')));
  const told = states.filter((state) => /\b(?:open|closed)\b/.test(state));
  return told.length === 0 ? null : told.some((state) => state.includes('closed'));
}

function list(dir: string): string[] {
  try {
    return fs.readdirSync(dir);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1').trim();
  } catch {
    return '';
  }
}
