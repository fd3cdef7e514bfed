import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/**
 * The private key that identifies a job's SSH server: PKCS #8 in PEM, the form the server reads. It is stored only in
 * the job's Secret.
 */
export function newSshHostKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/**
 * The public host key, `ssh-ed25519 AAAA…`, for the customer, who gets it by a channel other than SSH.
 *
 * @throws Error when it is not an Ed25519 key in PEM; the message does not repeat it.
 */
export function publicSshHostKey(privateKey: string): string {
  const { kty, crv, x } = readPublicKey(privateKey);
  if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined) throw new Error('the host key is not an Ed25519 key');
  const type = 'ssh-ed25519';
  return `${type} ${Buffer.concat([field(Buffer.from(type)), field(Buffer.from(x, 'base64url'))]).toString('base64')}`;
}

function readPublicKey(privateKey: string) {
  try {
    return createPublicKey(createPrivateKey(privateKey)).export({ format: 'jwk' });
  } catch {
    throw new Error('the host key cannot be read');
  }
}

/** Encodes a string of the SSH protocol (RFC 4251): its length in four bytes, then its bytes. */
function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
