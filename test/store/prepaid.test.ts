import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookedVault } from '../../src/billing/vault-events.js';
import { payInAdvance, payLater } from '../../src/db/prepaid.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession } from '../support/fleet.js';
import { moneySteps } from '../support/money.js';
import { vaultSays } from '../support/vault-news.js';

const token = 10n ** 18n;
const vault: BookedVault = { chainId: 97, vault: `0x${'5'.repeat(40)}`, scale: 10n ** 12n, leastDeposit: 0n };

let database: TestDatabase;
let steps: ReturnType<typeof moneySteps>;
beforeAll(async () => {
  database = await freshDatabase();
  steps = moneySteps(database.pool);
  await happens({ name: 'RoleAnnounced', args: {} });
});
afterAll(() => database.close());

const happens = (...events: Parameters<typeof vaultSays>[2][]) => vaultSays(database.pool, vault, ...events);

const units = (tokens: number) => String(tokens * 1_000_000);
async function customer({ deposit = 0, cap = 1_000 } = {}) {
  const wallet = `0x${randomUUID().replaceAll('-', '')}00000000`;
  const sessionId = await putSession(database.pool, wallet);
  await payInAdvance(database.pool, wallet);
  if (deposit > 0)
    await happens({ name: 'Deposited', args: { customer: wallet, from: wallet, amount: units(deposit) } });
  await happens({ name: 'CapRaised', args: { customer: wallet, cap: units(cap) } });
  return { wallet, sessionId, order: (tokens: number) => steps.order(sessionId, wallet, BigInt(tokens) * token) };
}

describe('a customer who pays in advance', () => {
  test('orders nothing without a deposit, and learns what is missing and where to deposit it', async () => {
    const { wallet, order } = await customer();
    await expect(order(3)).rejects.toMatchObject({
      code: 'insufficient_funds',
      status: 402,
      extra: {
        ...{ required: (3n * token).toString(), available: '0', missing: (3n * token).toString() },
        deposit: { chain_id: 97, vault: vault.vault, customer: wallet },
      },
    });
  });

  test('orders for what is deposited, and no more, however many orders come at once', async () => {
    const { order } = await customer({ deposit: 5 });
    const placed = await Promise.allSettled([1, 2, 3, 4].map(() => order(2)));
    expect(placed.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    await expect(order(2)).rejects.toMatchObject({ extra: { available: token.toString(), missing: token.toString() } });
    await order(1);
  });

  test('orders no more than he allowed the vault to draw, until he allows more', async () => {
    const { wallet, order } = await customer({ deposit: 5, cap: 2 });
    await order(2);
    await expect(order(1)).rejects.toMatchObject({
      code: 'insufficient_funds',
      detail: expect.stringContaining('raise it'),
      extra: { available: '0', missing: token.toString() },
    });
    await happens({ name: 'CapRaised', args: { customer: wallet, cap: units(3) } });
    await order(1);
  });

  test('orders nothing new once he has asked for his money, until he calls that off', async () => {
    const { wallet, order } = await customer({ deposit: 5 });
    await happens({ name: 'ExitRequested', args: { customer: wallet, exitAt: '1800000000' } });
    await expect(order(1)).rejects.toMatchObject({ code: 'exit_pending' });
    await happens({ name: 'ExitCancelled', args: { customer: wallet } });
    await order(1);
  });

  test('extends and moves to a dearer machine only as far as that goes', async () => {
    const { order } = await customer({ deposit: 4 });
    const job = await order(2);
    await expect(steps.place(job, 'dear', 5n * token)).rejects.toMatchObject({ code: 'insufficient_funds' });
    expect(await steps.place(job, 'cheap', token)).toBe(true);
    await steps.run(job, new Date());
    await expect(steps.extend(job, 'long', 4 * 3_600)).rejects.toMatchObject({ code: 'insufficient_funds' });
    await steps.extend(job, 'short', 3 * 3_600);
    await steps.end(job, new Date());
    expect(await differingMoney(database.pool, 'everything')).toEqual([]);
  });

  test('has all of it again when a job ends that cost nothing', async () => {
    const { order } = await customer({ deposit: 2 });
    const job = await order(2);
    await steps.end(job, new Date());
    await order(2);
  });
});

test('what a wallet owes from before is to be paid first', async () => {
  const wallet = `0x${randomUUID().replaceAll('-', '')}00000000`;
  const sessionId = await putSession(database.pool, wallet);
  // Another one was paid on credit.
  await steps.order(sessionId, wallet, token);
  await expect(payInAdvance(database.pool, wallet)).rejects.toMatchObject({
    code: 'insufficient_funds',
    extra: { missing: token.toString() },
  });
  await happens({ name: 'Deposited', args: { customer: wallet, from: wallet, amount: units(2) } });
  await payInAdvance(database.pool, wallet);
});

test('a site that has given up its chain lets customers pay later again', async () => {
  const { order } = await customer();
  await expect(order(1)).rejects.toMatchObject({ code: 'insufficient_funds' });
  await payLater(database.pool);
  await order(1);
});
