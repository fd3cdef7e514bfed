import type { Address } from 'viem';
import { formatAmount } from '../../client/money.js';
import type { Context } from '../context.js';
import type { FoundVault } from './named-vault.js';
import type { Landed } from './undertake.js';

/** Says what is on the chain now. */
export function sayLanded(
  { screen, global }: Context,
  { vault }: FoundVault,
  result: {
    wallet: Address;
    landed: readonly Landed[];
    done: string;
    amount?: bigint | undefined;
    to?: Address | undefined;
    isBooked?: boolean | undefined;
    more?: Record<string, unknown>;
  },
): void {
  const { wallet, landed, done, amount, to, isBooked, more = {} } = result;
  const transactions = landed.map(({ what, hash, block, isFinal }) => ({
    ...{ call: what, tx_hash: hash, block, is_final: isFinal },
  }));
  if (global.json === true) {
    const { address, chainId: chain_id, token } = vault;
    return screen.json({
      ...{ wallet, chain_id, vault: address, token },
      ...(amount === undefined
        ? {}
        : { amount: amount.toString(), amount_tokens: formatAmount(amount, { decimals: token.decimals }) }),
      ...(to === undefined ? {} : { to }),
      ...more,
      transactions,
      ...(isBooked === undefined ? {} : { is_booked: isBooked }),
    });
  }
  if (global.quiet === true) return transactions.forEach(({ tx_hash: hash }) => screen.print(hash));
  screen.paragraph(done);
}
