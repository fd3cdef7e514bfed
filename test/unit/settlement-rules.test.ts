import { describe, expect, test } from '@jest/globals';
import { feeFor } from '../../src/wire/charge.js';
import { finalBlock, settlementStep, type VaultState } from '../../src/domain/settlement-step.js';
import { baseUnitsOf, creditedUnits, drawnUnits, drawOf, scaleOf } from '../../src/domain/vault-units.js';
import { batchHash } from '../../src/wire/settlement-batch.js';
import { createRandom } from '../support/random.js';

const fromSum = (values: Iterable<bigint>) => [...values].reduce((sum, value) => sum + value, 0n);

describe('amounts in units of a token', () => {
  test('a token’s unit is so many base units', () => {
    expect([scaleOf(18), scaleOf(6), scaleOf(0)]).toEqual([1n, 10n ** 12n, 10n ** 18n]);
    for (const decimals of [19, -1, 0.5]) expect(() => scaleOf(decimals)).toThrow(RangeError);
  });

  test('a draw is rounded up and a credit down', () => {
    expect([0n, 1n, 10n, 11n].map((charged) => drawnUnits(charged, 10n))).toEqual([0n, 1n, 1n, 2n]);
    expect([0n, 9n, 10n, 19n].map((earned) => creditedUnits(earned, 10n))).toEqual([0n, 0n, 1n, 1n]);
  });

  // After every one of 100,000 charges, cut into settlements as it comes, and for tokens of several decimals.
  test.each([0, 6, 12, 18])(
    'of a token with %i decimals a customer has on the chain what the ledger says',
    (decimals) => {
      const scale = scaleOf(decimals);
      const { whole } = createRandom(decimals + 1);
      const customers = Array.from({ length: 7 }, () => ({ deposited: 0n, balance: 0n, drawn: 0n }));
      const earned = [0n, 0n, 0n];
      const credited = [0n, 0n, 0n];
      const wrong: string[] = [];
      let fees = 0n;
      let treasury = 0n;
      for (let n = 0; n < 25_000; n++) {
        const customer = customers[whole(0, 6)]!;
        if (customer.balance < 10n ** 18n) {
          customer.deposited += baseUnitsOf(5n * 10n ** BigInt(decimals), scale);
          customer.balance += baseUnitsOf(5n * 10n ** BigInt(decimals), scale);
        }
        const charge = BigInt(whole(1, 2 ** 50)) ** 2n % 10n ** 18n;
        const fee = feeFor(charge, whole(0, 1_000));
        customer.balance -= charge;
        earned[n % 3]! += charge - fee;
        fees += fee;
        if (whole(0, 3) > 0) continue;
        const before = fromSum(customers.map(({ drawn }) => drawn)) - fromSum(credited);
        for (const each of customers) {
          const { deposited, balance, drawn } = each;
          each.drawn = drawOf({ deposited, balance, withdrawn: 0n, cap: 10n ** 40n, before: drawn }, scale);
          if (deposited / scale - each.drawn !== balance / scale) wrong.push(`customer after ${n}`);
        }
        earned.forEach((total, payee) => (credited[payee] = creditedUnits(total, scale)));
        treasury += fromSum(customers.map(({ drawn }) => drawn)) - fromSum(credited) - before;
        const dust = treasury * scale - fees;
        if (dust < 0n || dust >= scale * 10n) wrong.push(`dust after ${n}`);
      }
      expect(wrong).toEqual([]);
    },
  );

  test('what is drawn is never more than is there, nor than was allowed, and never less than before', () => {
    const facts = { deposited: 100n, withdrawn: 0n, balance: 60n, cap: 1_000n, before: 0n };
    expect(drawOf(facts, 1n)).toBe(40n);
    expect(drawOf({ ...facts, cap: 30n }, 1n)).toBe(30n);
    // He owes 20 more than he ever had in the vault.
    expect(drawOf({ ...facts, balance: -20n }, 1n)).toBe(100n);
    expect(drawOf({ ...facts, balance: -20n, withdrawn: 25n }, 1n)).toBe(75n);
    // A refund of 10, after 45 had been drawn.
    expect(drawOf({ ...facts, before: 45n }, 1n)).toBe(45n);
    // A customer who was paid for by hand has more than he deposited.
    expect(drawOf({ ...facts, balance: 150n }, 1n)).toBe(0n);
  });
});

test('the hash of a settlement is that of its lines, its chain and its vault', () => {
  const content = {
    chainId: 97,
    vault: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
    draws: [{ wallet: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', cumulative: 5n }],
    credits: [{ wallet: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', cumulative: 4n }],
  } as const;
  const hashes = [
    content,
    { ...content, chainId: 98 },
    { ...content, vault: content.draws[0].wallet },
    { ...content, draws: content.credits, credits: content.draws },
    { ...content, draws: [] },
    { ...content, credits: [{ ...content.credits[0], cumulative: 5n }] },
  ].map((each) => batchHash(each));
  expect(new Set(hashes).size).toBe(hashes.length);
});

describe('the next step of a settlement', () => {
  const [hash, other, none] = [`0x${'a'.repeat(64)}`, `0x${'b'.repeat(64)}`, `0x${'0'.repeat(64)}`];
  const ours = { number: 7, hash };
  const state = (changed: Partial<VaultState> = {}, batch: Partial<VaultState['batch']> = {}): VaultState => ({
    timeS: 1_000,
    proposed: 7,
    lastExecuted: 6,
    operator: '0xAb',
    pausedUntilS: 0,
    ...changed,
    batch: { hash, executableAtS: 900, proposer: '0xab', ...batch },
  });
  const unproposed = state({ proposed: 6 }, { hash: none, executableAtS: 0, proposer: '0x00' });
  const executed = state({ lastExecuted: 7 });

  test.each<[string, VaultState, VaultState, object]>([
    ['what nobody has proposed is proposed', unproposed, unproposed, { do: 'propose' }],
    [
      'what was proposed waits for its delay',
      state({ timeS: 800 }),
      unproposed,
      { do: 'wait', for: 'delay', untilS: 900 },
    ],
    ['and is executed then', state(), state(), { do: 'execute' }],
    ['even if its proposal is not final yet', state(), unproposed, { do: 'execute' }],
    ['what was executed waits until that is final', executed, state(), { do: 'wait', for: 'chain' }],
    ['and is recorded then', executed, executed, { do: 'record' }],
    ['what a reorganised chain took back is proposed again', unproposed, unproposed, { do: 'propose' }],
    ['a veto ends it', state({}, { hash: none }), state({}, { hash: none }), { do: 'void', why: 'vetoed' }],
    ['a veto that is not final might be taken back', state({}, { hash: none }), state(), { do: 'wait', for: 'chain' }],
    [
      'another one under its number ends it',
      state({}, { hash: other }),
      state({}, { hash: other }),
      { do: 'void', why: 'foreign' },
    ],
    [
      'so it does if it was executed',
      state({ lastExecuted: 7 }, { hash: other }),
      state({ lastExecuted: 7 }, { hash: other }),
      { do: 'void', why: 'foreign' },
    ],
    [
      'a later one that was executed ends it',
      state({ lastExecuted: 8, proposed: 8 }),
      state({ lastExecuted: 8, proposed: 8 }),
      { do: 'void', why: 'passed_over' },
    ],
    ['a later one that was only proposed does not', state({ proposed: 8 }), state({ proposed: 8 }), { do: 'execute' }],
    [
      'a new operator ends it',
      state({ operator: '0xCD' }),
      state({ operator: '0xCD' }),
      { do: 'void', why: 'operator_changed' },
    ],
    [
      'a pause holds up the proposal',
      { ...unproposed, pausedUntilS: 2_000 },
      unproposed,
      { do: 'wait', for: 'pause', untilS: 2_000 },
    ],
    ['and the execution', state({ pausedUntilS: 2_000 }), state(), { do: 'wait', for: 'pause', untilS: 2_000 }],
    [
      'a node that is behind is waited for',
      state({ proposed: 5 }, { hash: none }),
      state({ proposed: 5 }, { hash: none }),
      { do: 'wait', for: 'chain' },
    ],
  ])('%s', (_what, latest, final, step) => {
    expect(settlementStep(ours, latest, final)).toEqual(step);
  });
});

test('the last final block is what the node says, or so many blocks ago', () => {
  expect(finalBlock({ latest: 100n, finalized: 64n }, 'finalized')).toBe(64n);
  expect(finalBlock({ latest: 100n }, 'finalized')).toBeUndefined();
  expect(finalBlock({ latest: 100n, finalized: 64n }, 30)).toBe(70n);
  expect(finalBlock({ latest: 3n }, 30)).toBeUndefined();
});
