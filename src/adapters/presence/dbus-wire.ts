// D-Bus messages as bytes: calls whose arguments are texts, and all that services may answer. Pure, and distrustful: what cannot be right
// (lengths, nesting, types) throws RangeError, and the connection that read it ends.

/** As decoded: numbers (64 bits as bigint), texts, booleans, lists; dictionaries are Maps; variants are what is in them. */
export type DbusValue = number | bigint | string | boolean | readonly DbusValue[] | ReadonlyMap<DbusValue, DbusValue>;

export interface DbusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly args: readonly string[];
}

export interface DbusMessage {
  readonly type: 'call' | 'return' | 'error' | 'signal' | 'other';
  /** Of the call that this answers; 0: of none. */
  readonly replyTo: number;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly DbusValue[];
}

export const maxMessageBytes = 4 * 1024 * 1024;
const maxDepth = 32;
const types = ['other', 'call', 'return', 'error', 'signal'] as const;
/** The service must not be started because we ask. */
const noAutoStart = 2;
const field = { path: 1, interface: 2, member: 3, replyTo: 5, destination: 6, signature: 8 } as const;

export function encodeCall(call: DbusCall, serial: number): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  const push = (bytes: Buffer): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  const align = (to: number): void => push(Buffer.alloc((to - (at % to)) % to));
  const uint32 = (value: number): void => {
    align(4);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    push(bytes);
  };
  const text = (value: string): void => {
    const bytes = Buffer.from(`${value}\0`);
    uint32(bytes.length - 1);
    push(bytes);
  };
  const header = (code: number, type: 's' | 'o', value: string): void => {
    align(8);
    push(Buffer.from([code, 1, type.charCodeAt(0), 0]));
    text(value);
  };
  for (const arg of call.args) text(arg);
  const body = Buffer.concat(parts.splice(0));
  // The fields begin at byte 16 of the message: aligned as at 0.
  at = 0;
  header(field.path, 'o', call.path);
  header(field.interface, 's', call.interface);
  header(field.member, 's', call.member);
  header(field.destination, 's', call.destination);
  if (call.args.length > 0) {
    align(8);
    push(Buffer.from([field.signature, 1, 'g'.charCodeAt(0), 0, call.args.length]));
    push(Buffer.from(`${'s'.repeat(call.args.length)}\0`));
  }
  const fieldsLength = at;
  align(8);
  const head = Buffer.alloc(16);
  head.set(['l'.charCodeAt(0), 1, noAutoStart, 1]);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(serial, 8);
  head.writeUInt32LE(fieldsLength, 12);
  return Buffer.concat([head, ...parts, body]);
}

/** How long the message at the start of `bytes` is; 0: its first 16 bytes are not all there. */
export function messageLength(bytes: Buffer): number {
  if (bytes.length < 16) return 0;
  const little = isLittle(bytes);
  const read = (at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const length = 16 + Math.ceil(read(12) / 8) * 8 + read(4);
  if (length > maxMessageBytes) throw new RangeError('the message is too long');
  return length;
}

/** `bytes`: one whole message. */
export function decodeMessage(bytes: Buffer): DbusMessage {
  const little = isLittle(bytes);
  const reader = new Reader(bytes, little);
  reader.at = 12;
  const fields = new Map<DbusValue, DbusValue>();
  for (const each of reader.value('a(yv)') as DbusValue[][]) fields.set(each[0] ?? 0, each[1] ?? 0);
  reader.align(8);
  const signature = stringOf(fields.get(field.signature));
  const body: DbusValue[] = [];
  for (const type of splitSignature(signature)) body.push(reader.value(type));
  const replyTo = fields.get(field.replyTo);
  return {
    type: types[bytes[1] ?? 0] ?? 'other',
    replyTo: typeof replyTo === 'number' ? replyTo : 0,
    path: stringOf(fields.get(field.path)),
    interface: stringOf(fields.get(field.interface)),
    member: stringOf(fields.get(field.member)),
    body,
  };
}

const stringOf = (value: DbusValue | undefined): string => (typeof value === 'string' ? value : '');

function isLittle(bytes: Buffer): boolean {
  const order = bytes[0];
  if (order !== 0x6c && order !== 0x42) throw new RangeError('no D-Bus message');
  return order === 0x6c;
}

/** «a{sv}u» → «a{sv}», «u». */
function splitSignature(signature: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at, 0);
    found.push(signature.slice(at, end));
    at = end;
  }
  return found;
}

function endOfType(signature: string, at: number, depth: number): number {
  if (depth > maxDepth) throw new RangeError('types are nested too deeply');
  const first = signature[at];
  if (first === 'a') return endOfType(signature, at + 1, depth + 1);
  if (first !== '(' && first !== '{') {
    if (first === undefined || !'ybnqiuxtdhsogv'.includes(first)) throw new RangeError('an unknown type');
    return at + 1;
  }
  const close = first === '(' ? ')' : '}';
  let end = at + 1;
  while (signature[end] !== close) end = endOfType(signature, end, depth + 1);
  return end + 1;
}

const alignments: Readonly<Record<string, number>> = {
  ...{ n: 2, q: 2, b: 4, i: 4, u: 4, h: 4, s: 4, o: 4, a: 4 },
  ...{ x: 8, t: 8, d: 8, '(': 8, '{': 8 },
};

class Reader {
  at = 0;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #little: boolean;
  #depth = 0;

  constructor(bytes: Buffer, little: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#little = little;
  }

  align(to: number): void {
    this.at = Math.ceil(this.at / to) * to;
  }

  /** Reads past the end throw RangeError, as DataView has it. */
  value(type: string): DbusValue {
    if (++this.#depth > maxDepth) throw new RangeError('values are nested too deeply');
    try {
      return this.#read(type);
    } finally {
      this.#depth--;
    }
  }

  #take(bytes: number): number {
    const at = this.at;
    this.at += bytes;
    return at;
  }

  #text(length: number): string {
    const at = this.#take(length + 1);
    if (this.at > this.#bytes.length) throw new RangeError('a text goes past the end');
    return this.#bytes.toString('utf8', at, at + length);
  }

  #read(type: string): DbusValue {
    const kind = type[0] ?? '';
    this.align(alignments[kind] ?? 1);
    switch (kind) {
      case 'y':
        return this.#view.getUint8(this.#take(1));
      case 'b':
        return this.#view.getUint32(this.#take(4), this.#little) === 1;
      case 'n':
        return this.#view.getInt16(this.#take(2), this.#little);
      case 'q':
        return this.#view.getUint16(this.#take(2), this.#little);
      case 'i':
        return this.#view.getInt32(this.#take(4), this.#little);
      case 'u':
      case 'h':
        return this.#view.getUint32(this.#take(4), this.#little);
      case 'x':
        return this.#view.getBigInt64(this.#take(8), this.#little);
      case 't':
        return this.#view.getBigUint64(this.#take(8), this.#little);
      case 'd':
        return this.#view.getFloat64(this.#take(8), this.#little);
      case 's':
      case 'o':
        return this.#text(this.#view.getUint32(this.#take(4), this.#little));
      case 'g':
        return this.#text(this.#view.getUint8(this.#take(1)));
      case 'v': {
        const inner = splitSignature(this.#text(this.#view.getUint8(this.#take(1))));
        if (inner.length !== 1) throw new RangeError('a variant of several values');
        return this.value(inner[0] ?? '');
      }
      case '(':
        return splitSignature(type.slice(1, -1)).map((each) => this.value(each));
      case 'a':
        return this.#array(type.slice(1));
      default:
        throw new RangeError('an unknown type');
    }
  }

  #array(of: string): DbusValue {
    const length = this.#view.getUint32(this.#take(4), this.#little);
    this.align(alignments[of[0] ?? ''] ?? 1);
    const end = this.at + length;
    if (end > this.#bytes.length) throw new RangeError('a list goes past the end');
    if (of.startsWith('{')) {
      const [key = '', value = ''] = splitSignature(of.slice(1, -1));
      const map = new Map<DbusValue, DbusValue>();
      while (this.at < end) {
        this.align(8);
        map.set(this.value(key), this.value(value));
      }
      return map;
    }
    const list: DbusValue[] = [];
    // An item of no bytes, which only a broken message has, would go on for ever.
    for (let before = -1; this.at < end && this.at > before;) {
      before = this.at;
      list.push(this.value(of));
    }
    return list;
  }
}
