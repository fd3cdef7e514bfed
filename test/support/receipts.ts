import type { Pool } from 'pg';
import { pino } from 'pino';
import type { Hex } from 'viem';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { createReceiptSigner, type ReceiptSigner } from '../../src/billing/receipt-signer.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { insertJob } from '../../src/db/jobs.js';
import { withoutPrices } from '../../src/db/offers.js';
import { withTransaction } from '../../src/db/pool.js';
import { insertReceipt } from '../../src/db/receipts.js';
import type { JobOrder } from '../../src/domain/job.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { receiptDigest } from '../../src/wire/job-receipt.js';
import { testOrder } from './fleet.js';
import { receiptVector } from './receipt-vector.js';

/** The key of receipts in tests; it belongs to no chain. */
export const receiptKey: Hex = `0x${'5e'.repeat(32)}`;

/** What a worker needs to write and sign receipts. */
export const receiptSite = {
  AUTH_AUDIENCE: 'https://broker.example.com',
  AUTH_CHAIN_IDS: [103],
  RECEIPT_PRIVATE_KEY: receiptKey,
};

/**
 * A receipt of a job, as its settlement would write it, but for the one before it.
 *
 * @param of who earned with it and where, and whose site it is, if that matters.
 */
export async function putReceipt(
  pool: Pool,
  of: { wallet: string; jobId: string; payee?: string; providerId?: string; audience?: string },
): Promise<Hex> {
  const { wallet, jobId, payee, providerId, audience } = of;
  const customer = wallet.toLowerCase() as Hex;
  const { rows } = await pool.query<{ number: number }>(
    'select count(*)::int + 1 as number from receipts where customer = $1',
    [customer],
  );
  const receipt = {
    ...{ ...receiptVector.receipt, customer, jobId, number: rows[0]!.number },
    ...(payee === undefined ? {} : { payee: payee.toLowerCase() as Hex }),
    ...(providerId === undefined ? {} : { providerId }),
    ...(audience === undefined ? {} : { audience }),
  };
  const digest = receiptDigest(receipt, 103);
  await insertReceipt(pool, { digest, receipt, chainId: 103 });
  return digest;
}

/** A worker's signer with a key of its own. */
export function signerWith(pool: Pool, key: Hex, said: string[] = []): ReceiptSigner {
  const logger = pino({ level: 'info' }, { write: (line: string) => void said.push(line) });
  return createReceiptSigner({ config: { RECEIPT_PRIVATE_KEY: key }, pool, logger })!;
}

const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;

/** What a job costs an hour at most; the providers of tests are cheaper. */
const reserved = 10n ** 19n;

/** Orders and ends jobs by the broker's own steps. Without a key its receipts stay unsigned. */
export function rentals(
  pool: Pool,
  { feeBps = 500, key, audience }: { feeBps?: number; key?: Hex; audience?: string } = {},
) {
  const { RECEIPT_PRIVATE_KEY: _, ...site } = receiptSite;
  const records = createJobRecordActivities({
    pool,
    logger: pino({ level: 'silent' }),
    config: {
      ...{ ...withoutPrices, ...site, FEE_BPS: feeBps, RECEIPT_PRIVATE_KEY: key },
      ...(audience === undefined ? {} : { AUTH_AUDIENCE: audience }),
      ...{ PROVIDER_OUT_WALLETS: 1_000, PROVIDER_OUT_S: 600, CLUSTER_NODE_PORTS: 12_768 },
    },
  });
  return {
    records,
    /** An order that is placed and, where it was served, has begun that long ago. */
    async running(sessionId: string, wallet: string, { servedMs }: { servedMs?: number } = {}): Promise<JobOrder> {
      const order = testOrder({ wallet });
      await withTransaction(pool, async (tx) => {
        const rest = { requestSha256: 'ab'.repeat(32), sshPublicKeys: [], env: {}, reservedAmount: reserved };
        await insertJob(tx, { ...order, ...rest, sessionId });
        await reserveSpend(tx, { jobId: order.jobId, sessionId, amount: reserved });
      });
      await records.placeJob(order);
      if (servedMs !== undefined) {
        const startedMs = Date.now() - servedMs;
        await records.recordRunning(order, {
          ...{ ssh, podUid: 'uid-1', startedAt: instantAt(startedMs), expiresAt: instantAt(startedMs + 3_600_000) },
        });
      }
      return order;
    },
    async end(order: JobOrder, endMs = Date.now(), more: object = {}): Promise<void> {
      const outcome = { status: 'cancelled', message: sentence('you ended it'), endAt: instantAt(endMs) } as const;
      await records.releaseJob(order, { ...outcome, ...more });
    },
  };
}
