import type { Address } from 'viem';
import type { Context } from '../context.js';
import { exitCodes, Failure } from '../failure.js';
import { senderFor, type SendFlags } from './carry-out.js';
import type { Node } from './node.js';
import type { Sender } from './sender.js';

/**
 * Whose money it is, without asking the broker: the wallet that signs. What is only printed is for the wallet that this
 * computer is logged in with, because another one will send it.
 */
export async function ownWallet(
  context: Context,
  flags: SendFlags,
  node: Node,
): Promise<{ wallet: Address; sender: Sender | undefined }> {
  if (flags.print === true) {
    // As it stands on this computer: there may be no broker to ask.
    const session = await (await context.client()).restore();
    if (session === undefined)
      throw new Failure(exitCodes.notLoggedIn, 'for which wallet? Nobody is logged in here', 'wl login');
    return { wallet: session.wallet.toLowerCase() as Address, sender: undefined };
  }
  const sender = await senderFor(context, flags, { node, wallet: undefined });
  return { wallet: sender.address, sender };
}
