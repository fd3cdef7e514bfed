import { describe, expect, test } from '@jest/globals';
import { zeroHash, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { resumeSettlements } from '../../src/db/batches.js';
import { listReceipts } from '../../src/db/receipt-reads.js';
import { approvalsFile } from '../../src/guardian/approvals.js';
import { approve } from '../../src/guardian/commands.js';
import { receiptAsTypedData, receiptDigest, type JobReceipt } from '../../src/wire/job-receipt.js';
import { reasonsOf, useGuardedSite } from '../support/guarded-tests.js';
import { receiptVector } from '../support/receipt-vector.js';
import { receiptKey } from '../support/receipts.js';

const scene = useGuardedSite();
const stranger = `0x${'bad0'.repeat(10)}` as const;

/** Has the broker show receipts that are not, or not only, its own. */
function lieAboutReceipts(change: (rows: ShownReceipt[]) => void | Promise<void>): void {
  const lie = (json: unknown) => {
    const page = json as { receipts: ShownReceipt[] };
    void change(page.receipts);
    return page;
  };
  scene.guarded.broker.lies.set('/api/v1/admin/receipts', lie);
}

interface ShownReceipt {
  typed_data: { message: Record<string, unknown> };
  digest: string;
  signatures: { signer: string; signature: string }[];
}

/** A receipt beside those of the broker, with its figures right, signed by this key. */
async function anotherReceipt(changes: Partial<JobReceipt>, key: Hex): Promise<ShownReceipt> {
  const digest = receiptDigest({ ...receiptVector.receipt, ...changes }, 103);
  const account = privateKeyToAccount(key);
  return {
    typed_data: receiptAsTypedData(
      { ...receiptVector.receipt, ...changes },
      103,
    ) as unknown as ShownReceipt['typed_data'],
    digest,
    signatures: [{ signer: account.address.toLowerCase(), signature: await account.sign({ hash: digest }) }],
  };
}

/** The one receipt of the customer, and its digest. */
async function ownReceipt(): Promise<{ receipt: JobReceipt; digest: Hex }> {
  const { receipts } = await listReceipts(scene.site.pool, scene.customer(), { limit: 10 });
  return receipts[0]!;
}

describe('a broker that was taken over is not believed', () => {
  const overdrawn = () =>
    scene.guarded.proposeInstead(({ draws }) => void (draws[0] = { ...draws[0]!, cumulative: 9_000_000n }));

  test('with a forged receipt, signed by a key that nobody approved', async () => {
    await scene.rented();
    const { receipt, digest } = await ownReceipt();
    const forged = await anotherReceipt(
      { ...receipt, jobId: 'another', number: 2, previous: digest },
      `0x${'ba'.repeat(32)}`,
    );
    const number = await overdrawn();
    lieAboutReceipts((rows) => void rows.push(forged));
    const { memory } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain('none of the keys that are approved has signed it');
  });

  test('with figures in a receipt that nobody signed', async () => {
    await scene.rented();
    const number = await overdrawn();
    lieAboutReceipts((rows) => void (rows[0]!.typed_data.message['payee'] = stranger));
    const { memory } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain('none of the keys that are approved has signed it');
  });

  test('with the key of receipts, when it charges for one job twice', async () => {
    await scene.rented();
    const { receipt, digest } = await ownReceipt();
    const again = await anotherReceipt({ ...receipt, number: 2, previous: digest }, receiptKey);
    const number = await overdrawn();
    lieAboutReceipts((rows) => void rows.push(again));
    const { memory } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(
      `receipt 2 of ${scene.customer()} charges for job ${receipt.jobId}, which has a receipt already`,
    );
  });

  test('with the key of receipts, when it leaves one out', async () => {
    await scene.rented();
    await scene.site.rent(scene.site.customer, 1_000);
    await scene.guarded.sign();
    const number = await overdrawn();
    lieAboutReceipts((rows) => void rows.shift());
    const { memory } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(
      `receipt 2 of ${scene.customer()} comes after receipt 0: those in between are missing`,
    );
  });

  test('when it rewrites what was approved, or uses it for a second settlement', async () => {
    await scene.rented();
    await scene.site.begin();
    await scene.site.advance(1);
    await scene.site.mine();
    await scene.site.advance(1);
    expect((await scene.looks(1)).memory.now.approved).toMatchObject({ number: 1 });
    await scene.site.settle();
    await scene.site.rent(scene.site.customer, 100);
    await scene.guarded.sign();
    // The receipts of the first once more: 3.333 + 0.1 were charged, and 6.766 are drawn.
    const number = await scene.guarded.proposeInstead(({ draws, credits }) => {
      draws[0] = { ...draws[0]!, cumulative: 6_766_000n };
      credits[0] = { ...credits[0]!, cumulative: 6_427_700n };
    });
    const { memory } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(`draw ${scene.customer()}: expected at most 3433000 units`);
    const { receipt } = await ownReceipt();
    const [first] = (await listReceipts(scene.site.pool, scene.customer(), { limit: 10 })).receipts.slice(-1);
    const rewritten = await anotherReceipt({ ...first!.receipt, outcome: 'succeeded' }, receiptKey);
    lieAboutReceipts((rows) => void rows.splice(0, rows.length, rewritten));
    await scene.site.settle();
    await resumeSettlements(scene.site.pool, scene.site.deps.facts, {
      ...{ by: stranger, reason: 'a rehearsal', requestKey: 'resume-1' },
    });
    const next = await scene.guarded.proposeInstead(() => undefined);
    const { memory: later } = await scene.looks();
    expect(receipt.number).toBe(2);
    expect(await scene.guarded.hashOnVault(next)).toBe(zeroHash);
    expect(reasonsOf(later)).toContain(
      `receipt 1 of ${scene.customer()} is another one than was seen before: history was rewritten`,
    );
  });

  test.each(['hang', 'away', 'redirect', 'endless'] as const)(
    'when its answers %s until the time for an explanation is over',
    async (lie) => {
      await scene.rented();
      const number = await scene.guarded.proposeInstead(() => undefined);
      for (const path of ['/api/v1/admin/receipts', '/api/v1/settlements/1']) scene.guarded.broker.lies.set(path, lie);
      await scene.anvil.client.increaseTime({ seconds: 3_598 });
      await scene.site.mine();
      const { memory } = await scene.looks(1);
      await scene.site.mine();
      expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
      expect(reasonsOf(memory)).toContain('not explained in time');
    },
  );

  test('when receipts stay unsigned', async () => {
    await scene.site.deposit(scene.site.customer, 10);
    await scene.site.rent(scene.site.customer, 3_333);
    const number = await scene.guarded.proposeInstead(() => undefined);
    expect((await scene.looks()).memory.now.decisions).toEqual([]);
    await scene.guarded.sign();
    const { memory } = await scene.looks(1);
    expect(memory.now.decisions).toMatchObject([{ number, verdict: 'approved' }]);
  });

  test('whose new key for receipts was not approved, until it is', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(() => undefined);
    const file = approvalsFile(scene.guarded.settings);
    const { keys } = file.read()!;
    file.write({ version: 1, keys: [{ address: stranger }], payouts: [] });
    expect((await scene.looks(1)).memory.now.decisions).toEqual([]);
    approve(scene.guarded.settings, ['key', keys[0]!.address], () => undefined);
    expect((await scene.looks(1)).memory.now.decisions).toMatchObject([{ number, verdict: 'approved' }]);
  });
});
