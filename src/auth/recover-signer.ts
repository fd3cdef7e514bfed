import { nativeCurve, type NativeCurve } from './native-curve.js';
import { hexToBytes, keccak256, recoverAddress, type Hex } from 'viem';

/** Finds whose key signed a digest. @returns the lower-case address, undefined when it is nobody's. */
export type RecoverSigner = (digest: Hex, signature: Hex) => Promise<string | undefined>;

/** In JavaScript, on every machine: some 2 ms each. */
export const recoverWithViem: RecoverSigner = async (hash, signature) => {
  try {
    return (await recoverAddress({ hash, signature })).toLowerCase();
  } catch {
    // Not a point on the curve, or r or s out of range.
    return undefined;
  }
};

/** With libsecp256k1, of Bitcoin’s authors: some 0.1 ms each. */
const recoverWith =
  (native: NativeCurve): RecoverSigner =>
  async (digest, signature) => {
    const bytes = hexToBytes(signature);
    let key: Uint8Array;
    try {
      // v counts from 0 or from 27.
      key = native.ecdsaRecover(bytes.subarray(0, 64), bytes[64]! % 27, hexToBytes(digest), false);
    } catch {
      return undefined;
    }
    // The first byte says that both coordinates follow; an address is the end of their hash.
    return `0x${keccak256(key.subarray(1)).slice(-40)}`;
  };

/** The same with the native library. @returns undefined where that does not load. */
export function nativeRecoverSigner(): RecoverSigner | undefined {
  return nativeCurve === null ? undefined : recoverWith(nativeCurve);
}
