import type { Address } from 'viem';
import type { Context } from '../context.js';
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
    const { wallet } = await (await context.client()).whoami();
    return { wallet: wallet.toLowerCase() as Address, sender: undefined };
  }
  const sender = await senderFor(context, flags, { node, wallet: undefined });
  return { wallet: sender.address, sender };
}
