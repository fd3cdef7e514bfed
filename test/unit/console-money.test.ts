import { describe, expect, test } from '@jest/globals';
import { bookingText, isReservation } from '../../console/cost/booking-words.js';
import { capUse, needsWallet } from '../../console/cost/cap-use.js';
import {
  monthChoices,
  monthInWords,
  monthsFrom,
  nextMonth,
  previousMonth,
  rangeOfMonth,
  readMonth,
} from '../../console/cost/months.js';
import { standingOf, statementLines } from '../../console/cost/statement-lines.js';
import { earningsShare } from '../../console/machines/earnings-share.js';
import { invariantText, remedyText } from '../../console/operator/invariant-words.js';
import { byMonth, firstDay, revenueSums } from '../../console/operator/revenue-rows.js';
import { readAmount } from '../../console/parts/amount-field.js';
import { amountInWords } from '../../console/parts/words.js';
import {
  billedText,
  missedIn,
  percentOf,
  previousOf,
  requireOfJob,
  resourcesText,
  workedLines,
} from '../../console/receipts/receipt-facts.js';
import type { Receipt, Statement } from '../../src/client/types.generated.js';
import { moneyInvariants, moneyInvariantSays } from '../../src/db/money-invariants.js';
import { receiptMessage } from '../../src/wire/job-receipt.js';
import { receiptVector } from '../support/receipt-vector.js';

const now = Date.UTC(2026, 10, 27);

/** As one types it into a calculator; each result is rounded down. */
function fromLeftToRight(text: string): bigint {
  const [first = '', ...rest] = text.split(' ');
  let value = BigInt(first);
  for (let at = 0; at < rest.length; at += 2) {
    const next = BigInt(rest[at + 1]!);
    if (rest[at] === '−') value -= next;
    else if (rest[at] === '×') value *= next;
    else value /= next;
  }
  return value;
}

describe('months of statements', () => {
  test('one goes back and on over a year’s end, and not into a month that has not begun', () => {
    expect(monthsFrom('2026-01', -1)).toBe('2025-12');
    expect(nextMonth('2025-12', now)).toBe('2026-01');
    expect(nextMonth('2026-11', now)).toBeUndefined();
    expect(previousMonth('2000-01')).toBeUndefined();
    expect(monthInWords('2026-11')).toBe('November 2026');
    expect(rangeOfMonth('2026-12')).toEqual({ from: '2026-12-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' });
  });

  test.each(['2026-13', '2027-01', 'x', '1999-12', ''])('an address that names %p shows this month', (month) => {
    expect(readMonth(new URLSearchParams({ month }), now)).toBe('2026-11');
  });

  test('the month that is shown is always among those to choose from', () => {
    expect(monthChoices('2026-11', now)[0]).toBe('2026-11');
    expect(monthChoices('2020-02', now)).toContain('2020-02');
  });
});

describe('a statement', () => {
  const statement = {
    ...{
      opening: '-5',
      paid: '5',
      charged: '12',
      refunded: '2',
      withdrawn: '0',
      adjusted: '0',
      closing: '-10',
      reserved: '3',
    },
    ...{ jobs: 2, is_final: true },
  } as Statement;

  test('what moved, with its sign, adds up to what it ends with', () => {
    const { opening, moved, closing } = statementLines(statement);
    const sum = [opening, ...moved].reduce((all, { amount }) => all + BigInt(amount), 0n);
    expect(sum).toBe(BigInt(closing.amount));
    expect(moved.map(({ what }) => what)).toEqual(['You paid', 'Charged for 2 jobs', 'Refunded']);
  });

  test('what is below 0 is owed', () => {
    expect(standingOf('-10')).toEqual({ label: 'You owe', size: '10', owes: true });
    expect(standingOf('0').label).toBe('You owe nothing');
    expect(standingOf('7').label).toBe('You have');
  });

  test('bookings are in words, and those that only reserve can be left out', () => {
    expect(bookingText({ kind: 'settle', amount: '-3' })).toBe('Charge of a job');
    expect(bookingText({ kind: 'settle', amount: '0' })).toBe('A job ended that cost nothing');
    expect(bookingText({ kind: 'of_a_later_version' as 'settle', amount: '1' })).toBe('of a later version');
    expect(isReservation({ kind: 'trim', amount: '0' })).toBe(true);
    expect(isReservation({ kind: 'settle', amount: '0' })).toBe(false);
  });
});

describe('amounts that are entered', () => {
  test.each([
    ['1.5', 'tokens', '1500000000000000000'],
    [' 0.000000000000000001 ', 'tokens', '1'],
    ['340282366920938463463.374607431768211455', 'tokens', String(2n ** 128n - 1n)],
    ['83333333333333333', 'units', '83333333333333333'],
  ] as const)('%p %s are base units to the last digit', (text, unit, units) => {
    expect(readAmount({ text, unit }, 18)).toEqual({ units });
  });

  test.each([
    ['0.0000000000000000001', 'tokens', /18 decimals/],
    ['1,5', 'tokens', /point/],
    ['-1', 'tokens', /point/],
    ['1e3', 'units', /whole/],
    ['0.5', 'units', /whole/],
    ['0', 'units', /more than 0/i],
    [String(2n ** 128n), 'units', /account holds/],
  ] as const)('%p %s are refused', (text, unit, words) => {
    expect(readAmount({ text, unit }, 18)).toEqual({ problem: expect.stringMatching(words) });
  });

  test('what is owed keeps its sign in words', () => {
    expect(amountInWords('-1500000000000000000', { symbol: 'WLC', decimals: 18 })).toBe('−1.5 WLC');
    expect(amountInWords('-1', { symbol: 'WLC', decimals: 18 })).toBe('−0.000000000000000001 WLC');
  });
});

test('a cap warns from 80 % on, what is reserved included, and raising or removing it needs the wallet', () => {
  const use = (charged: string, reserved: string) => capUse({ amount: '100', charged, reserved });
  expect(use('40', '39')).toEqual({ state: 'free', percent: 79 });
  expect(use('40', '40')).toEqual({ state: 'near', percent: 80 });
  expect(use('100', '0')).toEqual({ state: 'reached', percent: 100 });
  expect(capUse({ amount: '0', charged: '0', reserved: '0' }).state).toBe('reached');
  expect(needsWallet(null, '5')).toBe(false);
  expect(needsWallet({ amount: '10' }, '9')).toBe(false);
  expect(needsWallet({ amount: '9' }, '10')).toBe(true);
  expect(needsWallet({ amount: '9' }, undefined)).toBe(true);
});

test('revenue by month is the sum of its days, also of days on which more was given back than kept', () => {
  const row = (key: string, charged: string, fees: string) => ({ key, jobs: 1, charged, fees, refunded: '1' });
  const rows = [row('2026-11-02', '10', '-2'), row('2026-11-01', '5', '3'), row('2026-10-31', '7', '1')];
  expect(byMonth(rows)).toEqual([
    { key: '2026-11', jobs: 2, charged: '15', fees: '1', refunded: '2' },
    { key: '2026-10', jobs: 1, charged: '7', fees: '1', refunded: '1' },
  ]);
  expect(revenueSums(rows)).toEqual({ jobs: 3, charged: 22n, fees: 2n, refunded: 3n });
  expect([firstDay('day', now), firstDay('month', now)]).toEqual(['2026-10-28', '2025-12-01']);
});

test('what an owner keeps and what customers paid follow from what the broker says', () => {
  expect(earningsShare({ earned: '95', fee: '5', refunded: '10' })).toEqual({ charged: 100n, net: 85n });
});

test('every comparison of the books has words, and says who puts it right', () => {
  for (const name of moneyInvariants) {
    const said = moneyInvariantSays(name).slice(0, 12);
    expect(invariantText(name).toLowerCase()).toContain(said.toLowerCase());
  }
  expect(remedyText('I5')).toMatch(/by itself/);
  expect(invariantText('I99')).toMatch(/later version/);
});

describe('what a receipt says', () => {
  const message = receiptMessage(receiptVector.receipt);

  test('each line of its arithmetic leads to the figure that is signed', () => {
    for (const { what, how, result } of workedLines(message)) {
      expect([what, String(fromLeftToRight(how))]).toEqual([what, result]);
    }
    expect(missedIn(message)).toBe(120_500);
  });

  test('what is billed is said to the millisecond as long as one counts in seconds', () => {
    expect([149, 19_585, 20_000, 0, 60_000, 7_500_000].map(billedText)).toEqual([
      ...['0.149 s', '19.585 s', '20 s', '0 s', '1 min', '2 h 5 min'],
    ]);
  });

  test('fees, what was rented and the first receipt of a wallet are in words', () => {
    expect([percentOf(500), percentOf(275), percentOf(0), percentOf(1)]).toEqual(['5 %', '2.75 %', '0 %', '0.01 %']);
    expect(resourcesText(message.resources)).toBe(
      '1 × NVIDIA GeForce RTX 4090, 4 cores, 16 GB of memory, 20 GB of disk',
    );
    expect(resourcesText('no JSON')).toBe('no JSON');
    expect(previousOf(message)).toBeUndefined();
  });
});

test('the receipt of a job is of that job, and one of another is refused', () => {
  const receipt = { typed_data: { message: { jobId: 'a1' } } } as Receipt;
  expect(requireOfJob(receipt, 'A1')).toBe(receipt);
  expect(() => requireOfJob(receipt, 'b2')).toThrow('the broker answered with the receipt of another job');
});
