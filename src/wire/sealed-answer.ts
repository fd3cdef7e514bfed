import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import type { RegistrationReply } from './join-answer.js';

/** The prefix of a 32-byte X25519 key in its DER form (RFC 8410). */
const derPrefix = Buffer.from('302a300506032b656e032100', 'hex');
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/** What stays readable in a sealed answer: what became of the registration, and the public half of the token. */
const readable = ['success', 'status', 'message'] as const;

/** Encrypts the secret of an answer for the holder of the key: others who can read the stream cannot read it. */
export function sealReply(reply: RegistrationReply, providerId: string, encKey: string): RegistrationReply {
  const secret = Object.entries(reply).filter(([name]) => !(readable as readonly string[]).includes(name));
  const { success, status, message, join_token: token } = reply;
  return {
    success,
    status,
    ...(message === undefined ? {} : { message }),
    ...(token === undefined ? {} : { token_id: token.slice(0, token.indexOf('.')) }),
    sealed: seal(JSON.stringify(Object.fromEntries(secret)), providerId, encKey),
  };
}

/**
 * Opens what `sealReply` closed.
 *
 * @throws Error if it was sealed for another key or another provider, or was altered.
 */
export function openReply(reply: RegistrationReply, providerId: string, key: KeyObject): RegistrationReply {
  const { sealed, ...rest } = reply;
  if (sealed === undefined) return reply;
  const bytes = Buffer.from(sealed, 'base64');
  const ephemeral = bytes.subarray(0, keyBytes);
  const iv = bytes.subarray(keyBytes, keyBytes + ivBytes);
  const own = rawKey(createPublicKey(key));
  const shared = diffieHellman({ privateKey: key, publicKey: publicKeyOf(ephemeral) });
  const decipher = createDecipheriv('aes-256-gcm', derive(shared, ephemeral, own, providerId), iv);
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const text = Buffer.concat([decipher.update(bytes.subarray(keyBytes + ivBytes, -tagBytes)), decipher.final()]);
  return { ...rest, ...(JSON.parse(text.toString()) as Partial<RegistrationReply>) };
}

/** Whether a key is safe to seal for: a few points of the curve lead to a secret that everybody knows. */
export function canSealFor(encKey: string): boolean {
  try {
    seal('', '', encKey);
    return true;
  } catch {
    return false;
  }
}

/** Base64 of ephemeral public key, IV, ciphertext and tag. */
function seal(text: string, providerId: string, encKey: string): string {
  const recipient = Buffer.from(encKey, 'hex');
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const ephemeral = rawKey(publicKey);
  const shared = diffieHellman({ privateKey, publicKey: publicKeyOf(recipient) });
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', derive(shared, ephemeral, recipient, providerId), iv);
  return Buffer.concat([ephemeral, iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

function derive(shared: Buffer, ephemeral: Buffer, recipient: Buffer, providerId: string): Buffer {
  const salt = Buffer.concat([ephemeral, recipient]);
  return Buffer.from(hkdfSync('sha256', shared, salt, `WORLDLAND-JOIN-V1\n${providerId}`, 32));
}

function publicKeyOf(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([derPrefix, raw]), format: 'der', type: 'spki' });
}

function rawKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(derPrefix.length);
}

/** Creates a key for sealed answers; `encKey` goes into the registration as `enc_key`. */
export function newSealingKey(): { encKey: string; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { encKey: rawKey(publicKey).toString('hex'), privateKey };
}
