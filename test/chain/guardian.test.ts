import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { zeroHash } from 'viem';
import { callVault } from '../../src/guardian/commands.js';
import type { GuardianCall } from '../../src/guardian/sender.js';
import { reasonsOf, useGuardedSite } from '../support/guarded-tests.js';
import { roles } from '../support/vault.js';

const scene = useGuardedSite();
const stranger = `0x${'bad0'.repeat(10)}` as const;

describe('a settlement that its receipts explain', () => {
  test('is approved, remembered as the base of the next, and executed', async () => {
    await scene.rented();
    await scene.site.begin();
    await scene.site.advance(1);
    await scene.site.mine();
    await scene.site.advance(1);
    const { memory, status } = await scene.looks(1);
    expect(memory.now.decisions).toMatchObject([{ number: 1, verdict: 'approved' }]);
    expect(memory.now.seen.customers[scene.customer()]).toMatchObject({ number: 1, charged: 3_333n * 10n ** 15n });
    expect(status.readiness()).toMatchObject({ settlements: { ok: true }, broker: { ok: true }, chain: { ok: true } });
    expect(await scene.site.settle()).toEqual({ number: 1, is: 'final' });

    await scene.site.rent(scene.site.customer, 500);
    await scene.guarded.sign();
    await scene.site.begin();
    await scene.site.advance(2);
    await scene.site.mine();
    await scene.site.advance(2);
    const { memory: later } = await scene.looks(1);
    expect(later.now.decisions).toMatchObject([{ number: 1 }, { number: 2, verdict: 'approved' }]);
    expect(later.now.unchecked).toEqual([]);
  });
});

describe('a settlement is vetoed', () => {
  test('whose draw is more than the customer was charged', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(
      ({ draws }) => void (draws[0] = { ...draws[0]!, cumulative: 3_333_001n }),
    );
    const { memory, status } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    const why = `draw ${scene.customer()}: expected at most 3333000 units, which receipts say were charged; found 3333001`;
    expect(memory.now.decisions).toMatchObject([{ number, verdict: 'vetoed', reasons: [why] }]);
    expect(status.readiness()['settlements']).toEqual({ ok: false, detail: `settlement 1 was vetoed: ${why}` });
    expect(scene.guarded.logged.filter(({ msg }) => msg === 'a settlement is vetoed')).toMatchObject([
      { settlement: 1, reasons: [why] },
    ]);
    expect(await scene.site.settle()).toMatchObject({ number, is: 'void' });
    expect(await scene.site.settle()).toMatchObject({ none: 'stopped' });
  });

  test('that credits a foreign wallet, or a payee too little', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(({ credits }) => {
      credits[0] = { ...credits[0]!, cumulative: credits[0]!.cumulative - 1_000n };
      credits.push({ wallet: stranger, cumulative: 1_000n });
      credits.sort((a, b) => (a.wallet < b.wallet ? -1 : 1));
    });
    const { memory } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(`credit ${stranger}: expected at most 0 units`);
    expect(reasonsOf(memory)).toContain(
      `credit ${scene.payee()}: expected 3166350 units, which receipts say were earned; found 3165350`,
    );
  });

  test('that leaves a payee out', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(({ credits }) => void credits.pop());
    const { memory } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(
      `credit ${scene.payee()}: expected 3166350 units, which receipts say were earned; found none`,
    );
  });

  test('whose lines have another hash than the chain', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(
      ({ draws }) => void (draws[0] = { ...draws[0]!, cumulative: 9_000_000n }),
    );
    scene.guarded.broker.lies.set(`/api/v1/settlements/${number}`, () => ({
      number,
      draws: [{ customer: scene.customer(), cumulative: '3333000' }],
      credits: [{ payee: scene.payee(), cumulative: '3166350' }],
    }));
    const { memory } = await scene.looks();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toMatch(/^the hash: expected 0x/);
  });

  test('under a number that the broker did not cut, once the time for an explanation is over', async () => {
    await scene.rented();
    await scene.site.vault.send(scene.anvil.accounts[roles.operator]!, 'vault', 'propose', [1n, `0x${'6'.repeat(64)}`]);
    const { memory } = await scene.looks();
    expect(memory.now.decisions).toEqual([]);
    await scene.untilLate();
    expect(reasonsOf((await scene.looks(1)).memory)).toMatch(/not explained in time.*settlement_not_found/);
    await scene.site.mine();
    expect(await scene.guarded.hashOnVault(1)).toBe(zeroHash);
  });
});

test('a settlement whose examination fails in a way that nobody foresaw is vetoed when its time comes', async () => {
  await scene.rented();
  const number = await scene.guarded.proposeInstead(() => undefined);
  const { guard, broker, memory, status } = await scene.guarded.guard();
  writeFileSync(join(scene.guarded.settings.dataDir, 'approved.json'), 'torn');
  await expect(guard.look()).rejects.toThrow();
  await scene.untilLate();
  await guard.look();
  await scene.site.mine();
  await broker.end();
  expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
  expect(reasonsOf(memory)).toContain('not explained in time');
  expect(await status.registry.metrics()).toContain('guardian_alarms_total{kind="failure"} 1');
});

test('a settlement that was executed without its approval is an alarm', async () => {
  await scene.rented();
  const first = await scene.guarded.guard();
  await first.guard.look();
  await scene.site.settle();
  const { memory, status } = await scene.looks(1);
  await first.broker.end();
  expect(memory.now.unchecked).toEqual([1]);
  expect(await status.registry.metrics()).toContain('guardian_alarms_total{kind="unchecked"} 1');
});

test('by hand, it pauses the vault, ends the pause, and vetoes', async () => {
  const said: string[] = [];
  const call = (what: GuardianCall) =>
    callVault(scene.guarded.settings, { call: what, reason: 'rehearsal', pollMs: 10 }, (line) => void said.push(line));
  await call({ name: 'pause' });
  await call({ name: 'unpause' });
  await scene.rented();
  await scene.guarded.proposeInstead(() => undefined);
  await call({ name: 'veto', number: 1 });
  expect(said).toEqual([
    '✓ pause: the vault has it.',
    '✓ unpause: the vault has it.',
    '✓ veto of settlement 1: the vault has it.',
  ]);
  await expect(call({ name: 'veto', number: 1 })).rejects.toThrow('Settlement 1 cannot be vetoed');
});
