import { createRequire } from 'node:module';

/** The part of `secp256k1` that is used here: libsecp256k1, of Bitcoin’s authors. */
export interface NativeCurve {
  /** @throws Error when no public key belongs to the signature. */
  ecdsaRecover(rs: Uint8Array, recoveryId: number, digest: Uint8Array, compressed: boolean): Uint8Array;
  /** The signature that RFC 6979 prescribes, with the lower of the two possible halves. */
  ecdsaSign(digest: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number };
}

/**
 * The native library, where its binding loads: the package has one for most machines. Its own fallback in JavaScript is
 * never used. Undefined on other machines.
 */
export const nativeCurve = load();

function load(): NativeCurve | undefined {
  try {
    return createRequire(import.meta.url)('secp256k1/bindings.js') as NativeCurve;
  } catch {
    return undefined;
  }
}
