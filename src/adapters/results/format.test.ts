// Entries as bytes: what goes in comes out, and nothing that is not exactly what was written is believed.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FilePool } from './pool.ts';
import { decodeResult, encodeResult, resultBytes, resultMagic } from './result-format.ts';
import { bodyAt, faultOf, seal } from './seal.ts';
import { manifestOf, plain, resultKeyOf, resultOf, unitKeyOf } from './test-rig.ts';
import type { Manifest, StoredResult } from './types.ts';
import { decodeUnit, encodeUnit, unitMagic } from './unit-format.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const data = fc.uint8Array({ maxLength: 300 });
const results: fc.Arbitrary<StoredResult> = fc.record({
  stdout: data,
  stderr: data,
  ranMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  cpuMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  outputs: fc.array(
    fc.record({
      index: fc.nat(1000),
      data,
      zstd: fc.boolean(),
      size: fc.nat(2 ** 31 - 1),
      mode: fc.nat(0o777),
    }),
    { maxLength: 5 },
  ),
});
// Few paths and digests, so that manifests share some.
const small = (length: number) => fc.nat(3).map((n) => new Uint8Array(length).fill(n));
const path = fc.oneof(fc.constantFrom('a.h', 'b/ü.h', ''), fc.string({ unit: 'grapheme', maxLength: 12 }));
const files = fc.array(fc.record({ path, digest: small(32), resolution: small(16) }), { maxLength: 12 });
const manifests: fc.Arbitrary<Manifest[]> = fc.array(fc.record({ files, resultKey: bytes(32) }), { maxLength: 8 });

function sealedResult(n: number): Buffer {
  const result = resultOf(n, 200);
  const entry = encodeResult(resultKeyOf(n), result, resultBytes(result));
  seal(entry);
  return entry;
}

function sealedUnit(n: number, given: readonly Manifest[]): Buffer {
  const pool = new FilePool();
  const pooled = given.map((it) => ({ files: it.files.map((f) => pool.adopt(f)), resultKey: it.resultKey }));
  const entry = encodeUnit(unitKeyOf(n), pooled);
  if (entry === null) throw new Error('it cannot be written');
  seal(entry);
  return entry;
}

describe('a result', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(results, (result) => {
        const entry = encodeResult(resultKeyOf(1), result, resultBytes(result));
        seal(entry);
        expect(faultOf(entry, resultMagic, resultKeyOf(1))).toBeNull();
        expect(plain(decodeResult(entry))).toEqual(plain(result));
      }),
    );
  });

  test('with any one bit turned is not believed', () => {
    const entry = sealedResult(7);
    for (let bit = 0; bit < entry.length * 8; bit++) {
      const broken = Buffer.from(entry);
      broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(faultOf(broken, resultMagic, resultKeyOf(7))).not.toBeNull();
    }
  });

  test('cut short, grown, or under another name is not believed', () => {
    const entry = sealedResult(7);
    for (let length = 0; length < entry.length; length++) {
      expect(faultOf(entry.subarray(0, length), resultMagic, resultKeyOf(7))).not.toBeNull();
    }
    expect(faultOf(Buffer.concat([entry, Buffer.alloc(1)]), resultMagic, resultKeyOf(7))).not.toBeNull();
    expect(faultOf(entry, resultMagic, resultKeyOf(8))).toBe('it belongs under another name');
    expect(faultOf(entry, unitMagic, resultKeyOf(7))).toBe('no entry of this store');
  });

  test('whose lengths lie under a good seal gives null, and throws nothing', () => {
    const entry = sealedResult(7);
    fc.assert(
      fc.property(fc.integer({ min: bodyAt, max: entry.length - 4 }), fc.nat(0xffffffff), (at, value) => {
        const lying = Buffer.from(entry);
        lying.writeUInt32LE(value, at);
        seal(lying);
        const result = decodeResult(lying);
        // What is no length may change; then all views together are as large as before.
        if (result === null) return;
        const sum = result.outputs.reduce((all, output) => all + output.data.length, 0);
        expect(result.stdout.length + result.stderr.length + sum).toBeLessThan(entry.length);
      }),
    );
  });

  test('with more outputs than any compile has cannot be kept', () => {
    const [output] = resultOf(1, 1).outputs;
    if (output === undefined) throw new Error('no output');
    expect(resultBytes({ ...resultOf(1, 1), outputs: Array.from({ length: 5000 }, () => output) })).toBe(Infinity);
  });
});

describe('a unit', () => {
  test('comes back as it was, with equal files as one object', () => {
    fc.assert(
      fc.property(manifests, (given) => {
        const entry = sealedUnit(1, given);
        expect(faultOf(entry, unitMagic, unitKeyOf(1))).toBeNull();
        const read = decodeUnit(entry, new FilePool());
        expect(plain(read)).toEqual(plain(given));
        const all = (read ?? []).flatMap((manifest) => manifest.files);
        const distinct = new Set(all.map((file) => `${file.path}\0${file.raw}`));
        expect(new Set(all).size).toBe(distinct.size);
      }),
    );
  });

  test('with eight manifests that differ in one file takes little more than with one', () => {
    const one = sealedUnit(1, [manifestOf(0, 270)]);
    const eight = sealedUnit(
      1,
      Array.from({ length: 8 }, (_, n) => manifestOf(n, 270)),
    );
    expect(one.length).toBeLessThan(270 * 80);
    expect(eight.length).toBeLessThan(one.length + 7 * (270 * 4 + 100));
  });

  test('whose counts lie under a good seal gives null or a manifest of its own files, and throws nothing', () => {
    const entry = sealedUnit(1, [manifestOf(1), manifestOf(2)]);
    fc.assert(
      fc.property(fc.integer({ min: bodyAt, max: entry.length - 4 }), fc.nat(0xffffffff), (at, value) => {
        const lying = Buffer.from(entry);
        lying.writeUInt32LE(value, at);
        seal(lying);
        for (const manifest of decodeUnit(lying, new FilePool()) ?? []) {
          for (const file of manifest.files) expect(file.digest).toHaveLength(32);
        }
      }),
    );
  });

  test('keeps no path that UTF-8 cannot say, or that is longer than any', () => {
    const pool = new FilePool();
    for (const name of ['\ud800.h', 'x'.repeat(70_000)]) {
      const file = pool.adopt({ path: name, digest: new Uint8Array(32), resolution: new Uint8Array(16) });
      expect(encodeUnit(unitKeyOf(1), [{ files: [file], resultKey: resultKeyOf(1) }])).toBeNull();
      pool.forgetUnused([file]);
    }
    expect(pool.bytes).toBe(0);
  });
});
