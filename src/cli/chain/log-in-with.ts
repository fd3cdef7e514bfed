import type { LogIn } from '../wallets/as-wallet.js';
import type { Node } from './node.js';
import type { Sender } from './sender.js';

/** A login that the wallet signs which sends, so that it is asked for its password once. */
export function logInWith(sender: Sender, node: Node): LogIn {
  const wallet = { address: sender.address, signTypedData: sender.sign };
  // A wallet signs for its active chain alone; a key signs for any that the broker takes.
  const chain = sender.kind === 'wallet' ? { chainId: node.chainId } : {};
  return async (once, asked) => await once.login({ ...asked, ...chain, wallet });
}
