import { bytesToHex, concatHex, hashMessage, hexToBytes, numberToHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { MessageSigner } from '../wire/answer-signature.js';
import { nativeCurve, type NativeCurve } from './native-curve.js';

/**
 * The signer for a private key. Making one takes one to two milliseconds; a signature with the native library takes a tenth
 * of that. Without that library viem makes the same signatures.
 */
export function messageSigner(privateKey: Uint8Array, native: NativeCurve | null = nativeCurve): MessageSigner {
  const account = privateKeyToAccount(bytesToHex(privateKey));
  if (native === null) return account;
  return {
    address: account.address,
    async signMessage({ message }) {
      const { signature, recid } = native.ecdsaSign(hexToBytes(hashMessage(message)), privateKey);
      return concatHex([bytesToHex(signature), numberToHex(27 + recid, { size: 1 })]);
    },
  };
}
