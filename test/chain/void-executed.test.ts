import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { PrivateKeyAccount } from 'viem';
import { findBatch, openStop, readLines, resumeSettlements } from '../../src/db/batches.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { knownVault } from '../../src/db/vaults.js';
import { batchHash } from '../../src/wire/settlement-batch.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import { balances } from '../support/money.js';
import { createSettling, type Settling } from '../support/settling.js';
import { roles } from '../support/vault.js';

let anvil: Anvil;
let site: Settling;
let shown: ShownMetrics;
beforeAll(async () => {
  [anvil, shown] = await Promise.all([startAnvil(), showMetrics()]);
});
afterAll(() => Promise.all([anvil.stop(), shown.stop()]));
beforeEach(async () => {
  site = await createSettling(anvil);
});
afterEach(() => site.close());

const other = () => anvil.accounts[roles.admin]!;
const stranger = () => anvil.accounts[roles.guardian]!;
const payee = () => site.provider.address.toLowerCase();
const units = 10n ** 12n;
const batch = (number: number) => findBatch(site.pool, site.deps.facts, number);
const spent = async (who: PrivateKeyAccount) => ((await site.vault.read('customers', [who.address])) as bigint[])[1];
const credited = async () => ((await site.vault.read('payees', [site.provider.address])) as bigint[])[0];
const alarms = (kind: string) => shown.of(`broker_chain_alarms_total{kind="${kind}"}`);
const soundMoney = async () => expect(await differingMoney(site.pool, 'everything')).toEqual([]);

/** Has somebody who is nobody here execute it, as anybody may. */
async function executeByStranger(number: number): Promise<void> {
  const { draws, credits } = await readLines(site.pool, site.deps.facts, number);
  const { status } = await site.vault.send(stranger(), 'vault', 'execute', [
    BigInt(number),
    draws.map(({ wallet, cumulative }) => ({ customer: wallet, cumulative })),
    credits.map(({ wallet, cumulative }) => ({ payee: wallet, cumulative })),
    [],
  ]);
  expect(status).toBe('success');
  await site.mine();
}

/** Has somebody who has the operator's key propose something else. */
async function proposeByThief(number: number): Promise<void> {
  const hash = `0x${'6'.repeat(64)}`;
  await site.vault.send(anvil.accounts[roles.operator]!, 'vault', 'propose', [BigInt(number), hash]);
  await site.mine();
}

/** A settlement of two customers, of whom one has left before it was executed, so that it is void; then he comes back. */
async function refusedAndPossibleAgain(): Promise<void> {
  await site.deposit(site.customer, 10);
  await site.deposit(other(), 10);
  await site.vault.send(site.customer, 'vault', 'requestExit', []);
  await site.rent(other(), 2_000);
  await site.rent(site.customer, 3_000);
  await site.begin();
  await site.advance(1);
  await anvil.client.increaseTime({ seconds: 604_801 });
  await site.vault.send(site.customer, 'vault', 'exit', [site.customer.address]);
  await site.mine();
  expect(await site.settle()).toMatchObject({ number: 1, is: 'void' });
  await site.deposit(site.customer, 5);
}

/** Has the next settlement proposed, so that it is under way. */
async function beginNext(number: number): Promise<void> {
  expect(await site.begin()).toEqual({ number });
  for (let look = 0; look < 10 && (await batch(number))?.status !== 'proposed'; look++) {
    await site.advance(number);
    await site.mine();
  }
}

test('a settlement that was void and is executed all the same is booked, and the one after it is cut anew', async () => {
  await refusedAndPossibleAgain();
  await site.rent(other(), 1_000);
  await beginNext(2);
  const before = await alarms('void_executed');
  await executeByStranger(1);
  await site.watch();
  expect(await batch(1)).toMatchObject({ status: 'final' });
  expect(await batch(2)).toMatchObject({ status: 'void', voidReason: 'overtaken' });
  expect(await site.advance(2)).toEqual({ is: 'void', why: 'overtaken' });
  expect(await alarms('void_executed')).toBe(before + 1);
  expect(await balances(site.pool)).toMatchObject({
    [`payable ${payee()}`]: 4_750_000n * units,
    [`provider ${payee()}`]: 950_000n * units,
  });
  await soundMoney();
  expect(await site.settle()).toEqual({ number: 3, is: 'final' });
  expect([await spent(site.customer), await spent(other())]).toEqual([3_000_000n, 3_000_000n]);
  expect((await balances(site.pool))[`payable ${payee()}`]).toBe((await credited())! * units);
  expect(await site.settle()).toEqual({ none: 'nothing to settle' });
  await site.watch();
  expect(await alarms('void_executed')).toBe(before + 1);
  await soundMoney();
});

test('one that is overtaken before it was proposed uses up its number, and then all goes on', async () => {
  await refusedAndPossibleAgain();
  await site.rent(other(), 1_000);
  expect(await site.begin()).toEqual({ number: 2 });
  await executeByStranger(1);
  await site.watch();
  expect(await batch(2)).toMatchObject({ status: 'void', voidReason: 'overtaken' });
  const begun = await site.begin();
  expect(begun).toEqual({ none: 'no final block', why: expect.stringMatching('settlement 2'), againInS: 1 });
  // As after a crash: it is proposed once.
  expect(await site.begin()).toEqual(begun);
  await site.mine();
  expect(await site.vault.read('proposed')).toBe(2n);
  expect(await site.settle()).toEqual({ number: 3, is: 'final' });
  expect([await spent(site.customer), await spent(other())]).toEqual([3_000_000n, 3_000_000n]);
  expect((await balances(site.pool))[`payable ${payee()}`]).toBe((await credited())! * units);
  await soundMoney();
});

test('one that only uses up its number is booked when somebody executes it, and all goes on at once', async () => {
  await refusedAndPossibleAgain();
  await site.rent(other(), 1_000);
  await site.begin();
  await executeByStranger(1);
  await site.watch();
  await site.begin();
  await site.mine();
  await site.rent(other(), 500);
  expect(await site.begin()).toEqual({ number: 3 });
  await anvil.client.increaseTime({ seconds: 61 });
  await executeByStranger(2);
  await site.watch();
  expect(await batch(2)).toMatchObject({ status: 'final' });
  expect(await batch(3)).toMatchObject({ status: 'void', voidReason: 'overtaken' });
  expect((await knownVault(site.pool, site.deps.facts))!.settledUntil).toEqual((await batch(2))!.cutAt);
  await soundMoney();
  expect(await site.settle()).toEqual({ number: 4, is: 'final' });
  expect([await spent(site.customer), await spent(other())]).toEqual([3_000_000n, 3_500_000n]);
  expect((await balances(site.pool))[`payable ${payee()}`]).toBe((await credited())! * units);
  await soundMoney();
});

test('both are booked when the one that was overtaken is executed, too', async () => {
  await refusedAndPossibleAgain();
  await site.rent(other(), 1_000);
  await beginNext(2);
  await anvil.client.increaseTime({ seconds: 61 });
  await executeByStranger(1);
  await executeByStranger(2);
  await site.watch();
  expect(await batch(2)).toMatchObject({ status: 'final' });
  expect((await balances(site.pool))[`payable ${payee()}`]).toBe((await credited())! * units);
  expect((await balances(site.pool))[`provider ${payee()}`]).toBeUndefined();
  await soundMoney();
  expect(await site.settle()).toEqual({ none: 'nothing to settle' });
});

test('what a provider was paid by hand meanwhile he owes then, and later earnings pay it off', async () => {
  await refusedAndPossibleAgain();
  await site.pool.query(
    `select ledger_post('by hand', 'payout', null, '{}', '{provider,manual}', array[$1, ''], array[-$2::numeric, $2])`,
    [payee(), (4_750_000n * units).toString()],
  );
  await executeByStranger(1);
  await site.watch();
  expect(await balances(site.pool)).toMatchObject({
    [`payable ${payee()}`]: 4_750_000n * units,
    [`provider ${payee()}`]: -4_750_000n * units,
  });
  await soundMoney();
});

test('one that this broker never cut is not booked when it is executed, though its number is known here', async () => {
  const { chainId, vault } = site.deps.facts;
  const hash = batchHash({ chainId, vault, draws: [], credits: [] });
  await site.vault.send(anvil.accounts[roles.operator]!, 'vault', 'propose', [1n, hash]);
  await site.mine();
  expect(await site.begin()).toEqual({ none: 'stopped', why: 'foreign_proposal' });
  const before = await alarms('foreign_settlement');
  await anvil.client.increaseTime({ seconds: 61 });
  await site.mine();
  await executeByStranger(1);
  await site.watch();
  expect(await alarms('foreign_settlement')).toBe(before + 1);
  expect(await batch(1)).toMatchObject({ status: 'void', voidReason: 'foreign' });
  const by = stranger().address.toLowerCase();
  await resumeSettlements(site.pool, site.deps.facts, { by, reason: 'known', requestKey: randomUUID() });
});

test('somebody else’s proposal under the number of one that is void stops settlements as soon as it is final', async () => {
  await refusedAndPossibleAgain();
  await site.rent(other(), 1_000);
  expect(await site.begin()).toEqual({ number: 2 });
  await executeByStranger(1);
  await site.watch();
  expect(await batch(2)).toMatchObject({ status: 'void', voidReason: 'overtaken' });
  await proposeByThief(2);
  const before = await alarms('settlements_stopped');
  await site.watch();
  await site.watch();
  expect(await alarms('settlements_stopped')).toBe(before + 1);
  expect(await site.begin()).toEqual({ none: 'stopped', why: 'foreign_proposal' });
  const by = stranger().address.toLowerCase();
  await resumeSettlements(site.pool, site.deps.facts, { by, reason: 'looked into it', requestKey: randomUUID() });
  expect(await site.settle()).toEqual({ number: 3, is: 'final' });
  expect([await spent(site.customer), await spent(other())]).toEqual([3_000_000n, 3_000_000n]);
  await soundMoney();
});

test('a proposal that this broker never cut stops settlements without anybody beginning one', async () => {
  await proposeByThief(1);
  await site.watch();
  expect(await openStop(site.pool, site.deps.facts)).toBe('foreign_proposal');
  expect(await batch(1)).toMatchObject({ status: 'void', voidReason: 'foreign' });
});
