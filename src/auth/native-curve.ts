import { createRequire } from 'node:module';

/** The functions of the package `secp256k1` that are used here. It wraps libsecp256k1, by the authors of Bitcoin Core. */
export interface NativeCurve {
  /** @throws Error when no public key belongs to the signature. */
  ecdsaRecover(rs: Uint8Array, recoveryId: number, digest: Uint8Array, compressed: boolean): Uint8Array;
  /** The signature that RFC 6979 prescribes, with the lower of the two possible values of s. */
  ecdsaSign(digest: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number };
}

/**
 * The native library, where its binding loads: the package has one for most machines. Its own fallback in JavaScript is
 * never used. Null on other machines.
 */
export const nativeCurve = load();

function load(): NativeCurve | null {
  try {
    return createRequire(import.meta.url)('secp256k1/bindings.js') as NativeCurve;
  } catch {
    return null;
  }
}
