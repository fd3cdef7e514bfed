import { beforeEach, expect, test } from '@jest/globals';
import { useGuardedSite } from '../support/guarded-tests.js';
import { roles } from '../support/vault.js';

// What an honest broker proposes is not vetoed for what happens between its cut and the guardian's look.

const scene = useGuardedSite();
beforeEach(() => scene.site.deposit(scene.site.customer, 10));

const rent = (ms: number) => scene.site.rent(scene.site.customer, ms);
const decided = async (times: number, unsureMs = 0) => (await scene.looks(times, { unsureMs })).memory.now;

test('a treasury that is emptied after the cut makes the sum short, which the vault refuses by itself', async () => {
  const treasury = scene.anvil.accounts[roles.treasury]!;
  await scene.site.rent(scene.site.customer, 2_000);
  await scene.guarded.sign();
  await scene.site.settle();
  // Fees of 0.1 lie in the vault. A customer who owes a part lets a payee's credit take some of them.
  await rent(1_000);
  await scene.guarded.sign();
  const number = await scene.guarded.proposeInstead(({ draws }) => {
    draws[0] = { ...draws[0]!, cumulative: draws[0]!.cumulative - 60_000n };
  });
  await scene.site.vault.send(treasury, 'vault', 'sweepFees', []);
  await scene.site.mine();
  await scene.untilLate();
  const { decisions } = await decided(2);
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
  await scene.guarded.sign();
  const number = await scene.guarded.proposeInstead(() => undefined);
  // It was written before the cut, and committed after it.
  await rent(500);
  await scene.site.pool.query(`update batches set cut_at = clock_timestamp() where number = $1`, [number]);
  await scene.untilLate();
  const after = await decided(1, 120_000);
  expect(after.decisions).toMatchObject([
    { number, verdict: 'approved', reasons: ['1 receipts are not signed yet: they are left to the next one'] },
  ]);
  expect(after.seen.customers[scene.customer()]).toMatchObject({ number: 1 });
  await scene.guarded.sign();
  expect(await scene.site.settle()).toEqual({ number, is: 'final' });

  expect(await scene.site.begin()).toEqual({ number: 2 });
  await scene.site.advance(2);
  await scene.site.mine();
  await scene.site.advance(2);
  const later = await decided(1, 120_000);
  expect(later.decisions).toMatchObject([{ number }, { number: 2, verdict: 'approved' }]);
  expect(later.seen.customers[scene.customer()]).toMatchObject({ number: 2, charged: 3_500n * 10n ** 15n });
});

test('a receipt that came long before the cut must be signed, whatever is explained without it', async () => {
  await rent(3_000);
  await scene.guarded.sign();
  const number = await scene.guarded.proposeInstead(() => undefined);
  await rent(500);
  await scene.site.pool.query(
    `update batches set cut_at = clock_timestamp() + interval '3 minutes' where number = $1`,
    [number],
  );
  expect((await decided(3, 120_000)).decisions).toEqual([]);
});

test('a settlement that only unsigned receipts explain waits for their signatures', async () => {
  await rent(3_000);
  await scene.guarded.sign();
  await rent(500);
  const number = await scene.guarded.proposeInstead(() => undefined);
  expect((await decided(3, 120_000)).decisions).toEqual([]);
  await scene.guarded.sign();
  expect((await decided(1, 120_000)).decisions).toMatchObject([{ number, verdict: 'approved' }]);
});
