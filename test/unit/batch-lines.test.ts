import { expect, test } from '@jest/globals';
import { cutLines, type ToSettle } from '../../src/domain/batch-lines.js';

const [ann, bob, pat, quinn] = ['a', 'b', 'c', 'd'].map((digit) => `0x${digit.repeat(40)}` as const);
const customer = (wallet: `0x${string}`, charged: bigint, before = 0n) => ({
  ...{ wallet, deposited: 100n, withdrawn: 0n, balance: 100n - charged, cap: 1_000n, before },
});
const payee = (wallet: `0x${string}`, balance: bigint, before = 0n) => ({ wallet, balance, before });
const cut = (facts: Partial<ToSettle>, most = 10) =>
  cutLines({ customers: [], providers: [], undistributed: 0n, ...facts }, 1n, most);

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
