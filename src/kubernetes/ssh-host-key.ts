import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/**
 * The key by which a job's SSH server proves that it is the rented machine: PKCS #8 in PEM, as the server reads it. It
 * goes into the job's Secret and nowhere else.
 */
export function newSshHostKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/**
 * The public half of a host key, `ssh-ed25519 AAAA…`: for the customer, who learns it over another road than SSH.
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

/** A string of the SSH protocol (RFC 4251): its length in four bytes, then itself. */
function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
