import { z } from 'zod';
import { formatUnits } from 'viem';
import type { SeenVault } from '../../db/vaults.js';
import type { Batch } from '../../db/batches.js';
import type { Lines } from '../../db/batches.js';
import type { PublicBatch, SettlementOverview } from '../../db/settlement-reads.js';
import type { VaultId } from '../../db/vault-events.js';
import { printableText } from '../../domain/printable.js';
import { pageQuery } from './page.js';
import { tokens } from './shown-amounts.js';

export const settlementsQuery = pageQuery;
export const settlementParams = z.object({
  number: z.string().regex(/^[1-9]\d{0,15}$/, 'must be the number of a settlement: 1, 2, 3 …'),
});
export const resumeBody = z.strictObject({
  reason: printableText(500).min(1).describe('What you found, and why settlements may go on'),
});

const units = z.string().regex(/^\d+$/);
const time = z.iso.datetime().nullable();
const waits = z
  .object({ what: z.string(), since: z.iso.datetime() })
  .nullable()
  .describe('What it waits for, and since when');

const summaryFields = {
  number: z.int(),
  status: z
    .enum(['proposed', 'final', 'void'])
    .describe('proposed: everybody can look at it until it is executed. final: executed. void: it never will be'),
  chain_id: z.int(),
  vault: z.string(),
  hash: z.string().describe('Of all its lines: what the vault executes has this hash'),
  proposed_at: time.describe('When the vault took it, by the time of the chain'),
  executable_at: time.describe('From then on it may be executed; until then it can be vetoed'),
  executed_at: time.describe('When its execution was found to be final'),
  void_reason: z.string().nullable().describe('Why it will never be executed'),
  tx: z
    .object({ propose: z.string().nullable(), execute: z.string().nullable() })
    .describe('Hashes of the transactions, once they are final'),
  waits_for: waits,
};

const settlementSummary = z.object(summaryFields).meta({ id: 'SettlementSummary' });

export const settlementListReply = z
  .object({
    settlements: z.array(settlementSummary),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'Settlements' });

const cumulative = units.describe('Units of the token since the beginning, as on the chain');
export const settlementReply = z
  .object({
    ...summaryFields,
    token: z.object({ address: z.string(), symbol: z.string(), decimals: z.int() }).nullable(),
    draws: z
      .array(z.object({ customer: z.string(), cumulative, cumulative_tokens: tokens }))
      .describe('What was drawn in all from each customer whose total changed, in the order of the hash'),
    credits: z
      .array(z.object({ payee: z.string(), cumulative, cumulative_tokens: tokens }))
      .describe('What was credited in all to each payee whose total changed, in the order of the hash'),
  })
  .meta({ id: 'Settlement' });

export function summaryOf(
  { chainId, vault }: VaultId,
  known: SeenVault | undefined,
  { number, hash, status, executableAt, endedAt, voidReason, waitsFor, waitsSince, proposeTx, executeTx }: PublicBatch,
): z.infer<typeof settlementSummary> {
  const proposedAt =
    executableAt === undefined || known === undefined
      ? undefined
      : new Date(executableAt.getTime() - known.batchDelayS * 1_000);
  return {
    ...{ number, status, chain_id: chainId, vault, hash, proposed_at: proposedAt?.toISOString() ?? null },
    executable_at: executableAt?.toISOString() ?? null,
    executed_at: status === 'final' ? (endedAt?.toISOString() ?? null) : null,
    void_reason: voidReason ?? null,
    tx: { propose: proposeTx ?? null, execute: executeTx ?? null },
    waits_for: waitsOf({ waitsFor, waitsSince }),
  };
}

const waitsOf = ({ waitsFor, waitsSince }: { waitsFor?: string | undefined; waitsSince?: Date | undefined }) =>
  waitsFor === undefined || waitsSince === undefined ? null : { what: waitsFor, since: waitsSince.toISOString() };

export function settlementReplyOf(
  vault: VaultId,
  known: SeenVault | undefined,
  batch: PublicBatch,
  { draws, credits }: Lines,
): z.infer<typeof settlementReply> {
  const shownTotal = (total: bigint) => ({
    cumulative: total.toString(),
    cumulative_tokens: formatUnits(total, known?.decimals ?? 0),
  });
  return {
    ...summaryOf(vault, known, batch),
    token: known === undefined ? null : { address: known.token, symbol: known.symbol, decimals: known.decimals },
    draws: draws.map(({ wallet, cumulative: total }) => ({ customer: wallet, ...shownTotal(total) })),
    credits: credits.map(({ wallet, cumulative: total }) => ({ payee: wallet, ...shownTotal(total) })),
  };
}

export const adminSettlementsReply = z
  .object({
    vault: z
      .object({
        chain_id: z.int(),
        address: z.string(),
        token: z.object({ address: z.string(), symbol: z.string(), decimals: z.int() }),
        operator: z.string(),
        guardian: z.string(),
        treasury: z.string(),
        batch_delay_s: z.int(),
        exit_delay_s: z.int(),
        proposed: z.int().describe('The last number that was proposed'),
        last_executed: z.int(),
        paused_until: time,
        fees: units.describe('Units of the token that the treasury may sweep'),
        seen_at: z.iso.datetime(),
      })
      .nullable()
      .describe('As a worker last saw it; null until one has'),
    gas_money: units.nullable().describe('Wei that the broker’s own key has for gas'),
    gas_money_coins: z.string().nullable().describe('The same in coins, for people'),
    read_block: z.int().nullable().describe('The last block whose events are booked'),
    read_at: time,
    stopped: z
      .object({ reason: z.string(), since: z.iso.datetime() })
      .nullable()
      .describe('Why nothing is settled until an operator resumes; null while nothing is stopped'),
    under_way: z
      .object({
        number: z.int(),
        status: z.enum(['cut', 'proposed']),
        hash: z.string(),
        cut_at: z.iso.datetime(),
        executable_at: time,
        waits_for: waits,
      })
      .nullable()
      .describe('The settlement that has neither been executed nor become void'),
    last_final: z.object({ number: z.int(), at: z.iso.datetime() }).nullable().describe('The last that was executed'),
    next_batch_at: time.describe('When the next one is cut; null while settlements are stopped'),
    sending: z
      .array(
        z.object({
          purpose: z.string(),
          nonce: z.int(),
          tx_hash: z.string().describe('Of the last that was signed for it'),
          status: z.enum(['submitted', 'mined']),
          waits_for: waits,
        }),
      )
      .describe('What is sent and not final, in the order of nonces'),
    permits_kept: z.int().describe('Permits that no settlement has carried to the vault yet'),
    frozen: z
      .array(z.object({ wallet: z.string(), since: z.iso.datetime(), reason: z.string() }))
      .describe('Wallets that the vault refuses to draw from: they order nothing'),
  })
  .meta({ id: 'AdminSettlements' });

export const resumeReply = z
  .object({
    resumed: z.boolean().describe('False: nothing was stopped'),
    stopped_for: z.string().nullable(),
    stopped_at: time,
    resumed_at: time,
  })
  .meta({ id: 'ResumedSettlements' });

export function adminSettlementsReplyOf(
  { chainId, vault }: VaultId,
  { known, readBlock, readAt, stop, underWay, lastFinal, sending, permitsKept, frozen }: SettlementOverview,
  nextBatchAt: Date | undefined,
): z.infer<typeof adminSettlementsReply> {
  return {
    vault: known === undefined ? null : { chain_id: chainId, address: vault, ...seenOf(known) },
    gas_money: known?.gasMoney?.toString() ?? null,
    gas_money_coins: known?.gasMoney === undefined ? null : formatUnits(known.gasMoney, 18),
    read_block: readBlock ?? null,
    read_at: readAt?.toISOString() ?? null,
    stopped: stop === undefined ? null : { reason: stop.reason, since: stop.stoppedAt.toISOString() },
    under_way: underWay === undefined ? null : underWayOf(underWay),
    last_final: lastFinal === undefined ? null : { number: lastFinal.number, at: lastFinal.at.toISOString() },
    next_batch_at: nextBatchAt?.toISOString() ?? null,
    sending: sending.map(({ purpose, nonce, txHash, status, ...waiting }) => ({
      ...{ purpose, nonce, tx_hash: txHash, status, waits_for: waitsOf(waiting) },
    })),
    permits_kept: permitsKept,
    frozen: frozen.map(({ wallet, since, reason }) => ({ wallet, since: since.toISOString(), reason })),
  };
}

const seenOf = (known: SeenVault) => ({
  token: { address: known.token, symbol: known.symbol, decimals: known.decimals },
  ...{ operator: known.operator, guardian: known.guardian, treasury: known.treasury },
  ...{ batch_delay_s: known.batchDelayS, exit_delay_s: known.exitDelayS },
  ...{ proposed: known.proposed, last_executed: known.lastExecuted },
  paused_until: known.pausedUntil?.toISOString() ?? null,
  ...{ fees: known.fees.toString(), seen_at: known.seenAt.toISOString() },
});

const underWayOf = (batch: Batch) => ({
  ...{ number: batch.number, status: batch.status as 'cut' | 'proposed', hash: batch.hash },
  cut_at: batch.cutAt.toISOString(),
  executable_at: batch.executableAt?.toISOString() ?? null,
  waits_for: waitsOf(batch),
});
