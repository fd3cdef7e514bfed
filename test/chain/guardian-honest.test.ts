import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { createGuardedSite, type GuardedSite } from '../support/guarded-site.js';
import { roles } from '../support/vault.js';

// What an honest broker proposes is not vetoed for what happens between its cut and the guardian's look.

let anvil: Anvil;
let guarded: GuardedSite;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  guarded = await createGuardedSite(anvil);
  await guarded.site.deposit(guarded.site.customer, 10);
});
afterEach(() => guarded.close());

const customer = () => guarded.site.customer.address.toLowerCase() as `0x${string}`;

async function rent(ms: number): Promise<void> {
  await guarded.site.rent(guarded.site.customer, ms);
}

async function look({ times = 1, unsureMs = 0 } = {}) {
  const { guard, memory, broker } = await guarded.guard({ unsureMs });
  for (let done = 0; done < times; done++) await guard.look();
  await broker.end();
  return memory.now;
}

/** Until just before what is not explained is vetoed. */
async function untilLate(): Promise<void> {
  await anvil.client.increaseTime({ seconds: 3_100 });
  await guarded.site.mine();
}

test('a treasury that is emptied after the cut makes the sum short, which the vault refuses by itself', async () => {
  const { site } = guarded;
  const treasury = anvil.accounts[roles.treasury]!;
  await site.rent(site.customer, 2_000);
  await guarded.sign();
  await site.settle();
  // Fees of 0.1 lie in the vault. A customer who owes a part lets a payee's credit take some of them.
  await rent(1_000);
  await guarded.sign();
  const number = await guarded.proposeInstead(({ draws }) => {
    draws[0] = { ...draws[0]!, cumulative: draws[0]!.cumulative - 60_000n };
  });
  await site.vault.send(treasury, 'vault', 'sweepFees', []);
  await site.mine();
  await untilLate();
  const { decisions } = await look({ times: 2 });
  expect(decisions).toMatchObject([
    {
      number,
      verdict: 'approved',
      reasons: ['the sum: 10000 units more are credited than are there, and the vault will refuse it'],
    },
  ]);
});

test('receipts from the end of a cut that are signed late do not hold up a settlement which is explained without them', async () => {
  await rent(3_000);
  await guarded.sign();
  const number = await guarded.proposeInstead(() => undefined);
  // It was written before the cut, and committed after it.
  await rent(500);
  await guarded.site.pool.query(`update batches set cut_at = clock_timestamp() where number = $1`, [number]);
  await untilLate();
  const after = await look({ unsureMs: 120_000 });
  expect(after.decisions).toMatchObject([
    { number, verdict: 'approved', reasons: ['1 receipts are not signed yet: they are left to the next one'] },
  ]);
  expect(after.seen.customers[customer()]).toMatchObject({ number: 1 });
  await guarded.sign();
  expect(await guarded.site.settle()).toEqual({ number, is: 'final' });

  expect(await guarded.site.begin()).toEqual({ number: 2 });
  await guarded.site.advance(2);
  await guarded.site.mine();
  await guarded.site.advance(2);
  const later = await look({ unsureMs: 120_000 });
  expect(later.decisions).toMatchObject([{ number }, { number: 2, verdict: 'approved' }]);
  expect(later.seen.customers[customer()]).toMatchObject({ number: 2, charged: 3_500n * 10n ** 15n });
});

test('a receipt that came long before the cut must be signed, whatever is explained without it', async () => {
  await rent(3_000);
  await guarded.sign();
  const number = await guarded.proposeInstead(() => undefined);
  await rent(500);
  await guarded.site.pool.query(
    `update batches set cut_at = clock_timestamp() + interval '3 minutes' where number = $1`,
    [number],
  );
  expect((await look({ times: 3, unsureMs: 120_000 })).decisions).toEqual([]);
});

test('a settlement that only unsigned receipts explain waits for their signatures', async () => {
  await rent(3_000);
  await guarded.sign();
  await rent(500);
  const number = await guarded.proposeInstead(() => undefined);
  expect((await look({ times: 3, unsureMs: 120_000 })).decisions).toEqual([]);
  await guarded.sign();
  expect((await look({ unsureMs: 120_000 })).decisions).toMatchObject([{ number, verdict: 'approved' }]);
});
