import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { batchHash } from '../../src/wire/settlement-batch.js';
import { findBatch, readLines, resumeSettlements } from '../../src/db/batches.js';
import { freezeRefused, frozenWallets } from '../../src/db/frozen-wallets.js';
import { knownVault } from '../../src/db/vaults.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { balances, withoutLedgerTriggers } from '../support/money.js';
import { createRandom } from '../support/random.js';
import { createSettling, type Settling } from '../support/settling.js';
import { roles } from '../support/vault.js';
import { until } from '../support/until.js';

let anvil: Anvil;
let site: Settling;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  site = await createSettling(anvil);
});
afterEach(async () => {
  expect(await differingMoney(site.pool, 'everything')).toEqual([]);
  await site.close();
});

const operator = () => anvil.accounts[roles.operator]!;
const guardian = () => anvil.accounts[roles.guardian]!;
const wallet = () => site.customer.address.toLowerCase();
const payee = () => site.provider.address.toLowerCase();
const onChain = async (account = site.customer) => {
  const [balance, spent] = (await site.vault.read('customers', [account.address])) as bigint[];
  return { balance, spent };
};
const credited = async () => ((await site.vault.read('payees', [site.provider.address])) as bigint[])[0];
const owned = async () => (await balances(site.pool))[`vault ${anvil.chainId}/${site.vault.vault}`];
const units = 10n ** 12n;

describe('a settlement', () => {
  test('draws what was charged and credits what was earned, to the unit, and the provider takes it out', async () => {
    await site.deposit(site.customer, 10);
    await site.rent(site.customer, 3_333);
    expect(await site.settle()).toEqual({ number: 1, is: 'final' });
    // 3.333 tokens, of which 0.16665 are the fee.
    expect(await onChain()).toEqual({ balance: 6_667_000n, spent: 3_333_000n });
    expect(await credited()).toBe(3_166_350n);
    expect(await balances(site.pool)).toMatchObject({
      [`customer ${wallet()}`]: 6_667_000n * units,
      [`payable ${payee()}`]: 3_166_350n * units,
      fees: 166_650n * units,
    });
    await site.vault.send(site.provider, 'vault', 'withdrawEarnings', [site.provider.address]);
    await site.vault.send(anvil.accounts[roles.treasury]!, 'vault', 'sweepFees', []);
    await site.mine();
    await site.watch();
    expect(await owned()).toBe(-6_667_000n * units);
    expect(await balances(site.pool)).toEqual({
      [`customer ${wallet()}`]: 6_667_000n * units,
      [`vault ${anvil.chainId}/${site.vault.vault}`]: -6_667_000n * units,
    });
  });

  test('has only the wallets whose totals changed, and none where nothing did', async () => {
    await site.deposit(site.customer, 10);
    expect(await site.settle()).toEqual({ none: 'nothing to settle' });
    await site.rent(site.customer, 1_000);
    await site.settle();
    expect(await site.settle()).toEqual({ none: 'nothing to settle' });
    await site.rent(site.customer, 500);
    expect(await site.settle()).toEqual({ number: 2, is: 'final' });
    const lines = await readLines(site.pool, site.deps.facts, 2);
    expect(lines.draws).toEqual([{ wallet: wallet(), cumulative: 1_500_000n }]);
    const { hash } = (await findBatch(site.pool, site.deps.facts, 2))!;
    const { chainId, vault } = site.deps.facts;
    expect(hash).toBe(batchHash({ chainId, vault, ...lines }));
  });

  test('is the same one for everybody who begins it, and its providers are paid by hand nothing of it', async () => {
    await site.deposit(site.customer, 10);
    await site.rent(site.customer, 2_000);
    const begun = await Promise.all([site.begin(), site.begin(), site.begin()]);
    expect(begun).toEqual([{ number: 1 }, { number: 1 }, { number: 1 }]);
    expect(await balances(site.pool)).toMatchObject({ [`in_batch ${payee()}`]: 1_900_000n * units });
    expect((await balances(site.pool))[`provider ${payee()}`]).toBeUndefined();
    await site.rent(site.customer, 1_000);
    expect(await site.settle()).toEqual({ number: 1, is: 'final' });
    expect(await site.settle()).toEqual({ number: 2, is: 'final' });
    expect(await onChain()).toMatchObject({ spent: 3_000_000n });
  });

  test('says what it waits for, and since when', async () => {
    await site.deposit(site.customer, 10);
    await site.rent(site.customer, 1_000);
    await site.begin();
    const said: string[] = [];
    for (;;) {
      const advanced = await site.advance(1);
      if (advanced.is !== 'under way') break;
      expect(await findBatch(site.pool, site.deps.facts, 1)).toMatchObject({
        waitsFor: advanced.waitsFor,
        waitsSince: expect.any(Date),
      });
      said.push(advanced.waitsFor.replace(/, until.*/, ''));
      await site.wait(advanced);
    }
    expect([...new Set(said)]).toEqual([
      'its proposal to be mined',
      'the delay in which it can be vetoed',
      'its execution to be mined',
    ]);
  });

  test('looks every minute whether the guardian has ended a pause before its time', async () => {
    await site.deposit(site.customer, 10);
    await site.rent(site.customer, 1_000);
    const begun = await site.begin();
    await site.vault.send(guardian(), 'vault', 'pause', []);
    expect(await site.advance((begun as { number: number }).number)).toMatchObject({
      waitsFor: expect.stringContaining('the end of the pause') as unknown,
      againInS: 60,
    });
  });

  test('is proposed and executed again when the chain takes that back', async () => {
    await site.deposit(site.customer, 10);
    await site.rent(site.customer, 1_000);
    await site.begin();
    const rollBack = () => anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
    /** Until it is mined: a node answers before that. */
    const advanced = async () => {
      const said = await site.advance(1);
      await until(async () => (await anvil.client.getTxpoolStatus()).pending === 0, { name: 'all is mined' });
      return said;
    };
    await advanced();
    expect(await site.vault.read('proposed')).toBe(1n);
    await rollBack();
    expect(await site.vault.read('proposed')).toBe(0n);
    // A node that has lost a block may take the same transaction at once, or after another look.
    for (let looks = 0; looks < 10; looks++) {
      const said = await advanced();
      if ((await onChain()).spent! > 0n) break;
      await site.wait(said);
    }
    expect(await onChain()).toMatchObject({ spent: 1_000_000n });
    await rollBack();
    expect(await onChain()).toMatchObject({ spent: 0n });
    expect(await site.settle()).toEqual({ number: 1, is: 'final' });
    expect(await onChain()).toMatchObject({ spent: 1_000_000n });
  });
});

describe('nothing more is settled until an operator resumes', () => {
  const resume = () =>
    resumeSettlements(site.pool, site.deps.facts, {
      ...{ by: guardian().address.toLowerCase(), reason: 'looked into it', requestKey: randomUUID() },
    });

  test('after a veto, and the next settlement has all of it', async () => {
    await site.deposit(site.customer, 10);
    await site.rent(site.customer, 1_000);
    await site.begin();
    await site.advance(1);
    // A node answers before it has mined, and what is not proposed cannot be vetoed.
    await site.mine();
    await site.vault.send(guardian(), 'vault', 'veto', [1n]);
    await site.mine();
    expect(await site.settle()).toEqual({ number: 1, is: 'void', why: 'vetoed' });
    expect(await balances(site.pool)).toMatchObject({ [`provider ${payee()}`]: 950_000n * units });
    expect(await site.settle()).toEqual({ none: 'stopped', why: 'vetoed' });
    await site.rent(site.customer, 1_000);
    expect(await resume()).toMatchObject({ stoppedFor: 'vetoed', isRepeat: false });
    expect(await resume()).toBeUndefined();
    expect(await site.settle()).toEqual({ number: 2, is: 'final' });
    expect(await onChain()).toMatchObject({ spent: 2_000_000n });
    expect(await credited()).toBe(1_900_000n);
  });

  test('when somebody proposes with the operator’s key under the number of ours', async () => {
    await site.deposit(site.customer, 10);
    await site.rent(site.customer, 1_000);
    await site.begin();
    await site.vault.send(operator(), 'vault', 'propose', [1n, `0x${'6'.repeat(64)}`]);
    await site.mine();
    expect(await site.settle()).toEqual({ number: 1, is: 'void', why: 'foreign' });
    expect(await site.settle()).toEqual({ none: 'stopped', why: 'foreign' });
    await resume();
    expect(await site.settle()).toEqual({ number: 2, is: 'final' });
    expect(await onChain()).toMatchObject({ spent: 1_000_000n });
  });

  test('when the vault has proposals that this database does not know: they were not ours, or it is an old backup', async () => {
    await site.deposit(site.customer, 10);
    await site.rent(site.customer, 1_000);
    for (const number of [1n, 2n])
      await site.vault.send(operator(), 'vault', 'propose', [number, `0x${'6'.repeat(64)}`]);
    await site.mine();
    expect(await site.settle()).toEqual({ none: 'stopped', why: 'foreign_proposal' });
    await resume();
    expect(await site.settle()).toEqual({ number: 3, is: 'final' });
  });
});

test('a customer who left the vault with what he owes holds up nobody else', async () => {
  const other = anvil.accounts[roles.admin]!;
  await site.deposit(site.customer, 10);
  await site.deposit(other, 10);
  await site.vault.send(site.customer, 'vault', 'requestExit', []);
  await site.rent(other, 2_000);
  await site.rent(site.customer, 3_000);
  await site.begin();
  await site.advance(1);
  await anvil.client.increaseTime({ seconds: 604_801 });
  await site.vault.send(site.customer, 'vault', 'exit', [site.customer.address]);
  await site.mine();
  expect(await site.settle()).toMatchObject({
    is: 'void',
    why: expect.stringContaining(`refused: InsufficientBalance(${site.customer.address})`),
  });
  // By now his exit is booked, too; he stays out of settlements all the same.
  await site.watch();
  const frozen = { wallet: wallet(), reason: 'refused', owed: 3_000_000n * units };
  expect(await frozenWallets(site.pool, 10)).toEqual([expect.objectContaining(frozen)]);
  await expect(site.rent(site.customer, 1)).rejects.toMatchObject({ code: 'insufficient_funds' });
  expect(await site.settle()).toEqual({ number: 2, is: 'final' });
  expect(await onChain(other)).toEqual({ balance: 8_000_000n, spent: 2_000_000n });
  // What he owes stands in the ledger, and what the provider earned of it waits for him.
  expect(await balances(site.pool)).toMatchObject({
    [`customer ${wallet()}`]: -3_000_000n * units,
    [`payable ${payee()}`]: 2_000_000n * units,
    [`provider ${payee()}`]: 2_750_000n * units,
  });
});

test('a settlement of what the treasury took out meanwhile is void, and two of them stop all until an operator resumes', async () => {
  await site.deposit(site.customer, 10);
  await site.rent(site.customer, 1_000);
  await site.settle();
  await site.rent(site.customer, 1_000);
  // He owes, so the provider gets what is left of fees.
  await freezeRefused(site.pool, site.deps.facts, wallet(), 'CapExceeded');
  await site.begin();
  await site.advance(2);
  await site.vault.send(anvil.accounts[roles.treasury]!, 'vault', 'sweepFees', []);
  expect(await site.settle()).toEqual({ number: 2, is: 'void', why: 'refused: Unbalanced()' });
  // As books that are wrong: what was swept is not known.
  const sweepIs = (amount: string) =>
    withoutLedgerTriggers(site.pool, (tx) =>
      tx.query(
        `update chain_events set args = jsonb_set(args, '{amount}', to_jsonb($1::text)) where name = 'FeesSwept'`,
        [amount],
      ),
    );
  await site.watch();
  await sweepIs('0');
  expect(await site.settle()).toEqual({ number: 3, is: 'void', why: 'unbalanced' });
  expect(await site.settle()).toEqual({ none: 'stopped', why: 'unbalanced' });
  await sweepIs('50000');
});

test('a wallet whose line the vault refuses is left out until that is put right, and then pays', async () => {
  await site.deposit(site.customer, 10);
  await site.rent(site.customer, 2_000);
  await site.rent(site.customer, 1_000);
  const of = [site.pool, site.deps.facts, wallet()] as const;
  await freezeRefused(...of, 'CapExceeded');
  expect(await site.settle()).toEqual({ none: 'nothing to settle' });
  await expect(site.rent(site.customer, 1)).rejects.toMatchObject({ code: 'insufficient_funds' });
  await site.deposit(site.customer, 1);
  expect(await frozenWallets(site.pool, 10)).toEqual([]);
  expect(await site.settle()).toEqual({ number: 1, is: 'final' });
  expect(await onChain()).toEqual({ balance: 8_000_000n, spent: 3_000_000n });
});

test('a settlement is cut once all final blocks are read, and not before', async () => {
  await site.deposit(site.customer, 10);
  await site.rent(site.customer, 1_000);
  await anvil.client.mine({ blocks: 100 });
  // So one look does not read all of them.
  const tooMany = { error: { code: -32005, message: 'query returned more than 10000 results' } };
  site.proxy.faults(({ method, params }) => {
    const { fromBlock, toBlock } = (params[0] ?? {}) as { fromBlock?: string; toBlock?: string };
    return method === 'eth_getLogs' && fromBlock !== toBlock ? tooMany : 'pass';
  });
  const begun = { none: 'no final block', why: 'events that are still to be read', againInS: 1 };
  expect(await site.begin()).toEqual(begun);
  site.proxy.faults(() => 'pass');
  expect(await site.settle()).toEqual({ number: 1, is: 'final' });
});

test('it is known up to when everything is settled: what a settlement was cut of, once it is executed', async () => {
  const settledUntil = async () => (await knownVault(site.pool, site.deps.facts))!.settledUntil.getTime();
  await site.deposit(site.customer, 10);
  const began = await settledUntil();
  await site.rent(site.customer, 1_000);
  await site.begin();
  expect(await settledUntil()).toBe(began);
  const { cutAt } = (await findBatch(site.pool, site.deps.facts, 1))!;
  await site.settle();
  expect(await settledUntil()).toBe(cutAt.getTime());
  // There is nothing more, which is as good as settled.
  await site.settle();
  expect(await settledUntil()).toBeGreaterThan(cutAt.getTime());
});

test.each([1, 2])(
  'however often everything dies and nodes fail (seed %i), all accounts add up to the unit',
  async (seed) => {
    const random = createRandom(seed);
    const other = anvil.accounts[roles.admin]!;
    await site.deposit(site.customer, 50);
    await site.deposit(other, 50);
    let charged = 0n;
    const faults = ['lose answer', 'swallow', 'twice', 'no connection', 'nonsense'] as const;
    for (let day = 0; day < 4; day++) {
      for (let job = 0; job < 3; job++) {
        const ms = random.whole(1, 2_000);
        charged += BigInt(ms) * 1_000n;
        await site.rent(random.pick([site.customer, other]), ms);
      }
      site.proxy.faults(({ method }) => {
        if (random.next() > 0.05) return 'pass';
        return method === 'eth_sendRawTransaction'
          ? random.pick(faults)
          : random.pick(['no connection', 'nonsense'] as const);
      });
      for (let isOver = false; !isOver;) {
        try {
          isOver = ['final', 'void'].includes(((await site.settle()) as { is?: string }).is ?? 'final');
        } catch (error) {
          // As a crash on that line.
          expect(error).toMatchObject({ code: 'dependency_unavailable' });
          await site.mine();
        }
      }
      site.proxy.faults(() => 'pass');
    }
    const [first, second] = [await onChain(), await onChain(other)];
    expect(first.spent! + second.spent!).toBe(charged);
    const all = await balances(site.pool);
    const ledger = Object.entries(all).filter(([name]) => name.startsWith('customer'));
    expect(ledger.reduce((sum, [, amount]) => sum + amount, 0n)).toBe((first.balance! + second.balance!) * units);
    expect(all[`payable ${payee()}`]).toBe((await credited())! * units);
    expect(await owned()).toBe(-100_000_000n * units);
  },
);
