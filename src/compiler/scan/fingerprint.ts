// A 128-bit digest of a text in plain arithmetic, for where no hash is given: four lanes in the manner of MurmurHash3.
// It tells texts apart that differ by accident; against texts made to collide a cryptographic hash must be given instead.

/** Digests a text into 16 bytes. */
export type HashText = (text: string) => Uint8Array;

const MULTIPLIERS = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const;

/** Equal texts give equal digests, on every machine. */
export const fingerprint: HashText = (text) => {
  const lanes = Uint32Array.of(0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f);
  let [a = 0, b = 0, c = 0, d = 0] = lanes;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = rotate(a ^ Math.imul(unit + 1, MULTIPLIERS[0]), 15) + b;
    b = rotate(b ^ Math.imul(a ^ unit, MULTIPLIERS[1]), 17) + c;
    c = rotate(c ^ Math.imul(b + unit, MULTIPLIERS[2]), 13) + d;
    d = rotate(d ^ Math.imul(c ^ unit, MULTIPLIERS[3]), 19) + a;
  }
  a ^= text.length;
  for (let round = 0; round < 4; round++) {
    a = mix(a + b);
    b = mix(b + c);
    c = mix(c + d);
    d = mix(d + a);
  }
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [at, lane] of [a, b, c, d].entries()) view.setUint32(at * 4, lane >>> 0);
  return bytes;
};

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
