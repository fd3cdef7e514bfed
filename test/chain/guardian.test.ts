import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { zeroHash } from 'viem';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { createGuardedSite, type GuardedSite } from '../support/guarded-site.js';
import { roles } from '../support/vault.js';

let anvil: Anvil;
let guarded: GuardedSite;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  guarded = await createGuardedSite(anvil);
});
afterEach(() => guarded.close());

const customer = () => guarded.site.customer.address.toLowerCase() as `0x${string}`;
const payee = () => guarded.site.provider.address.toLowerCase() as `0x${string}`;
const stranger = `0x${'bad0'.repeat(10)}` as const;

/** A customer with 10 tokens who rented for 3.333 tokens, with a receipt. */
async function rented(): Promise<void> {
  await guarded.site.deposit(guarded.site.customer, 10);
  await guarded.site.rent(guarded.site.customer, 3_333);
  await guarded.sign();
}

const reasonsOf = (memory: { now: { decisions: { reasons: string[] }[] } }) =>
  memory.now.decisions.flatMap(({ reasons }) => reasons).join('\n');

async function looks(times = 3) {
  const opened = await guarded.guard();
  for (let look = 0; look < times; look++) await opened.guard.look();
  await opened.broker.end();
  return opened;
}

describe('a settlement that its receipts explain', () => {
  test('is approved, remembered as the base of the next, and executed', async () => {
    await rented();
    await guarded.site.begin();
    await guarded.site.advance(1);
    await guarded.site.mine();
    await guarded.site.advance(1);
    const { memory, status } = await looks(1);
    expect(memory.now.decisions).toMatchObject([{ number: 1, verdict: 'approved' }]);
    expect(memory.now.seen.customers[customer()]).toMatchObject({ number: 1, charged: 3_333n * 10n ** 15n });
    expect(status.readiness()).toMatchObject({ settlements: { ok: true }, broker: { ok: true }, chain: { ok: true } });
    expect(await guarded.site.settle()).toEqual({ number: 1, is: 'final' });

    await guarded.site.rent(guarded.site.customer, 500);
    await guarded.sign();
    await guarded.site.begin();
    await guarded.site.advance(2);
    await guarded.site.mine();
    await guarded.site.advance(2);
    const { memory: later } = await looks(1);
    expect(later.now.decisions).toMatchObject([{ number: 1 }, { number: 2, verdict: 'approved' }]);
    expect(later.now.unchecked).toEqual([]);
  });
});

describe('a settlement is vetoed', () => {
  test('whose draw is more than the customer was charged', async () => {
    await rented();
    const number = await guarded.proposeInstead(
      ({ draws }) => void (draws[0] = { ...draws[0]!, cumulative: 3_333_001n }),
    );
    const { memory, status } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    const why = `draw ${customer()}: expected at most 3333000 units, which receipts say were charged; found 3333001`;
    expect(memory.now.decisions).toMatchObject([{ number, verdict: 'vetoed', reasons: [why] }]);
    expect(status.readiness()['settlements']).toEqual({ ok: false, detail: `settlement 1 was vetoed: ${why}` });
    expect(guarded.logged.filter(({ msg }) => msg === 'a settlement is vetoed')).toMatchObject([
      { settlement: 1, reasons: [why] },
    ]);
    expect(await guarded.site.settle()).toMatchObject({ number, is: 'void' });
    expect(await guarded.site.settle()).toMatchObject({ none: 'stopped' });
  });

  test('that credits a foreign wallet, or a payee too little', async () => {
    await rented();
    const number = await guarded.proposeInstead(({ credits }) => {
      credits[0] = { ...credits[0]!, cumulative: credits[0]!.cumulative - 1_000n };
      credits.push({ wallet: stranger, cumulative: 1_000n });
      credits.sort((a, b) => (a.wallet < b.wallet ? -1 : 1));
    });
    const { memory } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(`credit ${stranger}: expected at most 0 units`);
    expect(reasonsOf(memory)).toContain(
      `credit ${payee()}: expected 3166350 units, which receipts say were earned; found 3165350`,
    );
  });

  test('that leaves a payee out', async () => {
    await rented();
    const number = await guarded.proposeInstead(({ credits }) => void credits.pop());
    const { memory } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(
      `credit ${payee()}: expected 3166350 units, which receipts say were earned; found none`,
    );
  });

  test('whose lines have another hash than the chain', async () => {
    await rented();
    const number = await guarded.proposeInstead(
      ({ draws }) => void (draws[0] = { ...draws[0]!, cumulative: 9_000_000n }),
    );
    guarded.broker.lies.set(`/api/v1/settlements/${number}`, () => ({
      number,
      draws: [{ customer: customer(), cumulative: '3333000' }],
      credits: [{ payee: payee(), cumulative: '3166350' }],
    }));
    const { memory } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toMatch(/^the hash: expected 0x/);
  });

  test('under a number that the broker did not cut, once the time for an explanation is over', async () => {
    await rented();
    await guarded.site.vault.send(anvil.accounts[roles.operator]!, 'vault', 'propose', [1n, `0x${'6'.repeat(64)}`]);
    const { memory } = await looks();
    expect(memory.now.decisions).toEqual([]);
    await anvil.client.increaseTime({ seconds: 3_100 });
    await guarded.site.mine();
    expect(reasonsOf((await looks(1)).memory)).toMatch(/not explained in time.*settlement_not_found/);
    await guarded.site.mine();
    expect(await guarded.hashOnVault(1)).toBe(zeroHash);
  });
});
