// Adds to package-lock.json the platform packages that npm left out. When a registry mirror lacks the build of some package
// for another platform, npm install drops that optional entry, and npm ci then refuses the whole lockfile as out of step.
// The entries added carry no integrity: they are for platforms on which Tender does not run, and are never fetched here.
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly cpu?: readonly string[];
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Lockfile {
  packages: Record<string, LockEntry>;
}

const OSES = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPUS = ['arm64', 'arm', 'x64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32'];

/** Entries that must be there and are not, by their place in `packages`. Throws on a name whose platform it cannot tell. */
export function findMissingEntries(lock: Lockfile): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [place, entry] of Object.entries(lock.packages)) {
    if (place === '') continue;
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const wanted = `node_modules/${name}`;
      if (lock.packages[wanted] || lock.packages[`${place}/${wanted}`]) continue;
      const words = (name.split('/').at(-1) ?? '').split('-');
      const os = OSES.find((word) => words.includes(word));
      const cpu = CPUS.find((word) => words.includes(word));
      if (os === undefined || cpu === undefined)
        throw new Error(`${name}: no platform in this name; add the entry by hand`);
      missing[wanted] = {
        version,
        cpu: [cpu],
        ...(entry.dev === true ? { dev: true } : {}),
        ...(words.some((word) => word.startsWith('musl')) ? { libc: ['musl'] } : {}),
        ...(words.includes('gnu') ? { libc: ['glibc'] } : {}),
        optional: true,
        os: [os],
      };
    }
  }
  return missing;
}

function main(): void {
  const file = new URL('../package-lock.json', import.meta.url);
  const lock = JSON.parse(readFileSync(file, 'utf8')) as Lockfile;
  const missing = findMissingEntries(lock);
  const entries = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(entries);
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${Object.keys(missing).length} entries added`);
}

if (import.meta.main) main();
