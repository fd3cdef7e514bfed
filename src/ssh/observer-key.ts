import { createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';

/** In front of the 32 bytes of a private key of Ed25519 in PKCS #8 (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
const type = 'ssh-ed25519';

/** A key with which the broker asks one job what it uses. It can do nothing else, and nothing at any other job. */
export interface ObserverKey {
  /** `ssh-ed25519 AAAA…` */
  publicKey: string;
  /** In OpenSSH's form. */
  privateKey: string;
}

/** Derives the key of a job: nothing of it is kept, and every process has the same. */
export function observerKeyOf(secret: Buffer, jobId: string): ObserverKey {
  const seed = Buffer.from(hkdfSync('sha256', secret, jobId, 'worldland: the key that asks what a job uses', 32));
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  const point = Buffer.from(x!, 'base64url');
  const blob = Buffer.concat([field(type), field(point)]);
  return { publicKey: `${type} ${blob.toString('base64')}`, privateKey: openSshForm(blob, seed, point) };
}

/** The form of `ssh-keygen`, without a passphrase (PROTOCOL.key of OpenSSH). */
function openSshForm(blob: Buffer, seed: Buffer, point: Buffer): string {
  const check = Buffer.alloc(8, 0x77);
  const inner = Buffer.concat([check, field(type), field(point), field(Buffer.concat([seed, point])), field('')]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, at) => at + 1));
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[field('none'), field('none'), field(''), number(1), field(blob)],
    field(Buffer.concat([inner, padding])),
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g)!;
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/** A string of the SSH protocol (RFC 4251): its length in four bytes, then its bytes. */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
