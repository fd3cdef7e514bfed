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
    isLeftLittle: true,
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

test('those who leave are drawn first, then those of whom most is drawn, and so are permits used', () => {
  const leaving = { ...customer(quinn!, 1n), isLeaving: true };
  const facts = { customers: [customer(ann!, 5n), customer(bob!, 9n, 1n), customer(pat!, 7n), leaving] };
  const drawn = (most: number) => cut(facts, most).draws.map(({ wallet }) => wallet);
  expect(drawn(1)).toEqual([quinn]);
  expect(drawn(2)).toEqual([bob, quinn]);
  expect(drawn(3)).toEqual([bob, pat, quinn]);
  const permitted = [customer(ann!, 30n), customer(bob!, 40n), { ...customer(pat!, 20n), isLeaving: true }].map(
    (each) => ({ ...each, cap: 10n, permitCap: 99n }),
  );
  expect(cut({ customers: permitted })).toMatchObject({
    isCutShort: true,
    draws: [
      { wallet: ann, cumulative: 10n },
      { wallet: bob, cumulative: 40n },
      { wallet: pat, cumulative: 20n },
    ],
  });
});

test('half of the lines are kept for payees, most first, but for those that customers who leave need', () => {
  const many = (count: number, of: (wallet: `0x${string}`, at: number) => ToSettle['customers'][number]) =>
    Array.from({ length: count }, (_, at) => of(`0x${String(at).padStart(40, '0')}`, at));
  const providers = [payee(pat!, 3n), payee(quinn!, 4n), payee(ann!, 2n)];
  const stays = many(9, (wallet) => customer(wallet, 1n));
  expect(cut({ customers: stays, providers }, 6)).toMatchObject({
    draws: [{}, {}, {}],
    credits: [{ wallet: quinn, moved: 3n }],
    isCutShort: true,
    // What is left out may cover it.
    uncovered: 0n,
  });
  const leave = many(5, (wallet) => ({ ...customer(wallet, 1n), isLeaving: true }));
  expect(cut({ customers: leave, providers }, 6)).toMatchObject({
    draws: [{}, {}, {}, {}, {}],
    credits: [{ wallet: quinn, moved: 4n }],
    isCutShort: true,
  });
  expect(cut({ customers: stays, providers, undistributed: 20n }, 4)).toMatchObject({
    draws: [{}, {}],
    credits: [{ wallet: pat }, { wallet: quinn }],
    isCutShort: true,
  });
});

test('settlement after settlement, everybody is drawn and credited, and never more than there is', () => {
  const wallets = Array.from({ length: 1_500 }, (_, at) => `0x${at.toString(16).padStart(40, '0')}` as const);
  let customers = wallets.map((wallet, at) => ({
    ...customer(wallet, BigInt((at % 90) + 1)),
    ...{ cap: at % 3 === 0 ? 0n : 1_000n, isLeaving: at === 1_499 },
    ...(at % 3 === 0 ? { permitCap: 1_000n } : {}),
  }));
  const total = customers.reduce((sum, { balance }) => sum + 100n - balance, 0n);
  let providers = wallets.slice(0, 700).map((wallet) => payee(wallet, 60n));
  let undistributed = 0n;
  for (let number = 1; ; number++) {
    const { draws, credits, isCutShort } = cutLines({ customers, providers, undistributed }, 1n, {
      lines: 1_000,
      permits: 100,
    });
    expect(draws.length + credits.length).toBeLessThanOrEqual(1_000);
    const drawn = new Map(draws.map(({ wallet, cumulative }) => [wallet, cumulative]));
    if (number === 1) expect(drawn.has(wallets[1_499]!)).toBe(true);
    const raised = customers.filter(({ wallet, cap }) => (drawn.get(wallet) ?? 0n) > cap);
    expect(raised.length).toBeLessThanOrEqual(100);
    for (const { wallet, before } of customers) undistributed += (drawn.get(wallet) ?? before) - before;
    customers = customers.map((each) => ({
      ...{ ...each, before: drawn.get(each.wallet) ?? each.before },
      cap: raised.includes(each) ? 1_000n : each.cap,
    }));
    const moved = new Map(credits.map((credit) => [credit.wallet, credit.moved]));
    for (const units of moved.values()) undistributed -= units;
    expect(undistributed).toBeGreaterThanOrEqual(0n);
    providers = providers.map((each) => ({ ...each, balance: each.balance - (moved.get(each.wallet) ?? 0n) }));
    if (!isCutShort) break;
    expect(number).toBeLessThan(10);
  }
  expect(customers.reduce((sum, { before }) => sum + before, 0n)).toBe(total);
  expect(providers.filter(({ balance }) => balance > 0n)).toEqual([]);
});

test('what one transaction cannot carry is left for the next settlement, draws first', () => {
  const facts = {
    customers: [customer(ann!, 5n), customer(bob!, 5n)],
    providers: [payee(pat!, 3n), payee(quinn!, 3n)],
  };
  expect(cut(facts, 3)).toMatchObject({ draws: [{}, {}], credits: [{ wallet: pat }], isCutShort: true });
  expect(cut(facts, 1)).toMatchObject({ draws: [{ wallet: ann }], credits: [], isCutShort: true });
});

test('what is left is little when it is a hundredth of what is carried, of draws as of credits', () => {
  const drawn = (much: bigint, left: bigint) => cut({ customers: [customer(ann!, much), customer(bob!, left)] }, 1);
  expect(drawn(100n, 1n)).toMatchObject({ isCutShort: true, isLeftLittle: true });
  expect(drawn(99n, 1n)).toMatchObject({ isCutShort: true, isLeftLittle: false });
  const credited = (much: bigint, left: bigint) =>
    cut({ providers: [payee(pat!, much), payee(quinn!, left)], undistributed: 200n }, 1);
  expect(credited(100n, 1n)).toMatchObject({ isCutShort: true, isLeftLittle: true });
  expect(credited(99n, 1n)).toMatchObject({ isCutShort: true, isLeftLittle: false });
  // One for whom there is no permit left is drawn in part.
  const permitted = [100n, 100n, 12n].map((charged, at) => ({
    ...customer([ann!, bob!, pat!][at]!, charged),
    ...{ cap: 10n, permitCap: 999n },
  }));
  expect(cut({ customers: permitted })).toMatchObject({ isCutShort: true, isLeftLittle: true });
  expect(cut({ customers: permitted.slice(0, 2) })).toMatchObject({ isCutShort: false, isLeftLittle: true });
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
