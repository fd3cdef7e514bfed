import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recordPayment } from '../../src/billing/by-hand.js';
import { withTransaction } from '../../src/db/pool.js';
import type { Session } from '../../src/client/session.js';
import { newWallet } from '../support/api.js';
import { putBilledJob } from '../support/billed-jobs.js';
import { putProvider, putSession, recordOwner } from '../support/fleet.js';
import { withoutLedgerTriggers } from '../support/money.js';
import { bodyOf } from '../support/placing.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

let replicas: Replicas;
let operator: Session;
const admin = newWallet();
beforeAll(async () => {
  replicas = await startReplicas({ env: { ADMIN_WALLETS: admin.address } });
  operator = await replicas.api.login({ account: admin, scopes: ['admin'] });
});
afterAll(() => replicas.stop());

const pool = () => replicas.database.pool;
const rate = 10n ** 18n;
const hourMs = 3_600_000;

async function customer() {
  const account = newWallet();
  const session = await replicas.api.login({ account, scopes: ['jobs:read'] });
  const wallet = account.address.toLowerCase();
  const sessionId = await putSession(pool(), wallet);
  /** A job that ran for so many hours. */
  const ran = async (hours: number, providerId = 'atlas') => {
    const endedAt = new Date();
    const startedAt = new Date(endedAt.getTime() - hours * hourMs);
    return await putBilledJob(pool(), { wallet, sessionId, providerId, startedAt, endedAt, rate });
  };
  const get = async (target: string) => bodyOf(await session.request('GET', `/api/v1/billing/${target}`));
  const pay = (amount: bigint) =>
    withTransaction(pool(), (tx) =>
      recordPayment(tx, { wallet, amount, reference: 'invoice 1', by: '0x', requestKey: randomUUID() }),
    );
  return { session, wallet, sessionId, ran, get, pay };
}
type Customer = Awaited<ReturnType<typeof customer>>;

const post = (target: string, body: object, key = randomUUID() as string) =>
  operator.request('POST', `/api/v1/admin/${target}`, body, { 'idempotency-key': key });
const revenue = async (query = '') => bodyOf(await operator.request('GET', `/api/v1/admin/revenue${query}`));
const tokens = (count: number) => String(rate * BigInt(count));
/** Moves all of a wallet's bookings into the past. */
const backdate = (who: Customer, days: number) =>
  withoutLedgerTriggers(pool(), async (tx) => {
    const mine = `(select entry_id from ledger_lines join ledger_accounts a on a.id = account_id where a.owner = '${who.wallet}')`;
    await tx.query(`update ledger_lines set at = at - interval '${days} days' where entry_id in ${mine}`);
    await tx.query(`update ledger_entries set at = at - interval '${days} days' where id in ${mine}`);
  });

describe('a customer’s own money', () => {
  test('a wallet without any booking has nothing, owes nothing and gets an empty statement', async () => {
    const { get } = await customer();
    const nothing = { available: '0', reserved: '0', owed: '0', updated_at: null };
    expect(await get('balance')).toMatchObject({ mode: 'credit', ...nothing });
    expect(await get('entries')).toEqual({ entries: [], count: 0 });
    expect(await get('statements/2026-11')).toMatchObject({ opening: '0', closing: '0', jobs: 0, entries: 0 });
  });

  test('what jobs cost is owed, what is paid settles it, and the rest is there for more', async () => {
    const { ran, get, pay } = await customer();
    await ran(2);
    expect(await get('balance')).toMatchObject({ available: '0', owed: tokens(2), owed_tokens: '2' });
    await pay(5n * rate);
    expect(await get('balance')).toMatchObject({ available: tokens(3), owed: '0', reserved: '0' });
  });

  test('entries are newest first, page by page, each with what there was after it', async () => {
    const { ran, get, pay, wallet } = await customer();
    await ran(2);
    await pay(5n * rate);
    await ran(1);
    const all = (await get('entries')).entries;
    expect(all.map(({ kind, amount, balance_after: after }: Record<string, string>) => [kind, amount, after])).toEqual([
      ['settle', `-${tokens(1)}`, tokens(2)],
      ['reserve', '0', tokens(3)],
      ['deposit', tokens(5), tokens(3)],
      ['settle', `-${tokens(2)}`, `-${tokens(2)}`],
      ['reserve', '0', '0'],
    ]);
    const paged = [];
    let cursor = '';
    do {
      const page = await get(`entries?limit=2${cursor}`);
      paged.push(...page.entries);
      cursor = page.next_cursor === undefined ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(paged).toEqual(all);
    expect(JSON.stringify(all)).not.toContain(wallet);
  });

  test('the statements of two months meet, and each adds up to its closing', async () => {
    const who = await customer();
    await who.ran(3);
    await who.pay(rate);
    await backdate(who, 40);
    await who.ran(1);
    const month = (at: Date) => at.toISOString().slice(0, 7);
    const then = await who.get(`statements/${month(new Date(Date.now() - 40 * 24 * hourMs))}`);
    const now = await who.get(`statements/${month(new Date())}`);
    expect(then).toMatchObject({ opening: '0', paid: tokens(1), charged: tokens(3), is_final: true, jobs: 1 });
    expect(now).toMatchObject({ charged: tokens(1), jobs: 1, is_final: false });
    for (const { opening, paid, charged, refunded, adjusted, closing } of [then, now]) {
      expect(BigInt(opening) + BigInt(paid) - BigInt(charged) + BigInt(refunded) + BigInt(adjusted)).toBe(
        BigInt(closing),
      );
    }
    expect(now.closing).toBe(`-${tokens(3)}`);
  });

  test('the table of a statement has numbers as numbers, and no reason of an operator becomes a formula', async () => {
    const { ran, session } = await customer();
    const { jobId } = await ran(2);
    const reply = await post(`jobs/${jobId}/refunds`, { amount: tokens(1), reason: '=1+1' });
    expect([reply.status, reply.body]).toMatchObject([201, { revision: 1, charged: tokens(1) }]);
    const month = new Date().toISOString().slice(0, 7);
    const csv = await session.request('GET', `/api/v1/billing/statements/${month}`, undefined, { accept: 'text/csv' });
    const [header, refund, settle] = (csv.body as string).split('\r\n');
    expect(header).toBe('at,kind,job_id,amount,reserved,balance_after,amount_tokens,balance_after_tokens,reason');
    expect(refund).toMatch(new RegExp(`,refund,${jobId},${tokens(1)},0,-${tokens(1)},1,-1,'=1\\+1$`));
    expect(settle).toMatch(new RegExp(`,settle,${jobId},-${tokens(2)},-${tokens(24)},-${tokens(2)},-2,-2,$`));
  });

  test.each(['2026-13', '2026-1', '1926-01', 'now'])('%s is no month of a statement', async (month) => {
    const { session } = await customer();
    const { status, body } = await session.request('GET', `/api/v1/billing/statements/${month}`);
    expect([status, body]).toMatchObject([
      422,
      { errors: [{ field: expect.stringContaining('month') as unknown as string }] },
    ]);
  });

  test('a statement of 10,000 entries is read by its indexes, however many others have', async () => {
    const who = await customer();
    // Written as rows: what is measured is the reading.
    await withoutLedgerTriggers(pool(), async (tx) => {
      await tx.query(
        `insert into ledger_accounts (kind, owner, balance, may_owe) values ('customer', $1, 10000, true)`,
        [who.wallet],
      );
      await tx.query(
        `with entries as (
           insert into ledger_entries (key, kind, at)
           select 'adjust/' || n || $1, 'adjust', now() from generate_series(1, 10000) n returning id, at)
         insert into ledger_lines (entry_id, account_id, amount, balance, at)
         select e.id, a.id, 1, row_number() over (order by e.id), e.at
           from entries e join ledger_accounts a on a.kind = 'customer' and a.owner = $1`,
        [who.wallet],
      );
    });
    await pool().query('analyze ledger_lines, ledger_entries, ledger_accounts');
    const month = new Date().toISOString().slice(0, 7);
    const startedMs = performance.now();
    expect(await who.get(`statements/${month}`)).toMatchObject({ adjusted: '10000', entries: 10_000 });
    process.stdout.write(`  a statement of 10,000 entries took ${Math.round(performance.now() - startedMs)} ms\n`);
    const csv = await who.session.request('GET', `/api/v1/billing/statements/${month}`, undefined, {
      accept: 'text/csv',
    });
    expect((csv.body as string).split('\r\n')).toHaveLength(10_002);
  });
});

describe('what operators book', () => {
  test.each([
    ['an amount that is a number', { amount: 1 }],
    ['an amount below 0', { amount: '-1' }],
    ['an amount of 0', { amount: '0' }],
    ['a broken amount', { amount: '1.5' }],
    ['an amount of 2^128', { amount: String(2n ** 128n) }],
    ['an amount in hexadecimal', { amount: '0x10' }],
  ])('%s is refused, and named', async (_, { amount }) => {
    const { ran, wallet } = await customer();
    const { jobId } = await ran(1);
    for (const reply of [
      await post(`jobs/${jobId}/refunds`, { amount, reason: 'slow' }),
      await post('payouts', { wallet, amount, reference: 'r' }),
      await post('payments', { wallet, amount, reference: 'r' }),
    ]) {
      expect([reply.status, reply.body]).toMatchObject([422, { errors: [{ field: 'amount' }] }]);
    }
  });

  test('a refund needs a key, one of amount and seconds, and an ended job', async () => {
    const { ran } = await customer();
    const { jobId } = await ran(1);
    const without = await operator.request('POST', `/api/v1/admin/jobs/${jobId}/refunds`, { amount: '1', reason: 'x' });
    expect([without.status, without.body]).toMatchObject([422, { errors: [{ field: 'headers.idempotency-key' }] }]);
    for (const body of [{ reason: 'x' }, { reason: 'x', amount: '1', seconds: 1 }]) {
      const { status, body: told } = await post(`jobs/${jobId}/refunds`, body);
      expect([status, told]).toMatchObject([422, { errors: [{ field: 'amount' }] }]);
    }
    const nobody = await post(`jobs/${randomUUID()}/refunds`, { amount: '1', reason: 'x' });
    expect([nobody.status, nobody.body]).toMatchObject([404, { code: 'job_not_found' }]);
    const more = await post(`jobs/${jobId}/refunds`, { amount: tokens(2), reason: 'x' });
    expect([more.status, more.body]).toMatchObject([409, { code: 'refund_exceeds_charge', charged: tokens(1) }]);
  });

  test('a refund of time is what that time costs, and its repeat is the same answer', async () => {
    const { ran, get } = await customer();
    const { jobId } = await ran(1);
    const first = await post(`jobs/${jobId}/refunds`, { seconds: 1_800, reason: 'away' }, 'half');
    const again = await post(`jobs/${jobId}/refunds`, { seconds: 1_800, reason: 'away' }, 'half');
    expect(first.body).toMatchObject({ refunded: String(rate / 2n), charged: String(rate / 2n), revision: 1 });
    expect(again.body).toEqual(first.body);
    expect((await get('balance')).owed).toBe(String(rate / 2n));
    const bill = await get('');
    expect(bill).toBeDefined();
  });

  test('a debt that is written off is gone, once, and stands in the audit log', async () => {
    const { ran, wallet, get } = await customer();
    await ran(1);
    const debt = { wallet, reason: 'it left' };
    const written = [await post('debts', debt, wallet), await post('debts', debt, wallet)];
    const said = { wallet, written_off: tokens(1), was_frozen: false };
    expect(written.map(({ status, body }) => [status, body])).toMatchObject([
      [201, said],
      [201, said],
    ]);
    expect((await get('balance')).owed).toBe('0');
    const other = await post('debts', { ...debt, reason: 'another' }, wallet);
    expect([other.status, other.body]).toMatchObject([409, { code: 'idempotency_conflict' }]);
    const query = 'select detail from audit_log where action = $1 and target = $2';
    const { rows } = await pool().query(query, ['wallet.write_off', wallet]);
    expect(rows).toEqual([{ detail: { amount: tokens(1), reason: 'it left', was_frozen: false } }]);
    expect((await post('debts', { ...debt, reason: '' })).status).toBe(422);
  });

  test('a payout that is repeated is booked once, and no more is paid than was earned', async () => {
    const owner = newWallet().address.toLowerCase();
    const payout = { wallet: owner, amount: '5', reference: 'bank 1' };
    const early = await post('payouts', payout);
    expect([early.status, early.body]).toMatchObject([409, { code: 'payout_exceeds_earnings', payable: '0' }]);
    const paid = [await post('payments', payout, 'k'), await post('payments', payout, 'k')];
    expect(paid.map(({ status, body }) => [status, bodyOf({ body } as never).balance])).toEqual([
      [201, '5'],
      [201, '5'],
    ]);
    for (const change of [{ amount: '6' }, { reference: 'bank 2' }]) {
      const other = await post('payments', { ...payout, ...change }, 'k');
      expect([other.status, other.body]).toMatchObject([409, { code: 'idempotency_conflict' }]);
    }
  });

  test('the largest payments add up to the unit, and a larger one is refused', async () => {
    const who = await customer();
    const most = 2n ** 128n - 1n;
    const before = BigInt((await revenue()).standing.customers_hold);
    const pay = (amount: bigint) => post('payments', { wallet: who.wallet, amount: String(amount), reference: 'all' });
    for (const count of [1n, 2n]) expect((await pay(most)).body).toMatchObject({ balance: String(count * most) });
    for (const amount of [most + 1n, 0n, -1n]) {
      const refused = await pay(amount);
      expect([refused.status, refused.body]).toMatchObject([422, { errors: [{ field: 'amount' }] }]);
    }
    expect(await who.get('balance')).toMatchObject({ available: String(2n * most), owed: '0' });
    const month = new Date().toISOString().slice(0, 7);
    expect(await who.get(`statements/${month}`)).toMatchObject({ paid: String(2n * most), closing: String(2n * most) });
    expect(BigInt((await revenue()).standing.customers_hold) - before).toBe(2n * most);
  });

  test('one key for the first payments of two wallets at once books one of them', async () => {
    const wallets = Array.from({ length: 6 }, () => newWallet().address.toLowerCase());
    const key = randomUUID();
    const paid = await Promise.all(
      wallets.map((wallet) => post('payments', { wallet, amount: '5', reference: 'invoice 2' }, key)),
    );
    expect(paid.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
  });
});

describe('the platform’s books', () => {
  test('revenue says by which invariants money cannot be compared, and which jobs cannot be booked, since when and why', async () => {
    expect((await revenue()).ledger).toMatchObject({ uncompared: [], unbookable: [] });
    const since = '2026-11-01T00:00:00.000Z';
    const jobId = randomUUID();
    await pool().query(
      `insert into ledger_comparisons (invariant, tried_at, failing_since, why)
       values ('I3', now(), $1, 'too slow'), ('I2', now(), null, null), ('I99', now(), $1, 'of a newer version')`,
      [since],
    );
    await pool().query(`insert into ledger_unbookable values ($1, 'the key is taken', $2, now())`, [jobId, since]);
    expect((await revenue()).ledger).toMatchObject({
      uncompared: [{ invariant: 'I3', since, why: 'too slow' }],
      unbookable: [{ job_id: jobId, since, reason: 'the key is taken' }],
    });
    await pool().query('truncate ledger_comparisons, ledger_unbookable');
  });

  test('revenue says what was charged, what is owed to whom, and since when customers owe', async () => {
    const before = await revenue('?by=provider');
    const who = await customer();
    await who.ran(2, 'zephyr');
    await backdate(who, 3);
    await who.ran(1, 'zephyr');
    const { rows, standing, debtors, ledger } = await revenue('?by=provider');
    expect(rows).toContainEqual({ key: 'zephyr', jobs: 2, charged: tokens(3), fees: '0', refunded: '0' });
    expect(BigInt(standing.unclaimed) - BigInt(before.standing.unclaimed)).toBe(3n * rate);
    expect(BigInt(standing.customers_owe) - BigInt(before.standing.customers_owe)).toBe(3n * rate);
    const mine = (list: { wallet: string }[]) => list.find(({ wallet }) => wallet === who.wallet) as never;
    const { owed, since } = mine(debtors) as { owed: string; since: string };
    expect(owed).toBe(tokens(3));
    expect(Date.now() - Date.parse(since)).toBeGreaterThan(2.9 * 24 * hourMs);
    expect(ledger).toMatchObject({ differs: {}, unbooked: 0 });
    // What is paid counts for the oldest charge first.
    await who.pay(2n * rate);
    const later = mine((await revenue()).debtors) as { owed: string; since: string };
    expect(later.owed).toBe(tokens(1));
    expect(Date.now() - Date.parse(later.since)).toBeLessThan(24 * hourMs);
    const csv = await operator.request('GET', '/api/v1/admin/revenue?by=provider', undefined, { accept: 'text/csv' });
    expect(csv.body).toContain(`\r\nzephyr,2,${tokens(3)},0,0,3,0,0\r\n`);
  });

  test('an owner sees what he earned, what the platform had of it and what was refunded; another one nothing', async () => {
    const account = newWallet();
    const owner = await replicas.api.login({ account, scopes: ['providers:read'] });
    await putProvider(pool(), { providerId: 'mistral' });
    await recordOwner(pool(), 'mistral', account.address.toLowerCase());
    const who = await customer();
    const { jobId } = await who.ran(4, 'mistral');
    await post(`jobs/${jobId}/refunds`, { amount: tokens(1), reason: 'away' });
    const { status, body } = await owner.request('GET', '/api/v1/providers/mistral/earnings');
    expect([status, body]).toMatchObject([
      200,
      {
        total: { earned: tokens(4), fee: '0', refunded: tokens(1), pending: '0' },
        ...{ unclaimed: tokens(3), payable: '0', paid_out: '0' },
      },
    ]);
    const other = await replicas.api.login({ scopes: ['providers:read'] });
    expect((await other.request('GET', '/api/v1/providers/mistral/earnings')).status).toBe(404);
  });
});
