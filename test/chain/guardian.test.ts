import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeErrorResult, zeroHash, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { resumeSettlements } from '../../src/db/batches.js';
import { listReceipts } from '../../src/db/receipt-reads.js';
import { approvalsFile } from '../../src/guardian/approvals.js';
import { approve, callVault } from '../../src/guardian/commands.js';
import type { GuardianCall } from '../../src/guardian/sender.js';
import { receiptAsTypedData, receiptDigest, type JobReceipt } from '../../src/wire/job-receipt.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { createGuardedSite, type GuardedSite } from '../support/guarded-site.js';
import { receiptVector } from '../support/receipt-vector.js';
import { receiptKey } from '../support/receipts.js';
import type { AskedOfChain } from '../support/rpc-proxy.js';
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

/** Has the broker show receipts that are not, or not only, its own. */
function lieAboutReceipts(change: (rows: ShownReceipt[]) => void | Promise<void>): void {
  const lie = (json: unknown) => {
    const page = json as { receipts: ShownReceipt[] };
    void change(page.receipts);
    return page;
  };
  guarded.broker.lies.set('/api/v1/admin/receipts', lie);
}

interface ShownReceipt {
  typed_data: { message: Record<string, unknown> };
  digest: string;
  signatures: { signer: string; signature: string }[];
}

/** A receipt beside those of the broker, with its figures right, signed by this key. */
async function anotherReceipt(changes: Partial<JobReceipt>, key: Hex): Promise<ShownReceipt> {
  const digest = receiptDigest({ ...receiptVector.receipt, ...changes }, 103);
  const account = privateKeyToAccount(key);
  return {
    typed_data: receiptAsTypedData(
      { ...receiptVector.receipt, ...changes },
      103,
    ) as unknown as ShownReceipt['typed_data'],
    digest,
    signatures: [{ signer: account.address.toLowerCase(), signature: await account.sign({ hash: digest }) }],
  };
}

/** The one receipt of the customer, and its digest. */
async function ownReceipt(): Promise<{ receipt: JobReceipt; digest: Hex }> {
  const { receipts } = await listReceipts(guarded.site.pool, customer(), { limit: 10 });
  return receipts[0]!;
}

describe('a broker that was taken over is not believed', () => {
  const overdrawn = () =>
    guarded.proposeInstead(({ draws }) => void (draws[0] = { ...draws[0]!, cumulative: 9_000_000n }));

  test('with a forged receipt, signed by a key that nobody approved', async () => {
    await rented();
    const { receipt, digest } = await ownReceipt();
    const forged = await anotherReceipt(
      { ...receipt, jobId: 'another', number: 2, previous: digest },
      `0x${'ba'.repeat(32)}`,
    );
    const number = await overdrawn();
    lieAboutReceipts((rows) => void rows.push(forged));
    const { memory } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain('none of the keys that are approved has signed it');
  });

  test('with figures in a receipt that nobody signed', async () => {
    await rented();
    const number = await overdrawn();
    lieAboutReceipts((rows) => void (rows[0]!.typed_data.message['payee'] = stranger));
    const { memory } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain('none of the keys that are approved has signed it');
  });

  test('with the key of receipts, when it charges for one job twice', async () => {
    await rented();
    const { receipt, digest } = await ownReceipt();
    const again = await anotherReceipt({ ...receipt, number: 2, previous: digest }, receiptKey);
    const number = await overdrawn();
    lieAboutReceipts((rows) => void rows.push(again));
    const { memory } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(
      `receipt 2 of ${customer()} charges for job ${receipt.jobId}, which has a receipt already`,
    );
  });

  test('with the key of receipts, when it leaves one out', async () => {
    await rented();
    await guarded.site.rent(guarded.site.customer, 1_000);
    await guarded.sign();
    const number = await overdrawn();
    lieAboutReceipts((rows) => void rows.shift());
    const { memory } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(
      `receipt 2 of ${customer()} comes after receipt 0: those in between are missing`,
    );
  });

  test('when it rewrites what was approved, or uses it for a second settlement', async () => {
    await rented();
    await guarded.site.begin();
    await guarded.site.advance(1);
    await guarded.site.mine();
    await guarded.site.advance(1);
    expect((await looks(1)).memory.now.approved).toMatchObject({ number: 1 });
    await guarded.site.settle();
    await guarded.site.rent(guarded.site.customer, 100);
    await guarded.sign();
    // The receipts of the first once more: 3.333 + 0.1 were charged, and 6.766 are drawn.
    const number = await guarded.proposeInstead(({ draws, credits }) => {
      draws[0] = { ...draws[0]!, cumulative: 6_766_000n };
      credits[0] = { ...credits[0]!, cumulative: 6_427_700n };
    });
    const { memory } = await looks();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(reasonsOf(memory)).toContain(`draw ${customer()}: expected at most 3433000 units`);
    const { receipt } = await ownReceipt();
    const [first] = (await listReceipts(guarded.site.pool, customer(), { limit: 10 })).receipts.slice(-1);
    const rewritten = await anotherReceipt({ ...first!.receipt, outcome: 'succeeded' }, receiptKey);
    lieAboutReceipts((rows) => void rows.splice(0, rows.length, rewritten));
    await guarded.site.settle();
    await resumeSettlements(guarded.site.pool, guarded.site.deps.facts, {
      ...{ by: stranger, reason: 'a rehearsal', requestKey: 'resume-1' },
    });
    const next = await guarded.proposeInstead(() => undefined);
    const { memory: later } = await looks();
    expect(receipt.number).toBe(2);
    expect(await guarded.hashOnVault(next)).toBe(zeroHash);
    expect(reasonsOf(later)).toContain(
      `receipt 1 of ${customer()} is another one than was seen before: history was rewritten`,
    );
  });

  test.each(['hang', 'away', 'redirect', 'endless'] as const)(
    'when its answers %s until the time for an explanation is over',
    async (lie) => {
      await rented();
      const number = await guarded.proposeInstead(() => undefined);
      for (const path of ['/api/v1/admin/receipts', '/api/v1/settlements/1']) guarded.broker.lies.set(path, lie);
      await anvil.client.increaseTime({ seconds: 3_598 });
      await guarded.site.mine();
      const { memory } = await looks(1);
      await guarded.site.mine();
      expect(await guarded.hashOnVault(number)).toBe(zeroHash);
      expect(reasonsOf(memory)).toContain('not explained in time');
    },
  );

  test('when receipts stay unsigned', async () => {
    await guarded.site.deposit(guarded.site.customer, 10);
    await guarded.site.rent(guarded.site.customer, 3_333);
    const number = await guarded.proposeInstead(() => undefined);
    expect((await looks()).memory.now.decisions).toEqual([]);
    await guarded.sign();
    const { memory } = await looks(1);
    expect(memory.now.decisions).toMatchObject([{ number, verdict: 'approved' }]);
  });

  test('whose new key for receipts was not approved, until it is', async () => {
    await rented();
    const number = await guarded.proposeInstead(() => undefined);
    const file = approvalsFile(guarded.settings);
    const { keys } = file.read()!;
    file.write({ version: 1, keys: [{ address: stranger }], payouts: [] });
    expect((await looks(1)).memory.now.decisions).toEqual([]);
    approve(guarded.settings, ['key', keys[0]!.address], () => undefined);
    expect((await looks(1)).memory.now.decisions).toMatchObject([{ number, verdict: 'approved' }]);
  });
});

test('a settlement whose examination fails in a way that nobody foresaw is vetoed when its time comes', async () => {
  await rented();
  const number = await guarded.proposeInstead(() => undefined);
  const { guard, broker, memory, status } = await guarded.guard();
  writeFileSync(join(guarded.settings.dataDir, 'approved.json'), 'torn');
  await expect(guard.look()).rejects.toThrow();
  await anvil.client.increaseTime({ seconds: 3_100 });
  await guarded.site.mine();
  await guard.look();
  await guarded.site.mine();
  await broker.end();
  expect(await guarded.hashOnVault(number)).toBe(zeroHash);
  expect(reasonsOf(memory)).toContain('not explained in time');
  expect(await status.registry.metrics()).toContain('guardian_alarms_total{kind="failure"} 1');
});

describe('nodes of the chain', () => {
  test('that disagree approve nothing, and what they show is vetoed when its time comes', async () => {
    await rented();
    const number = await guarded.proposeInstead(() => undefined);
    guarded.nodes[1].faults(({ method, params }) => {
      const data = (params[0] as { data?: string } | undefined)?.data ?? '';
      // `batches(1)`, with another hash.
      return method === 'eth_call' && data.startsWith('0x8232e389')
        ? { change: (result) => `0x${'7'.repeat(64)}${String(result).slice(66)}` }
        : 'pass';
    });
    const { memory, status } = await looks();
    expect(memory.now.decisions).toEqual([]);
    expect(status.readiness()['chain']).toMatchObject({ ok: false, detail: expect.stringContaining('disagree') });
    await anvil.client.increaseTime({ seconds: 3_100 });
    await guarded.site.mine();
    await looks(1);
    await guarded.site.mine();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
  });

  test('of which one repeats an old last block hide nothing: it is an alarm, and what is due is vetoed', async () => {
    await rented();
    const old = `0x${(await anvil.client.getBlockNumber()).toString(16)}`;
    const number = await guarded.proposeInstead(() => undefined);
    await anvil.client.mine({ blocks: 250 });
    // As a node does that really is there: the settlement is unknown to it.
    const data = encodeErrorResult({ abi: rentalVaultAbi, errorName: 'UnknownBatch' });
    guarded.nodes[0].faults(({ method }) => {
      if (method === 'eth_blockNumber') return { result: old };
      return method === 'eth_estimateGas' ? { error: { code: 3, message: 'execution reverted', data } } : 'pass';
    });
    const { memory, status } = await looks(1);
    expect(memory.now.decisions).toEqual([]);
    expect(status.readiness()['chain']).toMatchObject({ ok: false, detail: expect.stringContaining('the last block') });
    expect(await status.registry.metrics()).toContain('guardian_alarms_total{kind="disagreement"} 1');
    await anvil.client.increaseTime({ seconds: 3_100 });
    await guarded.site.mine();
    await looks(1);
    await guarded.site.mine();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
  });

  test('of which one is a little behind are not believed when that is ten minutes, and one is late is enough', async () => {
    await rented();
    const number = await guarded.proposeInstead(() => undefined);
    await anvil.client.mine({ blocks: 5 });
    const behind = `0x${((await anvil.client.getBlockNumber()) - 1n).toString(16)}`;
    const timestamp = `0x${(Math.floor(Date.now() / 1_000) - 700).toString(16)}`;
    const lie = (isBehind: boolean, isNeverDue: boolean) => (asked: AskedOfChain) => {
      const data = (asked.params[0] as { data?: string } | undefined)?.data ?? '';
      if (isBehind && asked.method === 'eth_blockNumber') return { result: behind };
      if (asked.method === 'eth_getBlockByNumber' && asked.params[0] === behind)
        return { change: (block: unknown) => ({ ...(block as object), timestamp }) };
      // `batches(1)`, executable in a hundred years.
      return isNeverDue && asked.method === 'eth_call' && data.startsWith('0x8232e389')
        ? {
            change: (words: unknown) =>
              String(words).slice(0, 66) + 'ffffffff'.padStart(64, '0') + String(words).slice(130),
          }
        : ('pass' as const);
    };
    guarded.nodes[0].faults(lie(false, false));
    guarded.nodes[1].faults(lie(true, false));
    const { memory, status } = await looks(1);
    expect(memory.now.decisions).toEqual([]);
    expect(status.readiness()['chain']).toMatchObject({ ok: false, detail: expect.stringContaining('the last block') });
    guarded.nodes[1].faults(lie(true, true));
    await anvil.client.increaseTime({ seconds: 3_100 });
    await guarded.site.mine();
    await looks(1);
    await guarded.site.mine();
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
  });

  test('that swallow, lose or repeat a veto hold it up no longer than until the next look', async () => {
    await rented();
    const number = await guarded.proposeInstead(({ credits }) => void credits.pop());
    for (const fault of ['swallow', 'lose answer', 'twice'] as const) {
      for (const node of guarded.nodes)
        node.faults(({ method }) => (method === 'eth_sendRawTransaction' ? fault : 'pass'));
      await looks(2);
    }
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    expect(await anvil.client.getTransactionCount({ address: guarded.settings.address })).toBeGreaterThan(0);
  });

  test('that take a veto back in a reorganisation get it again', async () => {
    await rented();
    const number = await guarded.proposeInstead(({ credits }) => void credits.pop());
    await looks(2);
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
    await anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
    expect(await guarded.hashOnVault(number)).not.toBe(zeroHash);
    await looks(1);
    expect(await guarded.hashOnVault(number)).toBe(zeroHash);
  });
});

test('a settlement that was executed without its approval is an alarm', async () => {
  await rented();
  const first = await guarded.guard();
  await first.guard.look();
  await guarded.site.settle();
  const { memory, status } = await looks(1);
  await first.broker.end();
  expect(memory.now.unchecked).toEqual([1]);
  expect(await status.registry.metrics()).toContain('guardian_alarms_total{kind="unchecked"} 1');
});

test('by hand, it pauses the vault, ends the pause, and vetoes', async () => {
  const said: string[] = [];
  const call = (what: GuardianCall) =>
    callVault(guarded.settings, { call: what, reason: 'rehearsal', pollMs: 10 }, (line) => void said.push(line));
  await call({ name: 'pause' });
  await call({ name: 'unpause' });
  await rented();
  await guarded.proposeInstead(() => undefined);
  await call({ name: 'veto', number: 1 });
  expect(said).toEqual([
    '✓ pause: the vault has it.',
    '✓ unpause: the vault has it.',
    '✓ veto of settlement 1: the vault has it.',
  ]);
  await expect(call({ name: 'veto', number: 1 })).rejects.toThrow('Settlement 1 cannot be vetoed');
});
