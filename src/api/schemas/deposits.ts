import type { Address } from 'viem';
import { z } from 'zod';
import type { WalletDeposits } from '../../db/deposits.js';
import type { SeenVault } from '../../db/vaults.js';
import type { Withdrawal } from '../../db/withdrawals.js';
import type { Finality } from '../../config/chain.js';
import type { VaultId } from '../../db/vault-events.js';
import { scaleOf } from '../../domain/vault-units.js';
import { spendPermitJson } from '../../wire/vault-typed-data.js';
import { amount, shown, tokens } from './shown-amounts.js';
import { withdrawalReply, withdrawalReplyOf } from './withdrawal.js';

export const depositsReply = z
  .object({
    vault: z
      .object({
        chain_id: z.int(),
        address: z.string().describe('Call its `deposit`; tokens that are just sent there are lost'),
      })
      .nullable()
      .describe('Null on a site that takes no deposits'),
    token: z
      .object({ address: z.string(), symbol: z.string(), decimals: z.int() })
      .nullable()
      .describe('What the vault takes; null until the broker has read it'),
    confirmations: z
      .union([z.literal('finalized'), z.int()])
      .nullable()
      .describe('When a deposit counts: when its node calls its block final, or after so many blocks'),
    min_amount: amount.describe('Base units: deposits that come to less wait until they come to this much'),
    min_amount_tokens: tokens,
    deposited: amount.describe('Base units that arrived in all and are final'),
    deposited_tokens: tokens,
    available: amount.describe('Base units of them that are free: for jobs, or to be withdrawn'),
    available_tokens: tokens,
    withdrawn: amount.describe('Base units of them that left the vault again'),
    withdrawn_tokens: tokens,
    waiting: amount.describe('Base units of them that are too little to be booked by themselves'),
    waiting_tokens: tokens,
    cap: amount.describe('Base units that may be drawn in all, as the vault knows it'),
    cap_tokens: tokens,
    cap_signed: amount.describe('The same, with the permit that you have sent here and no settlement has carried yet'),
    cap_signed_tokens: tokens,
    drawn: amount.describe('Base units that settlements have drawn of it so far'),
    drawn_tokens: tokens,
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
    withdrawing: withdrawalReply.nullable().describe('What is held for you to take out; null if there is nothing'),
    incoming: z
      .array(z.object({ tx_hash: z.string(), amount, amount_tokens: tokens, block: z.int() }))
      .describe('Seen on the chain, and not final: they can be spent once they are'),
    permit_typed_data: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe(
        'What your wallet signs to raise its cap without gas (EIP-712). Put your cap into `message.cumulativeCap`, in units ' +
          'of the token; it stands there as `cap_signed`',
      ),
    read_block: z.int().nullable().describe('The last block that is booked'),
  })
  .meta({ id: 'Deposits' });

const nothing: WalletDeposits = {
  ...{ deposited: 0n, withdrawn: 0n, waiting: 0n, cap: 0n, capSigned: 0n, drawnUnits: 0n, available: 0n, incoming: [] },
};

/** What a site's settings say of its vault. */
interface ShownVault extends VaultId {
  finality: Finality;
  leastDeposit: bigint;
}

/**
 * @param known absent until a worker has read the vault.
 * @param wallet whose money it is.
 */
export function depositsReplyOf(
  site:
    | { vault: ShownVault; known?: SeenVault | undefined; wallet: Address; withdrawing?: Withdrawal | undefined }
    | undefined,
  { exitAt, jobsEndAt, frozen, incoming, readBlock, drawnUnits, ...amounts }: WalletDeposits = nothing,
): z.infer<typeof depositsReply> {
  const known = site?.known;
  const scale = known === undefined ? 1n : scaleOf(known.decimals);
  const withdrawing = site?.withdrawing;
  return {
    vault: site === undefined ? null : { chain_id: site.vault.chainId, address: site.vault.vault },
    token: known === undefined ? null : { address: known.token, symbol: known.symbol, decimals: known.decimals },
    confirmations: site?.vault.finality ?? null,
    ...shown({ min_amount: site?.vault.leastDeposit ?? 0n }),
    ...shown({ deposited: amounts.deposited, available: amounts.available, withdrawn: amounts.withdrawn }),
    ...shown({ waiting: amounts.waiting, cap: amounts.cap, cap_signed: amounts.capSigned, drawn: drawnUnits * scale }),
    exit_at: exitAt?.toISOString() ?? null,
    jobs_end_at: jobsEndAt?.toISOString() ?? null,
    frozen:
      frozen === undefined
        ? null
        : { reason: frozen.reason, since: frozen.frozenAt.toISOString(), ...shown({ owed: frozen.owed }) },
    withdrawing: site === undefined || withdrawing === undefined ? null : withdrawalReplyOf(site.vault, withdrawing),
    incoming: incoming.map((each) => ({ tx_hash: each.txHash, ...shown({ amount: each.amount }), block: each.block })),
    permit_typed_data:
      site === undefined || known === undefined
        ? null
        : spendPermitJson(site.vault, { customer: site.wallet, cumulativeCap: amounts.capSigned / scale }),
    read_block: readBlock ?? null,
  };
}
