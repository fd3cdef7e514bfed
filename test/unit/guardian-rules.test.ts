import { describe, expect, test } from '@jest/globals';
import type { Address, Hex } from 'viem';
import { addReceipts, nothingSeen, type GoodReceipt, type SeenReceipts } from '../../src/domain/receipt-totals.js';
import {
  judgeSettlement,
  type ProposedSettlement,
  type Unreceipted,
  type VaultTotals,
} from '../../src/domain/settlement-verdict.js';
import { noPayee, noReceipt, receiptDigest, type JobReceipt } from '../../src/wire/job-receipt.js';
import { batchHash } from '../../src/wire/settlement-batch.js';
import { receiptVector } from '../support/receipt-vector.js';

const [ann, bob] = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`] as [Address, Address];
const [eve, may] = [`0x${'e3'.repeat(20)}`, `0x${'f4'.repeat(20)}`] as [Address, Address];
const now = receiptVector.receipt.issuedAtMs;

/** Receipts of one customer, each following the one before. */
function chain(customer: Address, ...jobs: Partial<JobReceipt>[]): GoodReceipt[] {
  let [number, previous]: [number, Hex] = [0, noReceipt];
  return jobs.map((job, at) => {
    const receipt: JobReceipt = {
      ...receiptVector.receipt,
      ...{
        customer,
        number: ++number,
        previous,
        jobId: `${customer}-${at}`,
        payee: eve,
        charged: 100n,
        fee: 5n,
        earned: 95n,
      },
      ...job,
    };
    const digest = receiptDigest(receipt, 1);
    previous = digest;
    return { digest, receipt };
  });
}

describe('receipts add up', () => {
  test('by customer and by payee, over several readings that overlap', () => {
    const all = chain(ann, {}, { charged: 50n, fee: 2n, earned: 48n }, { payee: bob });
    const first = addReceipts(nothingSeen, all.slice(0, 2), now);
    expect(first.problems).toEqual([]);
    const second = addReceipts(first.seen, all.slice(1), now);
    expect(second.problems).toEqual([]);
    expect(second.customers.get(ann)).toEqual({ low: 250n, high: 250n });
    expect(Object.fromEntries(second.payees)).toEqual({
      [eve]: { low: 143n, high: 143n },
      [bob]: { low: 95n, high: 95n },
    });
    expect(second.seen.customers[ann]).toEqual({ number: 3, digest: all[2]!.digest, charged: 250n });
  });

  test('with bounds where nobody knows whether they were in the cut', () => {
    const { customers, payees, seen } = addReceipts(nothingSeen, chain(ann, {}, { issuedAtMs: now + 1 }), now);
    expect(customers.get(ann)).toEqual({ low: 100n, high: 200n });
    expect(payees.get(eve)).toEqual({ low: 95n, high: 190n });
    expect(seen.payees[eve]).toBe(190n);
  });

  test('less what a refund gives back, from whom the first receipt names', () => {
    const job = 'refunded';
    const [first, refund] = chain(
      ann,
      { jobId: job },
      { jobId: job, revision: 1, payee: bob, charged: 40n, fee: 2n, earned: 38n },
    );
    const once = addReceipts(nothingSeen, [first!], now);
    // The earlier receipt comes again, so that the difference is known.
    const both = addReceipts(once.seen, [first!, refund!], now);
    expect(both.problems).toEqual([]);
    expect(both.customers.get(ann)).toEqual({ low: 40n, high: 40n });
    expect(both.payees.get(eve)).toEqual({ low: 38n, high: 38n });
    expect(both.payees.has(bob)).toBe(false);
    expect(addReceipts(once.seen, [refund!], now).problems).toEqual([
      expect.stringContaining('what it corrects is missing'),
    ]);
  });

  test('not, where one is missing, replaced, used twice, or old', () => {
    const [first, second] = chain(ann, {}, {});
    const seen = addReceipts(nothingSeen, [first!], now).seen;
    const problemsOf = (before: SeenReceipts, ...receipts: GoodReceipt[]) =>
      addReceipts(before, receipts, now).problems;
    expect(problemsOf(nothingSeen, second!)).toEqual([expect.stringContaining('are missing')]);
    const other = chain(ann, { outcome: 'failed' })[0]!;
    expect(problemsOf(seen, other)).toEqual([expect.stringContaining('history was rewritten')]);
    const after = chain(ann, { outcome: 'failed' }, {})[1]!;
    expect(problemsOf(seen, after)).toEqual([expect.stringContaining('history was rewritten')]);
    const again = chain(ann, {}, { jobId: first!.receipt.jobId })[1]!;
    expect(problemsOf(seen, again)).toEqual([expect.stringContaining('has a receipt already')]);
    const long = chain(ann, {}, { issuedAtMs: now + 40 * 86_400_000 })[1]!;
    expect(problemsOf(seen, long)).toEqual([expect.stringContaining('too long ago')]);
    const foreign = chain(bob, { jobId: first!.receipt.jobId })[0]!;
    expect(problemsOf(seen, foreign)).toEqual([expect.stringContaining('has a receipt already')]);
  });
});

const nothing: Unreceipted = {
  claims: [],
  paidOut: new Map(),
  paidIn: new Map(),
};
const rich = { balance: 10_000n, spent: 0n, cap: 10_000n };
const emptyVault: VaultTotals = {
  customers: new Map([
    [ann, rich],
    [bob, rich],
  ]),
  payees: new Map(),
  fees: 0n,
  changing: new Set(),
};

function proposal(draws: [Address, bigint][], credits: [Address, bigint][]): ProposedSettlement {
  const lines = (from: [Address, bigint][]) =>
    from.map(([wallet, cumulative]) => ({ wallet, cumulative })).sort((a, b) => (a.wallet < b.wallet ? -1 : 1));
  const vault: Address = `0x${'ee'.repeat(20)}`;
  const content = {
    ...{ chainId: 1, vault },
    draws: lines(draws),
    credits: lines(credits),
  };
  return { ...content, number: 1, hash: batchHash(content) };
}

function judged(
  proposed: ProposedSettlement,
  {
    receipts = [...chain(ann, {}), ...chain(bob, { payee: may })],
    others = {},
    vault = {},
    scale = 1n,
  }: { receipts?: GoodReceipt[]; others?: Partial<Unreceipted>; vault?: Partial<VaultTotals>; scale?: bigint } = {},
) {
  const totals = addReceipts(nothingSeen, receipts, now);
  const { objections, notes } = judgeSettlement(
    proposed,
    totals,
    { ...nothing, ...others },
    { ...emptyVault, ...vault },
    scale,
  );
  return { lines: objections.map(({ line, found }) => `${line}: ${found}`), notes };
}

const both: [Address, bigint][] = [
  [ann, 100n],
  [bob, 100n],
];

describe('a settlement', () => {
  test('is explained by its receipts to the unit', () => {
    expect(
      judged(
        proposal(both, [
          [eve, 95n],
          [may, 95n],
        ]),
      ),
    ).toEqual({ lines: [], notes: [] });
  });

  test('rounds draws up and credits down', () => {
    const receipts = chain(ann, { charged: 101n, fee: 2n, earned: 99n });
    expect(judged(proposal([[ann, 11n]], [[eve, 9n]]), { receipts, scale: 10n }).lines).toEqual([]);
    expect(judged(proposal([[ann, 12n]], [[eve, 9n]]), { receipts, scale: 10n }).lines).toEqual([`draw ${ann}: 12`]);
    expect(judged(proposal([[ann, 11n]], [[eve, 10n]]), { receipts, scale: 10n }).lines).toEqual([`credit ${eve}: 10`]);
  });

  test('may draw no more than was charged, but for what was drawn before a refund', () => {
    const credits: [Address, bigint][] = [
      [eve, 95n],
      [may, 95n],
    ];
    expect(
      judged(
        proposal(
          [
            [ann, 101n],
            [bob, 100n],
          ],
          credits,
        ),
      ).lines,
    ).toEqual([`draw ${ann}: 101`]);
    const customers = new Map([
      [ann, { ...rich, spent: 120n }],
      [bob, rich],
    ]);
    expect(
      judged(
        proposal(
          [
            [ann, 120n],
            [bob, 100n],
          ],
          credits,
        ),
        { vault: { customers, fees: 90n } },
      ).lines,
    ).toEqual([]);
  });

  test('credits nobody without receipts, and nobody too little while there is money for him', () => {
    expect(
      judged(
        proposal(both, [
          [eve, 95n],
          [`0x${'bd'.repeat(20)}`, 95n],
        ]),
      ).lines,
    ).toEqual([`credit 0x${'bd'.repeat(20)}: 95`, `credit ${may}: none`]);
    expect(
      judged(
        proposal(both, [
          [eve, 94n],
          [may, 95n],
        ]),
      ).lines,
    ).toEqual([`credit ${eve}: 94`]);
  });

  test('may leave payees waiting when the vault has no more, and says which customers were spared', () => {
    const customers = new Map([
      [ann, { balance: 60n, spent: 0n, cap: 1_000n }],
      [bob, rich],
    ]);
    const poor = judged(
      proposal(
        [
          [ann, 60n],
          [bob, 100n],
        ],
        [
          [eve, 65n],
          [may, 95n],
        ],
      ),
      { vault: { customers } },
    );
    expect(poor).toEqual({ lines: [], notes: ['customers owe: 1 payees wait for what the vault does not have'] });
    const spared = judged(
      proposal(
        [[bob, 100n]],
        [
          [eve, 5n],
          [may, 95n],
        ],
      ),
    );
    expect(spared.lines).toEqual([]);
    expect(spared.notes[1]).toContain(`draw ${ann}: 100 units could be drawn`);
  });

  test('may credit more than is drawn and left over, because the vault refuses that, and it is named', () => {
    expect(
      judged(
        proposal(
          [
            [ann, 90n],
            [bob, 90n],
          ],
          [
            [eve, 95n],
            [may, 95n],
          ],
        ),
      ),
    ).toEqual({
      lines: [],
      notes: ['the sum: 10 units more are credited than are there, and the vault will refuse it'],
    });
    expect(
      judged(
        proposal(
          [
            [ann, 90n],
            [bob, 90n],
          ],
          [
            [eve, 95n],
            [may, 95n],
          ],
        ),
        { vault: { fees: 10n } },
      ),
    ).toEqual({ lines: [], notes: [] });
  });

  test('has each wallet once, and the hash of the chain', () => {
    const twice = proposal(
      [
        [ann, 100n],
        [ann, 100n],
      ],
      [],
    );
    expect(judged(twice).lines).toEqual([`draw ${ann}: it follows ${ann}`]);
    const other = {
      ...proposal(both, [
        [eve, 95n],
        [may, 95n],
      ]),
      hash: `0x${'1'.repeat(64)}`,
    };
    expect(judged(other).lines).toEqual([`the hash: 0x${'1'.repeat(64)} on the chain`]);
  });

  test('pays what waited for a wallet to the one that proved it', () => {
    const receipts = chain(ann, { payee: noPayee, providerId: 'node-1' });
    const paid = proposal([[ann, 100n]], [[eve, 95n]]);
    expect(judged(paid, { receipts }).lines).toEqual([`credit ${eve}: 95`]);
    const claims = [{ providerId: 'node-1', wallet: eve, amount: 95n }];
    expect(judged(paid, { receipts, others: { claims } }).lines).toEqual([]);
    expect(judged(proposal([[ann, 100n]], []), { receipts, others: { claims } }).lines).toEqual([
      `credit ${eve}: none`,
    ]);
  });

  test('pays nobody again what he got by hand, once that is approved', () => {
    const paidOut = new Map([[may, 95n]]);
    expect(judged(proposal(both, [[eve, 95n]])).lines).toEqual([`credit ${may}: none`]);
    expect(judged(proposal(both, [[eve, 95n]]), { others: { paidOut } }).lines).toEqual([]);
  });
});
