import { keccak256, type Hex } from 'viem';
import { privateKeyToAddress, signTypedData } from 'viem/accounts';
import type { LocalSigner } from '../wallet.js';

/** For what is loaded only when something is signed: a dynamic import of viem itself would take all of it along. */
export { keccak256 };

/**
 * A key that signs typed data. viem's own accounts can sign transactions, too, and are twice as large. It is apart from
 * what signs requests: a page asks a wallet instead, and need not load how typed data is hashed.
 */
export function accountOf(privateKey: Hex): LocalSigner {
  return {
    address: privateKeyToAddress(privateKey),
    signTypedData: (typedData: Parameters<typeof signTypedData>[0]) => signTypedData({ ...typedData, privateKey }),
  };
}
