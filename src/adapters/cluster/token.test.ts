// The invite as a word, typos in it, and the addresses that go into it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listAddresses } from './addresses.ts';
import { decodeToken, encodeToken, type Invite } from './token.ts';

function read(token: string): Invite {
  const decoded = decodeToken(token);
  if (!decoded.ok) throw new Error(decoded.error.message);
  return decoded.value;
}

describe('the token', () => {
  const invite: Invite = {
    caFingerprint: Buffer.alloc(32, 0xfe),
    id: '0123456789ab',
    secret: Buffer.alloc(16, 0x3f),
    expiresAtMs: 1_763_700_000_000,
    port: 40_000,
    addresses: ['192.168.1.5', 'fd00::1:2', '::1', '2001:db8:1:2:3:4:5:6', 'anna.example', '::ffff:1.2.3.4'],
  };

  test('is one printable word and comes back as it was', () => {
    const token = encodeToken(invite);
    expect(token).toMatch(/^tender1-[A-Za-z0-9_-]+$/);
    const decoded = read(`  ${token.slice(0, 40)}\n${token.slice(40)} `);
    expect({ ...decoded, addresses: [] }).toEqual({ ...invite, addresses: [] });
    expect(decoded.addresses).toEqual([...invite.addresses.slice(0, 5), '::ffff:102:304']);
    expect(encodeToken({ ...invite, addresses: ['192.168.1.5'] }).length).toBeLessThan(110);
  });

  test('tells every typo of one character as a typo', () => {
    const token = encodeToken(invite);
    for (let at = 0; at < token.length; at++) {
      for (const typo of [
        token.slice(0, at) + token.slice(at + 1),
        `${token.slice(0, at)}${token[at] === 'x' ? 'y' : 'x'}${token.slice(at + 1)}`,
      ]) {
        const decoded = decodeToken(typo);
        expect(decoded.ok).toBe(false);
      }
    }
    expect(decodeToken(token.replace('tender1', 'tender2'))).toMatchObject({
      ok: false,
      error: { code: 'token-version' },
    });
    expect(decodeToken(token.slice(0, -1))).toMatchObject({ ok: false, error: { code: 'token-typo' } });
    expect(decodeToken(token.toLowerCase())).toMatchObject({ ok: false, error: { code: 'token-typo' } });
    expect(decodeToken('')).toMatchObject({ ok: false, error: { code: 'token-typo' } });
  });

  test('is never an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `tender1-${text}`),
        ),
        (text) => !decodeToken(text).ok,
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('the addresses of an invite', () => {
  const at = (family: 'IPv4' | 'IPv6', address: string, internal = false) =>
    ({ family, address, internal, netmask: '', mac: '', cidr: null, scopeid: 0 }) as const;
  const lo = [at('IPv4', '127.0.0.1', true), at('IPv6', '::1', true)];

  test('real networks before bridges, no link-local ones, loopback only if there is nothing else', () => {
    const interfaces = {
      lo,
      docker0: [at('IPv4', '172.17.0.1')],
      eth0: [at('IPv6', 'fe80::1'), at('IPv6', 'fd00::5'), at('IPv4', '10.0.0.5'), at('IPv4', '169.254.1.1')],
    };
    expect(listAddresses(interfaces)).toEqual(['10.0.0.5', 'fd00::5', '172.17.0.1']);
    expect(listAddresses({ lo })).toEqual(['127.0.0.1', '::1']);
  });
});
