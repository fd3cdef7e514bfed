import { createDecipheriv, pbkdf2, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { LocalSigner } from '../wallet.js';

/** The password does not open the keystore. */
export class WrongPassword extends Error {
  override readonly name = 'WrongPassword';
}

/** Enough for every wallet's own keystores; more would let a file take the memory of the machine. */
const maxScryptBytes = 1024 * 1024 * 1024;
const maxPbkdf2Rounds = 10_000_000;
const keyBytes = 32;

interface Keystore {
  version?: unknown;
  address?: unknown;
  crypto?: Crypto;
  /** Some old wallets write it like this. */
  Crypto?: Crypto;
}

interface Crypto {
  cipher?: unknown;
  ciphertext?: unknown;
  cipherparams?: { iv?: unknown };
  kdf?: unknown;
  kdfparams?: Record<string, unknown>;
  mac?: unknown;
}

/**
 * Opens a keystore file of version 3 (Web3 Secret Storage), as geth, clef and others write it.
 *
 * @throws WrongPassword; Error if the file is no keystore, or asks for more memory or time than any wallet's does.
 */
export async function keystoreAccount(json: string, password: string): Promise<LocalSigner> {
  const { accountOf } = await import('./local-account.js');
  return accountOf(await keystoreKey(json, password));
}

/** The key itself, for what an account of this client does not do, such as sending a transaction. Throws as above. */
export async function keystoreKey(json: string, password: string): Promise<`0x${string}`> {
  const keystore = parsed(json);
  const { cipher, ciphertext, cipherparams, mac } = keystore.crypto;
  if (cipher !== 'aes-128-ctr') throw new Error(`the keystore's cipher is not aes-128-ctr`);
  const derived = await derivedKey(keystore.crypto, password.normalize('NFKC'));
  const encrypted = hex(ciphertext, 'ciphertext', keyBytes);
  const { accountOf, keccak256 } = await import('./local-account.js');
  const expected = hex(mac, 'mac', 32);
  const actual = Buffer.from(keccak256(Buffer.concat([derived.subarray(16, 32), encrypted])).slice(2), 'hex');
  if (!timingSafeEqual(actual, expected)) throw new WrongPassword('the password does not open this keystore');
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), hex(cipherparams?.iv, 'iv', 16));
  const key = `0x${Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('hex')}` as const;
  const { address } = keystore;
  if (
    typeof address === 'string' &&
    address.toLowerCase().replace(/^0x/, '') !== accountOf(key).address.slice(2).toLowerCase()
  )
    throw new Error('the keystore holds the key of another address than it says');
  return key;
}

function parsed(json: string): Keystore & { crypto: Crypto } {
  let keystore: Keystore;
  try {
    keystore = JSON.parse(json) as Keystore;
  } catch {
    // The parser's own message would show a part of the file.
    throw new Error('this is no keystore: not JSON');
  }
  const crypto = keystore?.crypto ?? keystore?.Crypto;
  if (keystore?.version !== 3 || typeof crypto !== 'object' || crypto === null)
    throw new Error('this is no keystore of version 3');
  return { ...keystore, crypto };
}

async function derivedKey({ kdf, kdfparams = {} }: Crypto, password: string): Promise<Buffer> {
  const salt = hex(kdfparams['salt'], 'salt');
  if (whole(kdfparams['dklen'], 'dklen') < keyBytes) throw new Error('the keystore derives too short a key');
  if (kdf === 'pbkdf2') {
    if (kdfparams['prf'] !== 'hmac-sha256') throw new Error(`the keystore's prf is not hmac-sha256`);
    const rounds = whole(kdfparams['c'], 'c');
    if (rounds > maxPbkdf2Rounds) throw new Error('the keystore asks for too many rounds');
    return await promisify(pbkdf2)(password, salt, rounds, keyBytes, 'sha256');
  }
  if (kdf !== 'scrypt') throw new Error(`the keystore's kdf is neither scrypt nor pbkdf2`);
  const [n, r, p] = ['n', 'r', 'p'].map((name) => whole(kdfparams[name], name)) as [number, number, number];
  const bytes = 128 * n * r + 128 * r * p;
  if (bytes > maxScryptBytes || p > 64) throw new Error('the keystore asks for too much memory');
  const options = { N: n, r, p, maxmem: 2 * bytes };
  return await new Promise((resolve, reject) =>
    scrypt(password, salt, keyBytes, options, (error, key) => (error === null ? resolve(key) : reject(error))),
  );
}

function hex(value: unknown, name: string, bytes?: number): Buffer {
  const text = typeof value === 'string' ? value.replace(/^0x/, '') : '';
  if (!/^(?:[0-9a-f]{2})+$/i.test(text) || (bytes !== undefined && text.length !== 2 * bytes))
    throw new Error(`the keystore's ${name} is not acceptable`);
  return Buffer.from(text, 'hex');
}

function whole(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw new Error(`the keystore's ${name} is not acceptable`);
  return value;
}
