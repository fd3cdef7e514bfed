import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Address, Hex } from 'viem';
import { findBatch } from '../../src/db/batches.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { requireFunds } from '../../src/db/prepaid.js';
import { withTransaction } from '../../src/db/pool.js';
import { keepPermit, signedCap } from '../../src/db/spend-permits.js';
import { spendPermitTypedData } from '../../src/wire/vault-typed-data.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { createSettling, type Settling } from '../support/settling.js';

let anvil: Anvil;
let site: Settling;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  site = await createSettling(anvil);
});
afterEach(async () => {
  expect(await differingMoney(site.pool, 'everything')).toEqual([]);
  await site.close();
});

const scale = 10n ** 12n;
const wallet = () => site.customer.address.toLowerCase() as Address;
const onChain = async () => {
  const [, spent, cap] = (await site.vault.read('customers', [wallet()])) as bigint[];
  return { spent, cap };
};
/** Keeps what the customer allows in all, in units of the token. */
async function permit(cap: bigint, signature?: Hex) {
  const data = spendPermitTypedData(site.deps.facts, { customer: wallet(), cumulativeCap: cap });
  const signed = signature ?? (await site.customer.signTypedData(data));
  await keepPermit(site.pool, site.deps.facts, { wallet: wallet(), cap: cap * scale, signature: signed });
}
/** 10 tokens, of which the vault may draw 1; 3 are spent. */
async function capped() {
  await site.vault.deposit(site.customer, 10_000_000n, 1_000_000n);
  await site.mine();
  await site.watch();
}

test('a permit counts as cap at once, and the next settlement carries it to the vault', async () => {
  await capped();
  const needs = (amount: bigint) => withTransaction(site.pool, (tx) => requireFunds(tx, wallet(), amount * scale));
  await site.pool.query(`update ledger_accounts set may_owe = false where kind = 'customer'`);
  await expect(needs(3_000_000n)).rejects.toMatchObject({ code: 'insufficient_funds' });
  await permit(5_000_000n);
  expect(await signedCap(site.pool, site.deps.facts, wallet())).toBe(5_000_000n * scale);
  await needs(3_000_000n);
  await expect(needs(6_000_000n)).rejects.toMatchObject({ code: 'insufficient_funds' });
  await site.rent(site.customer, 3_000);
  expect(await onChain()).toEqual({ spent: 0n, cap: 1_000_000n });
  expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  expect(await onChain()).toEqual({ spent: 3_000_000n, cap: 5_000_000n });
  expect((await site.pool.query('select from spend_permits')).rowCount).toBe(0);
});

test('a permit that is not needed is not carried, because somebody would pay for it', async () => {
  await capped();
  await permit(5_000_000n);
  await site.rent(site.customer, 500);
  expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  expect(await onChain()).toEqual({ spent: 500_000n, cap: 1_000_000n });
  expect(await signedCap(site.pool, site.deps.facts, wallet())).toBe(5_000_000n * scale);
});

test('a permit that the vault refuses blocks nothing: the settlement is cut anew without it', async () => {
  const other = anvil.accounts[0]!;
  await capped();
  await site.deposit(other, 5);
  await permit(5_000_000n, `0x${'11'.repeat(64)}1b`);
  await site.rent(site.customer, 3_000);
  await site.rent(other, 2_000);
  expect(await site.settle()).toMatchObject({ number: 1, is: 'void' });
  expect(await findBatch(site.pool, site.deps.facts, 1)).toMatchObject({ status: 'void' });
  expect(await site.settle()).toEqual({ number: 2, is: 'final' });
  // Whose permit it was is frozen until he allows more; everybody else is settled.
  expect(await onChain()).toEqual({ spent: 0n, cap: 1_000_000n });
  const [, spent] = (await site.vault.read('customers', [other.address])) as bigint[];
  expect(spent).toBe(2_000_000n);
  expect(await signedCap(site.pool, site.deps.facts, wallet())).toBe(1_000_000n * scale);
});

test('a permit that the wallet has raised itself meanwhile, or sent to the vault, is in nobody’s way', async () => {
  await capped();
  await permit(5_000_000n);
  await site.rent(site.customer, 3_000);
  await site.begin();
  await site.vault.send(site.customer, 'vault', 'raiseCap', [wallet(), 9_000_000n, '0x']);
  expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  expect(await onChain()).toEqual({ spent: 3_000_000n, cap: 9_000_000n });
});
