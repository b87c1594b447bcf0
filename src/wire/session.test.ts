// The session's messages against the contract: every field of messages.ts is one of proto/tender.proto and the other way round,
// all of them survive the wire, and bytes of strangers end in one clear error or in a message whose fields are what they should be.
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import type { FailureCode, Offer } from '../core/types.ts';
import {
  protocolVersion,
  type AnnouncementMessage,
  type AwardMessage,
  type ExecutionResultMessage,
  type FromDelegator,
  type FromWorker,
  type OfferMessage,
  type TaskClassMessage,
} from './messages.ts';
import { messageType } from './proto.ts';
import {
  announcementFromWire,
  announcementToWire,
  failureCodeFromWire,
  fromDelegatorCodec,
  fromWorkerCodec,
  maxControlBytes,
  maxFields,
  offerFromWire,
  offerToWire,
  toolchainFromWire,
  toolchainToWire,
  type Codec,
} from './session.ts';

const beyond32Bits = 5_000_000_000_123;
const bytes = (...values: number[]): Buffer => Buffer.from(values);
const toolchain = { digest: Buffer.alloc(32, 7), path: '/usr/bin/g++', label: 'g++ 12.2.0' };
const taskClass: TaskClassMessage = {
  id: bytes(1, 2),
  criteria: 'cpu.ghz >= 2',
  toolchain,
  p50Ms: 900,
  p80Ms: 4_000_000_000,
  bytes: beyond32Bits,
};
const announcement: AnnouncementMessage = {
  delegator: '0123456789abcdef',
  delegatorName: 'anna',
  port: 7437,
  build: 'b1',
  seq: beyond32Bits,
  demands: [{ class: taskClass, count: 12 }],
  offersWanted: 4,
  expiresInMs: 2000,
  listeners: 1000,
  scores: [500, 1000],
};
const offer: OfferMessage = {
  leaseId: 'l1',
  slots: 4,
  ttlMs: 10_000,
  classIds: [bytes(1, 2), bytes(3)],
  info: {
    name: 'berta',
    arch: 'x86_64',
    os: 'linux',
    cores: 16,
    slots: 15,
    cpuModel: 'EPYC',
    ghz: 3.25,
    memTotalBytes: beyond32Bits,
    memFreeBytes: beyond32Bits - 1,
    load: 0.5,
    pressure: 12.5,
    freeForPercent: [100, 99, 50, 0],
    bench: 1100,
    graceMs: 10_000,
    toolchains: [Buffer.alloc(32, 5)],
  },
  remark: 'gcc 12.3 there, 12.2 here',
  recalled: 1,
  released: 3,
  ahead: 1,
  rttMs: 12.5,
  bytesPerMs: 110_000,
  estimateMs: 900,
};
const award: AwardMessage = {
  leaseId: 'l1',
  attempt: 't1#1',
  label: 'a.cc',
  toolchain,
  argv: [Buffer.from('/usr/bin/g++'), bytes(0xff, 0xfe), Buffer.alloc(0)],
  cwd: Buffer.from('/src'),
  env: [Buffer.from('LANG=C')],
  umask: 0o22,
  epoch: beyond32Bits,
  newFiles: [
    {
      number: 4_000_000_000,
      path: bytes(0x2f, 0xc3),
      digest: Buffer.alloc(32),
      size: beyond32Bits,
      executable: true,
      inode: beyond32Bits,
      modifiedS: beyond32Bits,
    },
  ],
  files: [1, 300, 4_000_000_000],
  symlinks: [{ path: Buffer.from('/a'), target: Buffer.from('b') }],
  dirs: [Buffer.from('/src/out')],
  outputs: [{ path: Buffer.from('/src/out/a.o'), kind: 'object' }],
  deadlineMs: 1_200_000,
  memBytes: beyond32Bits,
};
const result: ExecutionResultMessage = {
  attempt: 't1#1',
  signalled: true,
  code: 11,
  stdout: bytes(0, 1),
  stderr: Buffer.from('a.cc:1: error'),
  outputs: [{ index: 1, data: bytes(9), zstd: true, size: beyond32Bits, mode: 0o644 }],
  ranMs: 1,
  cpuMs: 2,
  maxRssBytes: beyond32Bits,
  bytesFetched: beyond32Bits,
  unnamed: '/p/log.txt',
};

type Sample<T> = T extends unknown ? { readonly name: keyof T & string; readonly message: T } : never;
const fromDelegator: Sample<FromDelegator>[] = [
  { name: 'welcome', message: { welcome: { version: protocolVersion, name: 'anna' } } },
  { name: 'announcement', message: { announcement } },
  { name: 'award', message: { award } },
  { name: 'pack', message: { pack: { digests: bytes(1, 2), sizes: [3, 4], data: bytes(5, 6), zstd: true } } },
  { name: 'blob', message: { blob: { digest: bytes(1), data: bytes(2, 3), last: true, missing: true, zstd: true } } },
  { name: 'release', message: { release: { leaseId: 'l1', slots: 3 } } },
  { name: 'cancel', message: { cancel: { attempt: 't1#1', why: 'hedge lost' } } },
  { name: 'echo', message: { echo: { stamp: 12_345.5 } } },
  { name: 'poll', message: { poll: {} } },
];
const fromWorker: Sample<FromWorker>[] = [
  { name: 'hello', message: { hello: { version: protocolVersion, name: 'berta' } } },
  { name: 'offer', message: { offer } },
  { name: 'need', message: { need: { attempt: 't1#1', digests: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] } } },
  { name: 'started', message: { started: { attempt: 't1#1' } } },
  { name: 'heartbeat', message: { heartbeat: { attempts: ['t1#1', 't2#1'], load: 1.5, stamp: 12_345.5 } } },
  { name: 'result', message: { result } },
  { name: 'failed', message: { failed: { attempt: 't1#1', code: 'killed', message: 'signal 9' } } },
  { name: 'withdraw', message: { withdraw: { leaseId: 'l1' } } },
  { name: 'returning', message: { returning: {} } },
];

/** Where a message's fields and the contract's differ, as `Type.field: what`; nothing: they agree. */
function findDrift(type: protobuf.Type, value: object): string[] {
  const drift: string[] = [];
  const values = value as Record<string, unknown>;
  for (const name of Object.keys(values)) {
    if (type.fields[name] === undefined) drift.push(`${type.name}.${name}: not in the contract`);
  }
  for (const field of type.fieldsArray) {
    const given = values[field.name];
    if (given === undefined) {
      drift.push(`${type.name}.${field.name}: not in messages.ts`);
      continue;
    }
    if (field.repeated !== Array.isArray(given)) drift.push(`${type.name}.${field.name}: repeated on one side only`);
    const one: unknown = Array.isArray(given) ? given[0] : given;
    if (field.resolvedType instanceof protobuf.Type) drift.push(...findDrift(field.resolvedType, one as object));
    else if (kindOf(one) !== kindInContract(field.type)) {
      drift.push(`${type.name}.${field.name}: ${kindOf(one)} here, ${field.type} in the contract`);
    }
  }
  return drift;
}

const kindOf = (value: unknown): string => (value instanceof Uint8Array ? 'bytes' : typeof value);
const kindInContract = (type: string): string =>
  ({ bytes: 'bytes', string: 'string', bool: 'boolean', double: 'number', uint32: 'number', uint64: 'number' })[type] ??
  type;

const sides = [
  { name: 'FromDelegator', codec: fromDelegatorCodec as Codec<object>, samples: fromDelegator as Sample<object>[] },
  { name: 'FromWorker', codec: fromWorkerCodec as Codec<object>, samples: fromWorker as Sample<object>[] },
];

describe.each(sides)('$name', ({ name, codec, samples }) => {
  const type = messageType(name);

  test('has the messages of the contract and no others, with the same fields of the same kinds', () => {
    expect(samples.map((sample) => sample.name as string).sort()).toEqual(Object.keys(type.fields).sort());
    for (const { name: field, message } of samples) {
      const inner = type.fields[field]?.resolvedType as protobuf.Type;
      expect(findDrift(inner, (message as Record<string, object>)[field] ?? {})).toEqual([]);
    }
  });

  test.each(samples)('$name comes through the wire as it was', ({ message }) => {
    expect(codec.decode(codec.encode(message))).toEqual(message);
    const plain = new Uint8Array(codec.encode(message));
    expect(codec.encode(codec.decode(plain))).toEqual(Buffer.from(plain));
  });

  test.each(samples)('$name with nothing set has every field all the same', ({ name: field, message }) => {
    const fieldId = type.fields[field]?.id ?? 0;
    const decoded = codec.decode(bytes((fieldId << 3) | 2, 0)) as Record<string, object>;
    const whole = (message as Record<string, object>)[field] ?? {};
    expect(Object.keys(decoded[field] ?? {}).sort()).toEqual(Object.keys(whole).sort());
  });

  test('a message of a newer version beside ours is passed over, alone it is an error', () => {
    const [first] = samples;
    if (first === undefined) throw new Error('no samples');
    const unknown = bytes(0xfa, 0x06, 1, 0x55);
    expect(codec.decode(Buffer.concat([unknown, codec.encode(first.message), unknown]))).toEqual(first.message);
    expect(() => codec.decode(unknown)).toThrow(`not a ${name}: without content`);
    expect(() => codec.decode(Buffer.alloc(0))).toThrow(`not a ${name}: without content`);
  });

  test('two messages in one frame are refused', () => {
    const two = Buffer.concat(samples.slice(0, 2).map((sample) => codec.encode(sample.message)));
    expect(() => codec.decode(two)).toThrow('more than one message');
  });

  test('any bytes end in a message of ours or in one clear error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => assertDecodesOrRefuses(name, codec, garbage)),
      { numRuns: 3000 },
    );
  });

  test('so do messages with bytes changed, cut off or put in', () => {
    const encoded = samples.map((sample) => codec.encode(sample.message));
    const change = fc.record({ at: fc.nat(), how: fc.constantFrom('set', 'cut', 'insert'), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.constantFrom(...encoded), fc.array(change, { minLength: 1, maxLength: 4 }), (good, changes) => {
        let changed = Buffer.from(good);
        for (const { at, how, byte } of changes) {
          const place = at % (changed.length + 1);
          if (how === 'set') changed[place] = byte;
          else if (how === 'cut') changed = changed.subarray(0, place);
          else changed = Buffer.concat([changed.subarray(0, place), bytes(byte), changed.subarray(place)]);
        }
        assertDecodesOrRefuses(name, codec, changed);
      }),
      { numRuns: 3000 },
    );
  });

  test('groups nested without end are an error, not a stack that overflows', () => {
    expect(() => codec.decode(Buffer.alloc(1_000_000, 0xfb))).toThrow(`not a ${name}: `);
    expect(() => codec.decode(Buffer.alloc(1_000_000, 0x7b))).toThrow(`not a ${name}: `);
  });
});

function assertDecodesOrRefuses(name: string, codec: Codec<object>, garbage: Uint8Array): void {
  let decoded: object;
  try {
    decoded = codec.decode(garbage);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(new RegExp(`^not a ${name}: .`));
    return;
  }
  const [[field, value] = ['', null], ...rest] = Object.entries(decoded);
  expect(rest).toEqual([]);
  const inner = messageType(name).fields[field]?.resolvedType as protobuf.Type;
  expect(inner.verify(value as Record<string, unknown>) ?? 'good').toBe('good');
  expect(codec.decode(codec.encode(decoded))).toEqual(decoded);
}

test('a drift between messages.ts and the contract is seen', () => {
  const type = messageType('ReleaseLease');
  expect(findDrift(type, { leaseID: 'l', slots: 1 })).toEqual([
    'ReleaseLease.leaseID: not in the contract',
    'ReleaseLease.leaseId: not in messages.ts',
  ]);
  expect(findDrift(type, { leaseId: 7, slots: 1 })).toEqual([
    'ReleaseLease.leaseId: number here, string in the contract',
  ]);
  expect(findDrift(messageType('Heartbeat'), { attempts: 't1#1', stamp: 0, load: 1 })).toEqual([
    'Heartbeat.attempts: repeated on one side only',
  ]);
});

test('whole numbers up to 2^53 - 1 survive', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (epoch) => {
      const message: FromDelegator = { award: { ...award, epoch, memBytes: epoch } };
      expect(fromDelegatorCodec.decode(fromDelegatorCodec.encode(message))).toEqual(message);
    }),
  );
});

describe('a message that would cost its reader too much', () => {
  const framed = (fieldId: number, content: Buffer): Buffer => {
    const writer = protobuf.Writer.create();
    return Buffer.from(
      writer
        .uint32((fieldId << 3) | 2)
        .bytes(content)
        .finish(),
    );
  };

  test('is refused before it is taken apart: too many bytes, unless it carries contents', () => {
    const big = Buffer.alloc(maxControlBytes, 1);
    const heartbeat = Buffer.concat([bytes(0x1a, 0x80, 0x80, 0x80, 0x08), big]);
    expect(() => fromWorkerCodec.decode(framed(5, heartbeat))).toThrow(/heartbeat of \d+ bytes, at most/);
    const blob: FromDelegator = { blob: { digest: bytes(1), data: big, last: true, missing: false, zstd: false } };
    expect(Object.keys(fromDelegatorCodec.decode(fromDelegatorCodec.encode(blob)))).toEqual(['blob']);
  });

  test('is refused before it is taken apart: too many fields, contents or not', () => {
    const emptyOutputs = Buffer.alloc(2 * (maxFields + 1), bytes(0x32, 0));
    expect(() => fromWorkerCodec.decode(framed(6, emptyOutputs))).toThrow(`more than ${maxFields} fields`);
    const allowed = fromWorkerCodec.decode(framed(6, emptyOutputs.subarray(0, 2 * 1000))) as {
      result: ExecutionResultMessage;
    };
    expect(allowed.result.outputs).toHaveLength(1000);
  });
});

describe('announcementFromWire', () => {
  const read = (change: Partial<AnnouncementMessage>): unknown => {
    const opened = announcementFromWire({ ...announcement, ...change }, 'feedfacefeedface');
    return opened.ok ? opened.value : opened.error;
  };
  const classWith = (change: Partial<TaskClassMessage>): Partial<AnnouncementMessage> => ({
    demands: [{ class: { ...taskClass, ...change }, count: 1 }],
  });

  test('believes the certificate and not the message about who speaks', () => {
    expect(read({})).toMatchObject({ delegator: 'feedfacefeedface', delegatorName: 'anna', seq: beyond32Bits });
  });

  test('is the way back of announcementToWire', () => {
    const opened = announcementFromWire(announcement, announcement.delegator);
    if (!opened.ok) throw new Error(opened.error);
    expect(announcementToWire(opened.value)).toEqual(announcement);
    expect(toolchainToWire(toolchainFromWire(toolchain))).toEqual(toolchain);
  });

  test.each<[string, Partial<AnnouncementMessage>, string]>([
    [
      'too many classes',
      { demands: Array(65).fill({ class: taskClass, count: 1 }) },
      '65 classes announced, at most 64',
    ],
    ['a demand of nothing', { demands: [{ class: null, count: 1 }] }, 'a demand without a class'],
    ['port 0', { port: 0 }, 'port 0'],
    ['a port beyond TCP', { port: 65_536 }, 'port 65536'],
    ['a sequence number that is no longer exact', { seq: 2 ** 53 }, 'a sequence number of 2^53 or more'],
    ['a name that moves the cursor', { delegatorName: 'a\x1b[2Jb' }, 'delegator_name: not printable'],
    ['a build that forges a line', { build: 'b\nlogged in' }, 'build: not printable'],
    ['long criteria', classWith({ criteria: 'x'.repeat(4097) }), 'criteria longer than 4096 characters'],
    ['no class id', classWith({ id: Buffer.alloc(0) }), 'a class without an id'],
    ['a long class id', classWith({ id: Buffer.alloc(65) }), 'a class without an id'],
    [
      'half a digest',
      classWith({ toolchain: { ...toolchain, digest: Buffer.alloc(16) } }),
      'a toolchain digest that is not 32 bytes',
    ],
    [
      'a relative compiler',
      classWith({ toolchain: { ...toolchain, path: 'g++' } }),
      'a toolchain path that is not absolute',
    ],
    [
      'a compiler with a NUL',
      classWith({ toolchain: { ...toolchain, path: '/g\0' } }),
      'a toolchain path that is not absolute',
    ],
  ])('refuses %s', (_what, change, why) => {
    expect(read(change)).toBe(why);
  });

  test('cuts what is only too long', () => {
    expect(
      read({ delegatorName: 'x'.repeat(5000), build: 'y'.repeat(5000), expiresInMs: 4_000_000_000 }),
    ).toMatchObject({
      delegatorName: 'x'.repeat(100),
      build: 'y'.repeat(100),
      expiresInMs: 60_000,
    });
    expect(read(classWith({ toolchain: { ...toolchain, label: `g++\x1b[31m${'z'.repeat(5000)}` } }))).toMatchObject({
      demands: [{ class: { toolchain: { label: `g++?[31m${'z'.repeat(192)}` } } }],
    });
  });
});

describe('offerFromWire', () => {
  const read = (change: Partial<OfferMessage>): Offer | string => {
    const opened = offerFromWire({ ...offer, ...change });
    return opened.ok ? opened.value : opened.error;
  };
  const withInfo = (change: Partial<NonNullable<OfferMessage['info']>>): Offer['info'] => {
    const opened = read({ info: offer.info === null ? null : { ...offer.info, ...change } });
    if (typeof opened === 'string') throw new Error(opened);
    return opened.info;
  };

  test('is the way back of offerToWire', () => {
    const opened = offerFromWire(offer);
    if (!opened.ok) throw new Error(opened.error);
    expect(offerToWire(opened.value)).toEqual(offer);
    expect(opened.value.classIds).toEqual(['0102', '03']);
    expect(opened.value.info.freeFor).toEqual([1, 0.99, 0.5, 0]);
  });

  test.each<[string, Partial<OfferMessage>, string]>([
    ['no machine', { info: null }, 'an offer that says nothing of its machine'],
    ['no lease', { leaseId: '' }, 'an offer without a lease'],
    // Slots without a lease could not be awarded; without slots it is a remark.
    ['a lease id without end', { leaseId: 'l'.repeat(101) }, 'an offer without a lease'],
    ['too many classes', { classIds: Array(65).fill(bytes(1)) }, '65 classes, at most 64'],
    ['a class id without end', { classIds: [Buffer.alloc(65)] }, 'a class id that is too long'],
  ])('refuses %s', (_what, change, why) => {
    expect(read(change)).toBe(why);
  });

  test('cuts figures that no machine can have', () => {
    expect(read({ slots: 4_000_000_000, ttlMs: 4_000_000_000 })).toMatchObject({ slots: 1024, ttlMs: 60_000 });
    expect(withInfo({ cores: 0, slots: 5000, ghz: -1, load: NaN, pressure: Infinity })).toMatchObject({
      cores: 1,
      slots: 1024,
      ghz: 0,
      load: 0,
      pressure: 100,
    });
    expect(withInfo({ memTotalBytes: 2 ** 64 }).memTotalBytes).toBe(Number.MAX_SAFE_INTEGER);
    expect(withInfo({ freeForPercent: Array(20).fill(250) }).freeFor).toEqual(Array(8).fill(1));
  });

  test('shows nothing on a terminal that is not text', () => {
    const opened = read({ remark: `\x1b]0;owned\x07${'r'.repeat(600)}` });
    expect(opened).toMatchObject({ remark: `?]0;owned?${'r'.repeat(490)}` });
    expect(withInfo({ name: 'a\u202eb', cpuModel: 'x\r\ny' })).toMatchObject({ name: 'a?b', cpuModel: 'x??y' });
  });

  test('whatever the figures, what comes out is finite and in range', () => {
    const number = fc.oneof(fc.double(), fc.maxSafeNat(), fc.constantFrom(NaN, Infinity, -Infinity, -0));
    fc.assert(
      fc.property(number, number, number, fc.nat(2 ** 32), (ghz, load, pressure, slots) => {
        const info = withInfo({ ghz, load, pressure, slots, cores: slots });
        for (const value of [info.ghz, info.load, info.pressure, info.slots, info.cores]) {
          expect(Number.isFinite(value) && value >= 0).toBe(true);
        }
      }),
    );
  });
});

test('a failure code of a newer version is still a failure', () => {
  const known: FailureCode[] = ['out-of-memory', 'stopping', 'too-large'];
  expect(known.map(failureCodeFromWire)).toEqual(known);
  expect(['', 'toString', 'moon-phase'].map(failureCodeFromWire)).toEqual(['bad-result', 'bad-result', 'bad-result']);
});
