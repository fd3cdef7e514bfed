import type { Pool } from 'pg';
import { writeReceipt } from '../../src/billing/receipts.js';
import { extendJob, reserveSpend, settleSpend } from '../../src/billing/spend.js';
import { reserveAtPlacement } from '../../src/db/bookings.js';
import { markEnded, markMoving, markProvisioning, markRunning } from '../../src/db/job-changes.js';
import { tellOrdered } from '../../src/db/job-events.js';
import { insertJob, lockUsage } from '../../src/db/jobs.js';
import { withTransaction, type Transaction } from '../../src/db/pool.js';
import { reservationFor } from '../../src/domain/billing.js';
import type { JobOrder, Placement } from '../../src/domain/job.js';
import { orderedNews } from '../../src/domain/job-event.js';
import { sentence } from '../../src/domain/outside.js';
import { testOrder } from './fleet.js';
import { receiptSite } from './receipts.js';

/** The money of a job's steps, each in one transaction as the broker makes it; `also` runs before its commit. */
export function moneySteps(pool: Pool, also: () => void = () => undefined) {
  const step = <T>(work: (tx: Transaction) => Promise<T>) =>
    withTransaction(pool, async (tx) => {
      const result = await work(tx);
      also();
      return result;
    });
  const placeAt = (providerId: string, rate: bigint): Placement => ({
    ...{ providerId, nodeName: providerId, gpuType: 'rtx-4090', gpuModel: 'NVIDIA GeForce RTX 4090' },
    ...{ pricePerHour: Number(rate) / 1e18, rate: rate.toString() },
  });
  return {
    /** Reserves for an hour at this rate. */
    order: (sessionId: string, wallet: string, rate: bigint, changes: Partial<JobOrder> = {}) => {
      const order = testOrder({ wallet, ...changes });
      const reservedAmount = reservationFor(rate, order.durationSeconds);
      return step(async (tx) => {
        await lockUsage(tx, wallet);
        await insertJob(tx, { ...order, sessionId, requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount });
        await reserveSpend(tx, { jobId: order.jobId, sessionId, amount: reservedAmount });
        await tellOrdered(tx, order.jobId, orderedNews(order));
        return order;
      });
    },
    place: (order: JobOrder, providerId: string, rate: bigint, { attempt = 1, feeBps = 0 } = {}) =>
      step(async (tx) => {
        const amount = reservationFor(rate, order.durationSeconds);
        if ((await reserveAtPlacement(tx, { jobId: order.jobId, attempt, amount })) === undefined) return false;
        await markProvisioning(tx, order.jobId, placeAt(providerId, rate), feeBps);
        return true;
      }),
    leave: (order: JobOrder) => step((tx) => markMoving(tx, order.jobId, sentence('it did not start'))),
    run: (order: JobOrder, startedAt: Date) =>
      step(async (tx) => {
        const expiresAt = new Date(startedAt.getTime() + order.durationSeconds * 1000);
        const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;
        await markRunning(tx, order.jobId, { ssh, podUid: 'uid', startedAt, expiresAt });
      }),
    extend: (order: JobOrder, requestId: string, seconds: number, sessionId?: string) =>
      step((tx) => extendJob(tx, { jobId: order.jobId, requestId, seconds, maxDurationS: 30 * 86_400, sessionId })),
    end: (order: JobOrder, endAt: Date) =>
      step(async (tx) => {
        const settled = await settleSpend(tx, { jobId: order.jobId, endAt });
        if (settled !== undefined) {
          await writeReceipt(tx, { jobId: order.jobId, settled, outcome: 'cancelled' }, receiptSite);
        }
        const billed = settled === undefined ? {} : { billed: settled.billed };
        await markEnded(tx, order.jobId, { status: 'cancelled', message: sentence('over'), ...billed });
        return settled;
      }),
  };
}

/** Proves a provider's wallet, as its machine's first signed message does. */
export async function proveWallet(pool: Pool, providerId: string, wallet: string): Promise<void> {
  await pool.query(
    `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id, spec_hash,
                                      issued_at, expires_at, bound_at, signed_at)
     values ($1, $2, $3, '{}', '0x', 1, $4, now(), now() + interval '1 day', now(), now())`,
    [providerId, wallet, wallet, `0x${'0'.repeat(64)}`],
  );
}

/** The balances of all accounts that have any, by their kind and owner. */
export async function balances(pool: Pool): Promise<Record<string, bigint>> {
  const { rows } = await pool.query<{ account: string; balance: string }>(
    `select trim(kind || ' ' || owner) as account, balance::text from ledger_accounts where balance <> 0 order by 1`,
  );
  return Object.fromEntries(rows.map(({ account, balance }) => [account, BigInt(balance)]));
}

/** Does what the ledger refuses: to plant a difference, or to empty it. */
export async function withoutLedgerTriggers(pool: Pool, work: (tx: Transaction) => Promise<unknown>): Promise<void> {
  const tables = [
    ...['ledger_accounts', 'ledger_entries', 'ledger_lines', 'receipts', 'receipt_signatures'],
    ...['chain_events', 'batch_lines'],
  ];
  await withTransaction(pool, async (tx) => {
    for (const table of tables) await tx.query(`alter table ${table} disable trigger user`);
    await work(tx);
    for (const table of tables) await tx.query(`alter table ${table} enable trigger user`);
  });
}
