import { z } from 'zod';
import type { WalletDeposits } from '../../db/deposits.js';
import type { VaultId } from '../../db/vault-events.js';
import { amount, shown, tokens } from './shown-amounts.js';

export const depositsReply = z
  .object({
    vault: z
      .object({
        chain_id: z.int(),
        address: z.string().describe('Call its `deposit`; tokens that are just sent there are lost'),
      })
      .nullable()
      .describe('Null on a site that takes no deposits'),
    deposited: amount.describe('Base units that arrived in all and are final'),
    deposited_tokens: tokens,
    withdrawn: amount.describe('Base units of them that left the vault again'),
    withdrawn_tokens: tokens,
    waiting: amount.describe('Base units of them that are too little to be booked by themselves'),
    waiting_tokens: tokens,
    cap: amount.describe('Base units that may be drawn in all, as you told the vault'),
    cap_tokens: tokens,
    exit_at: z.iso.datetime().nullable().describe('When you may take out everything; null if you did not ask for it'),
    jobs_end_at: z.iso
      .datetime()
      .nullable()
      .describe('When your jobs end because of that, so that they are charged before; null if you did not ask for it'),
    frozen: z
      .object({
        reason: z
          .enum(['refused', 'left_owing'])
          .describe(
            'refused: the vault refused a settlement for your line. left_owing: you took out what was charged already',
          ),
        since: z.iso.datetime(),
        owed: amount.describe(
          'Base units to deposit before anything can be ordered; 0: raise your cap, or ask the operator',
        ),
        owed_tokens: tokens,
      })
      .nullable()
      .describe('While you can order nothing, and your jobs end; null otherwise'),
    incoming: z
      .array(z.object({ tx_hash: z.string(), amount, amount_tokens: tokens, block: z.int() }))
      .describe('Seen on the chain, and not final: they can be spent once they are'),
    read_block: z.int().nullable().describe('The last block that is booked'),
  })
  .meta({ id: 'Deposits' });

const nothing: WalletDeposits = { deposited: 0n, withdrawn: 0n, waiting: 0n, cap: 0n, incoming: [] };

export function depositsReplyOf(
  vault: VaultId | undefined,
  { exitAt, jobsEndAt, frozen, incoming, readBlock, ...amounts }: WalletDeposits = nothing,
): z.infer<typeof depositsReply> {
  return {
    vault: vault === undefined ? null : { chain_id: vault.chainId, address: vault.vault },
    ...shown(amounts),
    exit_at: exitAt?.toISOString() ?? null,
    jobs_end_at: jobsEndAt?.toISOString() ?? null,
    frozen:
      frozen === undefined
        ? null
        : { reason: frozen.reason, since: frozen.frozenAt.toISOString(), ...shown({ owed: frozen.owed }) },
    incoming: incoming.map((each) => ({ tx_hash: each.txHash, ...shown({ amount: each.amount }), block: each.block })),
    read_block: readBlock ?? null,
  };
}
