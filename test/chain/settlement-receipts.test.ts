import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import { receiptKey, signerWith } from '../support/receipts.js';
import { createSettling, type Settling } from '../support/settling.js';

let anvil: Anvil;
let site: Settling;
let shown: ShownMetrics;
beforeAll(async () => {
  [anvil, shown] = await Promise.all([startAnvil(), showMetrics()]);
});
afterAll(() => Promise.all([anvil.stop(), shown.stop()]));
beforeEach(async () => {
  site = await createSettling(anvil, { signedWithinS: 3_600 });
  await site.deposit(site.customer, 10);
  await site.rent(site.customer, 1_000);
  await site.rent(site.customer, 1_000);
  expect(await site.begin()).toEqual({ number: 1 });
});
afterEach(() => site.close());

const proposed = () => site.vault.read('proposed');
const alarms = () => shown.of('broker_chain_alarms_total{kind="receipts_unsigned"}');
const sign = (limit: number) => signerWith(site.pool, receiptKey).sign(limit);
const advanced = async () => {
  const said = await site.advance(1);
  await site.mine();
  return said;
};

test('a settlement is not proposed before its receipts are signed: a guardian could not explain it', async () => {
  const before = await alarms();
  expect(await advanced()).toMatchObject({
    ...{ is: 'under way', kind: 'receipts', againInS: 1 },
    waitsFor: 'the signatures of 2 receipts, without which the guardian vetoes it',
  });
  await sign(1);
  expect(await advanced()).toMatchObject({
    waitsFor: expect.stringContaining('the signature of 1 receipt,') as unknown,
  });
  expect(await proposed()).toBe(0n);
  await sign(1);
  // Of a job that ends after the cut, which is in the next one.
  await site.rent(site.customer, 1_000);
  expect(await advanced()).toMatchObject({ kind: 'propose' });
  expect(await proposed()).toBe(1n);
  expect(await alarms()).toBe(before);
});

test('it does not wait for a key that never comes, and that is an alarm: whoever leaves the vault is drawn in time', async () => {
  const before = await alarms();
  expect(await advanced()).toMatchObject({ kind: 'receipts' });
  site.deps.signedWithinS = 0;
  expect(await advanced()).toMatchObject({ kind: 'propose' });
  expect(await proposed()).toBe(1n);
  expect(await advanced()).toMatchObject({ kind: 'delay' });
  expect(await alarms()).toBe(before + 1);
});
