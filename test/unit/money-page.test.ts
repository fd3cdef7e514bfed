import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { moneyInvariants, moneyInvariantSays } from '../../src/db/money-invariants.js';
import { billedTime, reservationFor } from '../../src/domain/billing.js';
import { rateOf } from '../../src/domain/pricing.js';
import { isCrossed } from '../../src/domain/spend-limits.js';
import { chargeFor, feeFor } from '../../src/wire/charge.js';

const page = readFileSync('docs/money.md', 'utf8');
/** The figure of a row of the example. */
const figure = (what: string) => {
  const row = page.split('\n').find((line) => line.startsWith(`| ${what} |`));
  return BigInt(/\| (\d+) \|$/.exec(row ?? '')![1]!);
};
const at = (time: string) => Date.parse(`2026-11-27T${time}Z`);

test('every figure of the example on the page about money is what the broker works out', () => {
  const rate = rateOf('0.5');
  const { billedMs } = billedTime({
    readyAtMs: at('10:00:00.000'),
    expiresAtMs: at('12:00:00.000'),
    endAtMs: at('11:23:20.500'),
    gaps: [{ fromMs: at('10:30:00.000'), toMs: at('10:32:00.000') }],
  });
  const charged = chargeFor(rate, billedMs);
  const refunded = chargeFor(rate, 600_000);
  const left = charged - refunded;
  expect({
    rate: figure('rate'),
    reserved: figure('reserved'),
    billedMs: figure('billed time, in ms'),
    charged: figure('charged'),
    fee: figure('fee'),
    earned: figure('earned'),
    refunded: figure('refunded'),
    left: figure('charged after the refund'),
    feeLeft: figure('fee after the refund'),
    earnedLeft: figure('earned after the refund'),
  }).toEqual({
    ...{ rate, reserved: reservationFor(rate, 7_200), billedMs: BigInt(billedMs), charged },
    ...{ fee: feeFor(charged, 500), earned: charged - feeFor(charged, 500), refunded, left },
    ...{ feeLeft: feeFor(left, 500), earnedLeft: left - feeFor(left, 500) },
  });
});

test('every figure of the example of a cap is what the broker works out', () => {
  const cap = rateOf('2');
  const warned = figure('a warning comes at');
  expect(figure('the cap')).toBe(cap);
  expect([isCrossed(cap, 0n, warned), isCrossed(cap, 0n, warned - 1n)]).toEqual([true, false]);
  expect(figure('used while the job runs')).toBe(figure('reserved'));
  expect(figure('used after its end')).toBe(figure('charged'));
  expect(figure('used after the refund')).toBe(figure('charged after the refund'));
  expect(figure('left until the month turns')).toBe(cap - figure('charged after the refund'));
});

test('the page about money names every invariant, in the words of the broker', () => {
  for (const name of moneyInvariants) expect(page).toContain(`| ${name} | ${moneyInvariantSays(name)} |`);
});
