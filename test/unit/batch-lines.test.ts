import { expect, test } from '@jest/globals';
import { cutLines, type ToSettle } from '../../src/domain/batch-lines.js';

const [ann, bob, pat, quinn] = ['a', 'b', 'c', 'd'].map((digit) => `0x${digit.repeat(40)}` as const);
const customer = (wallet: `0x${string}`, charged: bigint, before = 0n) => ({
  ...{ wallet, deposited: 100n, withdrawn: 0n, balance: 100n - charged, cap: 1_000n, before },
});
const payee = (wallet: `0x${string}`, balance: bigint, before = 0n) => ({ wallet, balance, before });
const cut = (facts: Partial<ToSettle>, most = 10) =>
  cutLines({ customers: [], providers: [], undistributed: 0n, ...facts }, 1n, { lines: most, permits: 2 });

test('a settlement has the totals of those for whom something changed, in the order of their wallets', () => {
  const facts = {
    customers: [customer(bob!, 30n, 10n), customer(ann!, 20n, 20n)],
    providers: [payee(quinn!, 9n, 100n), payee(pat!, 10n)],
  };
  expect(cut(facts)).toEqual({
    draws: [expect.objectContaining({ wallet: bob, cumulative: 30n })],
    credits: [
      { wallet: pat, cumulative: 10n, moved: 10n },
      { wallet: quinn, cumulative: 109n, moved: 9n },
    ],
    isCutShort: false,
    uncovered: 0n,
  });
});

test('nobody is credited what the vault does not have for payees, and one who owes is credited nothing', () => {
  const providers = [payee(pat!, 8n), payee(quinn!, 8n), payee(ann!, -5n)];
  expect(cut({ customers: [customer(bob!, 10n)], providers })).toMatchObject({
    credits: [
      { wallet: pat, moved: 8n },
      { wallet: quinn, cumulative: 2n, moved: 2n },
    ],
    uncovered: 6n,
  });
  expect(cut({ providers, undistributed: 20n })).toMatchObject({ draws: [], uncovered: 0n });
  expect(cut({ providers, undistributed: -3n })).toMatchObject({ credits: [], uncovered: 16n });
});

test('what one transaction cannot carry is left for the next settlement, draws first', () => {
  const facts = {
    customers: [customer(ann!, 5n), customer(bob!, 5n)],
    providers: [payee(pat!, 3n), payee(quinn!, 3n)],
  };
  expect(cut(facts, 3)).toMatchObject({ draws: [{}, {}], credits: [{ wallet: pat }], isCutShort: true });
  expect(cut(facts, 1)).toMatchObject({ draws: [{ wallet: ann }], credits: [], isCutShort: true });
});

test('a permit counts where the cap on the chain is too low, and as many as one transaction can carry', () => {
  const capped = (wallet: `0x${string}`, permitCap?: bigint) => ({
    ...customer(wallet, 30n),
    ...{ cap: 10n, ...(permitCap === undefined ? {} : { permitCap }) },
  });
  const drawn = (customers: ToSettle['customers']) =>
    cut({ customers }).draws.map(({ wallet, cumulative }) => [wallet, cumulative]);
  expect(drawn([capped(ann!), capped(bob!, 20n)])).toEqual([
    [ann, 10n],
    [bob, 20n],
  ]);
  // One that is not needed, or allows less, takes nobody's place.
  const many = [
    { ...customer(ann!, 30n), permitCap: 2_000n },
    capped(bob!, 5n),
    capped(pat!, 99n),
    capped(quinn!, 99n),
  ];
  expect(drawn(many)).toEqual([
    [ann, 30n],
    [bob, 10n],
    [pat, 30n],
    [quinn, 30n],
  ]);
  const tooMany = cut({ customers: [capped(ann!, 99n), capped(bob!, 99n), capped(pat!, 99n)] });
  expect(tooMany).toMatchObject({
    isCutShort: true,
    draws: [{ cumulative: 30n }, { cumulative: 30n }, { cumulative: 10n }],
  });
});
