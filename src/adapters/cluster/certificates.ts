// Makes certificates: the cluster's CA, signing requests, node certificates. Checking them is left to OpenSSL (tls.ts).
// The x509 library is imported only when a certificate is made: it costs 100 ms and an agent's start needs none.
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { err, ok, type Result } from '../../base/result.ts';

const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const clientAuth = '1.3.6.1.5.5.7.3.2';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const hourMs = 3_600_000;
const yearMs = 365.25 * 24 * hourMs;
/** Certificates are valid from a little before they are made, because clocks differ. */
const backdatedMs = hourMs;
const authorityMs = 20 * yearMs;
const nodeMs = 2 * yearMs;

/** A certificate and its private key, both PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Makes a cluster's CA: EC P-256, good for 20 years, may sign nothing but end certificates. */
export async function makeAuthority(nowMs: number): Promise<Identity> {
  const x509 = await loadLibrary();
  const keys = await makeKeys();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: makeSerial(),
    // Not the cluster's name: that is for people, and any text; a name of its own for each CA keeps them apart.
    name: `CN=tender cluster ${randomBytes(8).toString('hex')}`,
    notBefore: new Date(nowMs - backdatedMs),
    notAfter: new Date(nowMs + authorityMs),
    signingAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** Makes a node's key and the request to have it signed, both PEM. The key never leaves the machine. */
export async function makeSigningRequest(): Promise<{ readonly csr: string; readonly key: string }> {
  const x509 = await loadLibrary();
  const keys = await makeKeys();
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=tender node', keys, signingAlgorithm });
  return { csr: `${csr.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/**
 * The public key of a signing request (SPKI, DER), if the request is well-formed, signed by that very key, and the key
 * is EC P-256. Nothing else of a request is used: names and rights are the authority's to give.
 */
export async function readSigningRequest(csr: string): Promise<Result<Uint8Array, string>> {
  const x509 = await loadLibrary();
  try {
    const request = new x509.Pkcs10CertificateRequest(csr);
    const algorithm = request.publicKey.algorithm as { name: string; namedCurve?: string };
    if (algorithm.name !== 'ECDSA' || algorithm.namedCurve !== 'P-256') return err('its key is not EC P-256');
    if (!(await request.verify())) return err('its signature does not match its key');
    return ok(new Uint8Array(request.publicKey.rawData));
  } catch {
    return err('it is not a PKCS #10 signing request');
  }
}

/**
 * Signs a node certificate (PEM): 2 years, for both ends of a session, one name `<nodeId>.<clusterId>.tender`.
 * @param publicKey SPKI, DER, as from `readSigningRequest`
 */
export async function signNodeCertificate(
  authority: Identity,
  publicKey: Uint8Array,
  dnsName: string,
  nowMs: number,
): Promise<string> {
  const x509 = await loadLibrary();
  const caCert = new x509.X509Certificate(authority.cert);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(authority.key).export({ format: 'der', type: 'pkcs8' }),
    signingAlgorithm,
    false,
    ['sign'],
  );
  const key = new x509.PublicKey(new Uint8Array(publicKey));
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: makeSerial(),
    subject: `CN=${dnsName}`,
    issuer: caCert.subjectName,
    notBefore: new Date(nowMs - backdatedMs),
    notAfter: new Date(Math.min(nowMs + nodeMs, caCert.notAfter.getTime())),
    signingAlgorithm,
    publicKey: key,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth], false),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: dnsName }], false),
      await x509.AuthorityKeyIdentifierExtension.create(caCert.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(key),
    ],
  });
  return `${cert.toString('pem')}\n`;
}

/** SHA-256 of a certificate's DER form, 32 bytes; throws when `cert` is no certificate. */
export function fingerprintOf(cert: string | Uint8Array): Buffer {
  return Buffer.from(new X509Certificate(cert).fingerprint256.replaceAll(':', ''), 'hex');
}

async function loadLibrary(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  return x509;
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  }) as string;
}

function makeSerial(): string {
  const serial = randomBytes(16);
  // A DER integer is signed, and a leading zero byte is not allowed: keep the first byte between 0x40 and 0x7f.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.toString('hex');
}
