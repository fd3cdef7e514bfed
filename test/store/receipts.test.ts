import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { recoverAddress, type Hex } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { writeRefundReceipt } from '../../src/billing/receipts.js';
import { lockAccount } from '../../src/db/ledger.js';
import { withTransaction } from '../../src/db/pool.js';
import { receiptKeys } from '../../src/db/receipt-keys.js';
import { listReceipts, receiptOfJob, type StoredReceipt } from '../../src/db/receipt-reads.js';
import { chainProblems, figureProblems } from '../../src/wire/receipt-checks.js';
import { noPayee, noReceipt, receiptDigest } from '../../src/wire/job-receipt.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession } from '../support/fleet.js';
import { withoutLedgerTriggers } from '../support/money.js';
import { receiptKey, receiptSite, rentals, signerWith } from '../support/receipts.js';

const keyA: Hex = receiptKey;
const keyB: Hex = `0x${'6b'.repeat(32)}`;
const addressOf = (key: Hex) => privateKeyToAddress(key).toLowerCase();

let database: TestDatabase;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

let people = 0;
let wallet: string;
let sessionId: string;
beforeEach(async () => {
  // As the tables are only added to, each test has a customer of its own, and keys of its own time.
  await pool().query(
    'alter table receipt_keys disable trigger all; delete from receipt_keys; alter table receipt_keys enable trigger all',
  );
  await pool().query('delete from receipts_to_sign');
  await pool().query('truncate allocations, providers cascade');
  await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.5 });
  wallet = `0x${(++people).toString(16).padStart(40, '0')}`;
  sessionId = await putSession(pool(), wallet);
});

async function ended({ servedMs = 600_123, key }: { servedMs?: number; key?: Hex } = {}): Promise<StoredReceipt> {
  const site = rentals(pool(), key === undefined ? {} : { key });
  const order = await site.running(sessionId, wallet, { servedMs });
  await site.end(order);
  return (await receiptOfJob(pool(), wallet, order.jobId))!;
}
const all = async () => (await listReceipts(pool(), wallet, { limit: 100 })).receipts;

/** Signatures that were made by a key which was valid when their receipt was issued. */
async function valid({ digest, receipt, signatures }: StoredReceipt): Promise<string[]> {
  const keys = await receiptKeys(pool());
  const found: string[] = [];
  for (const { signer, signature } of signatures) {
    expect((await recoverAddress({ hash: digest, signature })).toLowerCase()).toBe(signer);
    const isValid = keys.some(
      ({ address, from, until }) =>
        address === signer &&
        from.getTime() <= receipt.issuedAtMs &&
        receipt.issuedAtMs < (until?.getTime() ?? Infinity),
    );
    if (isValid) found.push(signer);
  }
  return found;
}

describe('a settlement', () => {
  test('a job that ended has a receipt whose figures anybody can check, signed by the published key', async () => {
    await signerWith(pool(), keyA).publish();
    const { receipt, digest, chainId, signatures } = await ended({ key: keyA });
    expect(figureProblems(receipt)).toEqual([]);
    expect(receiptDigest(receipt, chainId)).toBe(digest);
    expect(receipt).toMatchObject({
      ...{ audience: receiptSite.AUTH_AUDIENCE, customer: wallet, number: 1, previous: noReceipt, revision: 0 },
      ...{ orderHash: `0x${'ab'.repeat(32)}`, providerId: 'cheap', payee: noPayee, outcome: 'cancelled', feeBps: 500 },
      resources: '{"cpu_cores":1,"gpu_count":1,"gpu_model":"NVIDIA GeForce RTX 4090","memory_mb":1024,"storage_gb":1}',
      ratePerHour: 5n * 10n ** 17n,
    });
    expect(receipt.billedMs).toBeGreaterThanOrEqual(600_123);
    expect(signatures.map(({ signer }) => signer)).toEqual([addressOf(keyA)]);
  });

  test('a job whose SSH never answered has no receipt', async () => {
    const site = rentals(pool());
    const order = await site.running(sessionId, wallet);
    await site.end(order);
    expect(await receiptOfJob(pool(), wallet, order.jobId)).toBeUndefined();
  });

  test('an end that is repeated writes no second receipt', async () => {
    const site = rentals(pool());
    const order = await site.running(sessionId, wallet, { servedMs: 1_000 });
    await site.end(order);
    await site.end(order);
    expect(await all()).toHaveLength(1);
  });

  test('jobs of one wallet that end at once are numbered one after the other, each naming the one before it', async () => {
    const site = rentals(pool(), { key: keyA });
    await signerWith(pool(), keyA).publish();
    const orders = [];
    for (let each = 0; each < 8; each++) orders.push(await site.running(sessionId, wallet, { servedMs: 1_000 * each }));
    await Promise.all(orders.map((order) => site.end(order)));
    await signerWith(pool(), keyA).sign(100);
    const receipts = await all();
    expect(receipts.map(({ receipt }) => receipt.number)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    expect(chainProblems(receipts, noReceipt)).toEqual([]);
    for (const receipt of receipts) expect(await valid(receipt)).toEqual([addressOf(keyA)]);
  });

  test('gaps in the service are in the receipt, cut to the time of service and not billed', async () => {
    const site = rentals(pool());
    const order = await site.running(sessionId, wallet, { servedMs: 600_000 });
    const now = Date.now();
    const gaps = [
      { from: new Date(now - 900_000).toISOString(), to: new Date(now - 540_000).toISOString(), cause: 'silent' },
    ];
    await site.end(order, now, { gaps });
    const { receipt } = (await receiptOfJob(pool(), wallet, order.jobId))!;
    expect(receipt.gaps).toEqual([{ fromMs: receipt.readyAtMs, toMs: now - 540_000 }]);
    expect(receipt.billedMs).toBe(540_000);
    expect(figureProblems(receipt)).toEqual([]);
  });

  test('a worker whose clock is a day wrong issues receipts by the clock of the database', async () => {
    const site = rentals(pool());
    const order = await site.running(sessionId, wallet, { servedMs: 1_000 });
    await site.end(order, Date.now() + 86_400_000);
    const { receipt } = (await receiptOfJob(pool(), wallet, order.jobId))!;
    expect(Math.abs(receipt.issuedAtMs - Date.now())).toBeLessThan(60_000);
  });

  test('an order without a hash, a name outside ASCII and free of charge does not hold up the end', async () => {
    const site = rentals(pool(), { key: keyA });
    await signerWith(pool(), keyA).publish();
    const order = await site.running(sessionId, wallet, { servedMs: 1_000 });
    await pool().query(
      `update jobs set request_sha256 = 'x', gpu_model = 'Größe “π” 🚀', rate = 0, provider_id = null where job_id = $1`,
      [order.jobId],
    );
    await site.end(order);
    const stored = (await receiptOfJob(pool(), wallet, order.jobId))!;
    expect(stored.receipt).toMatchObject({ orderHash: noReceipt, charged: 0n, providerId: '' });
    expect(await valid(stored)).toHaveLength(1);
  });
});

describe('a refund', () => {
  const refund = (jobId: string, revision: number, charged: bigint) =>
    withTransaction(pool(), async (tx) => {
      await lockAccount(tx, 'customer', wallet);
      return await writeRefundReceipt(tx, { jobId, revision, charged });
    });

  test('a refund is the next receipt of its customer and the next revision of its job, with the corrected totals', async () => {
    const first = await ended();
    await ended();
    const charged = first.receipt.charged / 3n;
    expect(await refund(first.receipt.jobId, 1, charged)).toBe(true);
    const receipts = await all();
    expect(receipts[0]!.receipt).toMatchObject({ number: 3, revision: 1, charged, jobId: first.receipt.jobId });
    expect(figureProblems(receipts[0]!.receipt)).toEqual([]);
    expect(chainProblems(receipts, noReceipt)).toEqual([]);
    expect((await receiptOfJob(pool(), wallet, first.receipt.jobId))?.receipt.revision).toBe(1);
  });

  test('the same refund twice is one receipt', async () => {
    const { receipt } = await ended();
    await refund(receipt.jobId, 1, 0n);
    await refund(receipt.jobId, 1, 0n);
    expect(await all()).toHaveLength(2);
  });

  test('a job that an older version settled gets no receipt by a refund', async () => {
    expect(await refund('0b6f7e1e-9f0c-4c58-8a8f-2d1f4f6f5a10', 1, 0n)).toBe(false);
  });
});

describe('signing', () => {
  test('without a key receipts wait, and a key that comes later signs all of them', async () => {
    const waiting = [await ended(), await ended()];
    expect(waiting.map(({ signatures }) => signatures)).toEqual([[], []]);
    const signer = signerWith(pool(), keyA);
    await signer.publish();
    expect(await signer.sign(100)).toBe(2);
    for (const receipt of await all()) expect(await valid(receipt)).toEqual([addressOf(keyA)]);
  });

  test('signers that run at once sign each receipt once', async () => {
    for (let each = 0; each < 6; each++) await ended();
    const signers = [1, 2, 3, 4].map(() => signerWith(pool(), keyA));
    await signers[0]!.publish();
    const counts = await Promise.all(signers.map((signer) => signer.sign(3)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(6);
    expect(await signers[0]!.sign(100)).toBe(0);
    expect((await all()).map(({ signatures }) => signatures.length)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('what another worker is signing is left to it, and signed by the next one when that one was killed', async () => {
    await ended();
    const signer = signerWith(pool(), keyA);
    await signer.publish();
    await expect(
      withTransaction(pool(), async (tx) => {
        await tx.query('select from receipts_to_sign for update');
        expect(await signer.sign(100)).toBe(0);
        throw new Error('killed');
      }),
    ).rejects.toThrow('killed');
    expect(await signer.sign(100)).toBe(1);
  });

  test('another key signs what is issued from then on, and what was signed stays valid', async () => {
    await signerWith(pool(), keyA).publish();
    const before = await ended({ key: keyA });
    await signerWith(pool(), keyB).publish();
    const after = await ended({ key: keyB });
    expect(await valid(before)).toEqual([addressOf(keyA)]);
    expect(await valid(after)).toEqual([addressOf(keyB)]);
    expect((await receiptKeys(pool())).map(({ address, until }) => [address, until === undefined])).toEqual([
      [addressOf(keyA), false],
      [addressOf(keyB), true],
    ]);
  });

  test('what a key signed stays valid, although it was issued at the moment of its end, or by a clock that was ahead', async () => {
    await signerWith(pool(), keyA).publish();
    const { digest } = await ended({ key: keyA });
    const moveBy = (time: string) =>
      withoutLedgerTriggers(pool(), (tx) =>
        tx.query(
          `update receipts r
              set issued_at = at,
                  message = jsonb_set(message, '{issuedAtMs}', to_jsonb((extract(epoch from at) * 1000)::bigint))
             from (select (clock_timestamp() + $2::interval)::timestamptz(3) as at) ahead
            where digest = decode($1, 'hex')`,
          [digest.slice(2), time],
        ),
      );
    await moveBy('3 seconds');
    await signerWith(pool(), keyB).publish();
    const [receipt] = await all();
    expect(await valid(receipt!)).toEqual([addressOf(keyA)]);
    const [a, b] = await receiptKeys(pool());
    expect(a!.until).toEqual(b!.from);
    expect(a!.until!.getTime()).toBeGreaterThan(receipt!.receipt.issuedAtMs);
    // What comes in between is signed, too.
    expect(await valid(await ended({ key: keyB }))).toEqual([addressOf(keyB)]);
    await moveBy('-1 hour');
  });

  test('what the key before did not come to sign, the new one signs, valid at that time, too', async () => {
    await signerWith(pool(), keyA).publish();
    await ended();
    const next = signerWith(pool(), keyB);
    await next.publish();
    expect(await next.sign(100)).toBe(1);
    expect(await valid((await all())[0]!)).toEqual([addressOf(keyB)]);
  });

  test('a worker that still has the key before signs only what was issued in its time', async () => {
    const old = signerWith(pool(), keyA);
    await old.publish();
    await ended();
    await signerWith(pool(), keyB).publish();
    await ended();
    expect(await old.sign(100)).toBe(1);
    const [second, first] = await all();
    expect(second!.signatures).toEqual([]);
    expect(await valid(first!)).toEqual([addressOf(keyA)]);
  });

  test('when the workers with the newer key are gone, the key before is published again and signs', async () => {
    const old = signerWith(pool(), keyA);
    await old.publish();
    await signerWith(pool(), keyB).publish();
    await ended();
    expect(await old.sign(100)).toBe(0);
    await pool().query(`update receipts_to_sign set issued_at = issued_at - interval '3 minutes'`);
    await pool().query(
      `alter table receipt_keys disable trigger all;
       update receipt_keys set valid_from = valid_from - interval '1 hour', valid_until = valid_until - interval '1 hour';
       alter table receipt_keys enable trigger all`,
    );
    expect(await old.sign(100)).toBe(1);
    expect((await receiptKeys(pool())).at(-1)).toMatchObject({ address: addressOf(keyA) });
    expect(await valid((await all())[0]!)).toEqual([addressOf(keyA)]);
  });

  test('a key that is published twice, or by several workers at once, is published once', async () => {
    await Promise.all([1, 2, 3].map(() => signerWith(pool(), keyA).publish()));
    expect(await receiptKeys(pool())).toHaveLength(1);
  });

  test('the key signs no digest that somebody put into the database, and such a row holds up no other', async () => {
    const said: string[] = [];
    const signer = signerWith(pool(), keyA, said);
    await signer.publish();
    const { digest } = await ended();
    await pool().query(
      `insert into receipts (digest, customer, number, previous, job_id, payee, chain_id, message, issued_at)
       select decode(repeat('11', 32), 'hex'), customer, 99, previous, gen_random_uuid(), payee, chain_id, message, issued_at
         from receipts where digest = decode($1, 'hex')`,
      [digest.slice(2)],
    );
    await pool().query(
      `insert into receipts_to_sign (digest, issued_at)
       select digest, issued_at - interval '1 second' from receipts where number = 99 and customer = $1`,
      [wallet],
    );
    expect(await signer.sign(1)).toBe(0);
    expect(await signer.sign(1)).toBe(1);
    expect(said.join('')).toContain('its digest is another one');
    expect(said.join('')).not.toContain(keyA.slice(2));
  });
});

test.each([
  ['a receipt cannot be changed', `update receipts set payee = customer`],
  ['a receipt cannot be deleted', `delete from receipts`],
  ['a signature cannot be deleted', `delete from receipt_signatures`],
  ['a key cannot be deleted', `delete from receipt_keys`],
  ['a key’s time cannot be opened again', `update receipt_keys set valid_until = null where valid_until is not null`],
  ['a key’s beginning cannot be moved on', `update receipt_keys set valid_from = valid_from + interval '1 second'`],
])('%s', async (_, statement) => {
  await signerWith(pool(), keyA).publish();
  await signerWith(pool(), keyB).publish();
  await expect(pool().query(statement)).rejects.toMatchObject({ code: 'LG001' });
});
