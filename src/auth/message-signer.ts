import { bytesToHex, concatHex, hashMessage, hexToBytes, numberToHex, type LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { nativeCurve, type NativeCurve } from './native-curve.js';

/** Signs texts as wallets do (EIP-191). */
export type MessageSigner = Pick<LocalAccount, 'address' | 'signMessage'>;

/**
 * The signer with a private key. Making it takes a millisecond or two, and each signature a tenth of that with the native
 * library; without it viem signs, and the signatures are the same.
 */
export function messageSigner(privateKey: Uint8Array, native: NativeCurve | null = nativeCurve ?? null): MessageSigner {
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
