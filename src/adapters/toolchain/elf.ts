// The little of ELF that is needed to learn what a program loads: its interpreter, which then lists the libraries itself.
import { closeSync, openSync, readSync } from 'node:fs';

/** `elf`: whether it is one at all; `interpreter`: null for a static program. */
export interface ElfFacts {
  readonly elf: boolean;
  readonly interpreter: string | null;
}

const HEAD_BYTES = 8192;
const PT_INTERP = 3;

/** Reads a program's header. Throws what the file system throws. */
export function readElf(path: string): ElfFacts {
  const head = Buffer.alloc(HEAD_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, HEAD_BYTES, 0);
    if (head.readUInt32BE(0) !== 0x7f454c46) return { elf: false, interpreter: null };
    return { elf: true, interpreter: findInterpreter(head, file) };
  } finally {
    closeSync(file);
  }
}

function findInterpreter(head: Buffer, file: number): string | null {
  const wide = head[4] === 2;
  const little = head[5] === 1;
  const u16 = (at: number): number => (little ? head.readUInt16LE(at) : head.readUInt16BE(at));
  const u32 = (at: number): number => (little ? head.readUInt32LE(at) : head.readUInt32BE(at));
  const word = (at: number): number => {
    if (!wide) return u32(at);
    return Number(little ? head.readBigUInt64LE(at) : head.readBigUInt64BE(at));
  };
  const table = word(wide ? 32 : 28);
  const entryBytes = u16(wide ? 54 : 42);
  const entries = u16(wide ? 56 : 44);
  for (let entry = 0; entry < entries; entry++) {
    const at = table + entry * entryBytes;
    if (at + entryBytes > HEAD_BYTES) return null;
    if (u32(at) !== PT_INTERP) continue;
    const name = Buffer.alloc(Math.min(4096, word(at + (wide ? 32 : 16))));
    readSync(file, name, 0, name.length, word(at + (wide ? 8 : 4)));
    return name.toString('utf8').replace(/\0.*$/s, '');
  }
  return null;
}
