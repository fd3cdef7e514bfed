import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Address } from 'viem';
import { askWithdrawal } from '../../src/billing/withdrawals.js';
import { signWithdrawal } from '../../src/chain/withdrawal.js';
import { seenVault } from '../../src/db/vaults.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { withTransaction } from '../../src/db/pool.js';
import { findWithdrawal } from '../../src/db/withdrawals.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { balances } from '../support/money.js';
import { createSettling, type Settling } from '../support/settling.js';
import { roles } from '../support/vault.js';

let anvil: Anvil;
let site: Settling;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  site = await createSettling(anvil);
  await site.deposit(site.customer, 10);
});
afterEach(async () => {
  expect(await differingMoney(site.pool, 'everything')).toEqual([]);
  await site.close();
});

const token = 10n ** 18n;
const wallet = () => site.customer.address.toLowerCase() as Address;
const ask = (amount: bigint, requestKey: string = randomUUID()) =>
  withTransaction(site.pool, (tx) =>
    askWithdrawal(tx, { ...site.deps.facts, scale: 10n ** 12n }, { wallet: wallet(), amount, requestKey }),
  );
const mine = async () => {
  const found = await balances(site.pool);
  return { free: found[`customer ${wallet()}`] ?? 0n, held: found[`withdrawing ${wallet()}`] ?? 0n };
};
/** Holds, and has it signed. */
const signed = async (amount: bigint) => {
  const { withdrawal } = await ask(amount);
  await signWithdrawal(site.deps, withdrawal.id);
  return (await findWithdrawal(site.pool, withdrawal.id))!;
};
const take = ({ cumulative, deadlineS, signature }: Awaited<ReturnType<typeof signed>>) =>
  site.vault.send(site.customer, 'vault', 'withdraw', [wallet(), cumulative, BigInt(deadlineS!), signature]);
const nextBlocks = async () => {
  await site.mine();
  await site.watch();
};

test('what a wallet withdraws is held, signed, taken from the vault, and then gone from the ledger', async () => {
  const withdrawal = await signed(4n * token);
  expect(withdrawal).toMatchObject({ status: 'signed', cumulative: 4_000_000n });
  expect(await mine()).toEqual({ free: 6n * token, held: 4n * token });
  await take(withdrawal);
  await nextBlocks();
  expect(await mine()).toEqual({ free: 6n * token, held: 0n });
  expect(await findWithdrawal(site.pool, withdrawal.id)).toMatchObject({ status: 'taken' });
  // The next one counts from there.
  expect(await signed(token)).toMatchObject({ cumulative: 5_000_000n });
});

test('a second one is refused until the first has ended, and a repeat of the first is the first', async () => {
  const [one, two] = await Promise.allSettled([ask(token, 'one'), ask(token, 'two')]);
  const refusal = [one, two].find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  expect(refusal.reason).toMatchObject({ code: 'withdrawal_pending' });
  expect([one, two].filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await mine()).toEqual({ free: 9n * token, held: token });
  const key = one.status === 'fulfilled' ? 'one' : 'two';
  expect(await ask(token, key)).toMatchObject({ isRepeat: true });
  await expect(ask(2n * token, key)).rejects.toMatchObject({ code: 'idempotency_conflict' });
});

test('no more than what is free can be withdrawn, and no part of the smallest unit of the token', async () => {
  await site.rent(site.customer, 3_000);
  await expect(ask(8n * token)).rejects.toMatchObject({
    code: 'insufficient_funds',
    extra: { available: (7n * token).toString(), missing: token.toString() },
  });
  await expect(ask(token + 1n)).rejects.toMatchObject({
    code: 'validation_failed',
    extra: { errors: [{ field: 'amount' }] },
  });
  await ask(7n * token);
  expect(await mine()).toEqual({ free: 0n, held: 7n * token });
});

test('what was not taken comes back after its deadline by the time of the chain, once that is final', async () => {
  const withdrawal = await signed(4n * token);
  await anvil.client.increaseTime({ seconds: 600 });
  await nextBlocks();
  expect(await mine()).toMatchObject({ held: 4n * token });
  await anvil.client.increaseTime({ seconds: 301 });
  await anvil.client.mine({ blocks: 1 });
  await site.watch();
  // The deadline has passed, but not at a final block.
  expect(await mine()).toMatchObject({ held: 4n * token });
  await nextBlocks();
  expect(await mine()).toEqual({ free: 10n * token, held: 0n });
  expect(await findWithdrawal(site.pool, withdrawal.id)).toMatchObject({ status: 'void', voidReason: 'expired' });
  await expect(take(withdrawal)).rejects.toThrow();
});

test('one that was taken in time stays taken although its booking comes after the deadline', async () => {
  const withdrawal = await signed(4n * token);
  await take(withdrawal);
  await anvil.client.increaseTime({ seconds: 2_000 });
  await nextBlocks();
  expect(await findWithdrawal(site.pool, withdrawal.id)).toMatchObject({ status: 'taken' });
  expect(await mine()).toEqual({ free: 6n * token, held: 0n });
});

test('signing twice, or after a crash between its lines, makes the same signature', async () => {
  const { withdrawal } = await ask(token);
  await Promise.all([signWithdrawal(site.deps, withdrawal.id), signWithdrawal(site.deps, withdrawal.id)]);
  const first = await findWithdrawal(site.pool, withdrawal.id);
  await site.pool.query(`update withdrawals set status = 'asked', signature = null where id = $1`, [withdrawal.id]);
  await anvil.client.increaseTime({ seconds: 100 });
  await anvil.client.mine({ blocks: 1 });
  await signWithdrawal(site.deps, withdrawal.id);
  expect(await findWithdrawal(site.pool, withdrawal.id)).toEqual(first);
});

test('what nobody signs comes back, and what may be signed by now does not', async () => {
  const { withdrawal } = await ask(token);
  site.proxy.faults(() => 'no connection');
  await expect(signWithdrawal(site.deps, withdrawal.id)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  site.proxy.faults(() => 'pass');
  await nextBlocks();
  expect(await mine()).toMatchObject({ held: token });
  await site.pool.query(`update withdrawals set asked_at = asked_at - interval '16 minutes'`);
  await nextBlocks();
  expect(await mine()).toEqual({ free: 10n * token, held: 0n });
  await signWithdrawal(site.deps, withdrawal.id);
  expect(await findWithdrawal(site.pool, withdrawal.id)).toMatchObject({ status: 'void', voidReason: 'unsigned' });
  const other = await ask(token);
  await site.pool.query(`update withdrawals set deadline = now() + interval '1 year' where id = $1`, [
    other.withdrawal.id,
  ]);
  await site.pool.query(`update withdrawals set asked_at = asked_at - interval '16 minutes'`);
  await nextBlocks();
  expect(await mine()).toMatchObject({ held: token });
});

test('nothing is signed for a wallet that the vault pays out otherwise, and an exit makes what was signed void', async () => {
  const { withdrawal } = await ask(token);
  await site.vault.send(site.customer, 'vault', 'requestExit', []);
  await signWithdrawal(site.deps, withdrawal.id);
  expect(await findWithdrawal(site.pool, withdrawal.id)).toMatchObject({ status: 'void', voidReason: 'vault_differs' });
  await site.vault.send(site.customer, 'vault', 'cancelExit', []);
  await nextBlocks();
  const later = await signed(3n * token);
  await site.vault.send(site.customer, 'vault', 'requestExit', []);
  await nextBlocks();
  await expect(ask(token)).rejects.toMatchObject({ code: 'exit_pending' });
  await anvil.client.increaseTime({ seconds: 604_801 });
  await site.vault.send(site.customer, 'vault', 'exit', [wallet()]);
  await nextBlocks();
  expect(await mine()).toEqual({ free: 0n, held: 0n });
  await expect(take(later)).rejects.toThrow();
});

test('a settlement draws nothing of what is held', async () => {
  await site.rent(site.customer, 2_000);
  const withdrawal = await signed(8n * token);
  expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  expect(((await site.vault.read('customers', [wallet()])) as bigint[]).slice(0, 2)).toEqual([8_000_000n, 2_000_000n]);
  await take(withdrawal);
  await nextBlocks();
  expect(await mine()).toEqual({ free: 0n, held: 0n });
});

test('what the vault looks like now is written down for those who ask no node', async () => {
  await site.watch();
  expect(await seenVault(site.pool, site.deps.facts)).toMatchObject({
    ...{ token: site.vault.token, decimals: 6, batchDelayS: 60, exitDelayS: 604_800, proposed: 0, lastExecuted: 0 },
    operator: anvil.accounts[roles.operator]!.address.toLowerCase(),
    gasMoney: expect.any(BigInt),
  });
});
