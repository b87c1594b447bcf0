// The little of ELF that is needed to learn what a program loads: its interpreter, which then lists the libraries itself.
import { closeSync, openSync, readSync } from 'node:fs';

/** `elf`: whether it is one at all; `interpreter`: null for a static program; `runPath`: whether it names places for its libraries itself. */
export interface ElfFacts {
  readonly elf: boolean;
  readonly interpreter: string | null;
  readonly runPath: boolean;
}

const HEAD_BYTES = 8192;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const MAX_SECTION_BYTES = 1 << 16;

/** Reads a program's header. Throws what the file system throws. */
export function readElf(path: string): ElfFacts {
  const head = Buffer.alloc(HEAD_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, HEAD_BYTES, 0);
    if (head.readUInt32BE(0) !== 0x7f454c46) return { elf: false, interpreter: null, runPath: false };
    return { elf: true, ...readSegments(head, file) };
  } finally {
    closeSync(file);
  }
}

function readSegments(head: Buffer, file: number): Pick<ElfFacts, 'interpreter' | 'runPath'> {
  const wide = head[4] === 2;
  const little = head[5] === 1;
  const u16 = (at: number): number => (little ? head.readUInt16LE(at) : head.readUInt16BE(at));
  const u32 = (at: number): number => (little ? head.readUInt32LE(at) : head.readUInt32BE(at));
  const wordOf = (from: Buffer, at: number): number => {
    if (!wide) return little ? from.readUInt32LE(at) : from.readUInt32BE(at);
    return Number(little ? from.readBigUInt64LE(at) : from.readBigUInt64BE(at));
  };
  const table = wordOf(head, wide ? 32 : 28);
  const entryBytes = u16(wide ? 54 : 42);
  const entries = u16(wide ? 56 : 44);
  let interpreter: string | null = null;
  let runPath = false;
  for (let entry = 0; entry < entries; entry++) {
    const at = table + entry * entryBytes;
    if (at + entryBytes > HEAD_BYTES) break;
    const type = u32(at);
    if (type !== PT_INTERP && type !== PT_DYNAMIC) continue;
    const segment = Buffer.alloc(Math.min(MAX_SECTION_BYTES, wordOf(head, at + (wide ? 32 : 16))));
    readSync(file, segment, 0, segment.length, wordOf(head, at + (wide ? 8 : 4)));
    if (type === PT_INTERP) {
      interpreter = segment.toString('utf8').replace(/\0.*$/s, '');
      continue;
    }
    const pairBytes = wide ? 16 : 8;
    for (let pair = 0; pair + pairBytes <= segment.length; pair += pairBytes) {
      const tag = wordOf(segment, pair);
      if (tag === DT_RPATH || tag === DT_RUNPATH) runPath = true;
    }
  }
  return { interpreter, runPath };
}
