import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listPayouts } from '../../src/db/payouts.js';
import { withTransaction, type Queryable } from '../../src/db/pool.js';
import { newWallet } from '../support/api.js';
import { putBilledJob } from '../support/billed-jobs.js';
import { putProvider, putSession, recordOwner } from '../support/fleet.js';
import { proveWallet } from '../support/money.js';
import { bodyOf } from '../support/placing.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

let replicas: Replicas;
const admin = newWallet();
beforeAll(async () => {
  replicas = await startReplicas({ env: { ADMIN_WALLETS: admin.address } });
});
afterAll(() => replicas.stop());

const pool = () => replicas.database.pool;
const rate = 10n ** 18n;

/** An owner whose proven machine a customer has rented for an hour at one token. */
async function ownerWhoEarned(providerId: string) {
  const account = newWallet();
  const wallet = account.address.toLowerCase();
  await putProvider(pool(), { providerId });
  await recordOwner(pool(), providerId, wallet);
  await proveWallet(pool(), providerId, wallet);
  const customer = newWallet().address.toLowerCase();
  const endedAt = new Date();
  const { jobId } = await putBilledJob(pool(), {
    ...{ wallet: customer, sessionId: await putSession(pool(), customer), providerId, rate },
    ...{ startedAt: new Date(endedAt.getTime() - 3_600_000), endedAt },
  });
  const session = await replicas.api.login({ account, scopes: ['providers:read'] });
  const payouts = async (query = '') =>
    bodyOf(await session.request('GET', `/api/v1/me/earnings/payouts${query}`)) as {
      payouts: { amount: string; reference: string }[];
      count: number;
      next_cursor?: string;
    };
  return { wallet, payouts, jobId };
}

test('an owner reads each payout with its reference, newest first and page by page, and another one reads none', async () => {
  const operator = await replicas.api.login({ account: admin, scopes: ['admin'] });
  const owner = await ownerWhoEarned('sirocco');
  const other = await ownerWhoEarned('bora');
  expect(await owner.payouts()).toEqual({ payouts: [], count: 0 });
  for (const [amount, reference] of [
    ['5', 'bank 1'],
    ['7', 'bank 2'],
    ['9', '=cmd()'],
  ]) {
    const body = { wallet: owner.wallet, amount, reference };
    const { status } = await operator.request('POST', '/api/v1/admin/payouts', body, {
      'idempotency-key': randomUUID(),
    });
    expect(status).toBe(201);
  }
  const first = await owner.payouts('?limit=2');
  expect(first.payouts).toMatchObject([
    { amount: '9', reference: '=cmd()' },
    { amount: '7', amount_tokens: '0.000000000000000007', reference: 'bank 2' },
  ]);
  const rest = await owner.payouts(`?limit=2&cursor=${first.next_cursor!}`);
  expect(rest).toMatchObject({ payouts: [{ amount: '5', reference: 'bank 1' }], count: 1 });
  expect(rest.next_cursor).toBeUndefined();
  expect((await other.payouts()).payouts).toEqual([]);
});

test('an operator reads which wallets have most to come, and none that has nothing', async () => {
  const operator = await replicas.api.login({ account: admin, scopes: ['admin'] });
  const owner = await ownerWhoEarned('mistral');
  const payable = async () => {
    const { creditors } = bodyOf(await operator.request('GET', '/api/v1/admin/revenue')) as {
      creditors: { wallet: string; payable: string }[];
    };
    const sums = creditors.map((each) => BigInt(each.payable));
    expect(sums.every((sum, at) => sum > 0n && (at === 0 || sum <= sums[at - 1]!))).toBe(true);
    return creditors.find(({ wallet }) => wallet === owner.wallet)?.payable;
  };
  expect(await payable()).toBe(String(rate));
  const body = { wallet: owner.wallet, amount: String(rate), reference: 'all of it' };
  await operator.request('POST', '/api/v1/admin/payouts', body, { 'idempotency-key': randomUUID() });
  expect(await payable()).toBeUndefined();
});

test('an operator reads of a job what its customer was charged, which is what can be refunded', async () => {
  const operator = await replicas.api.login({ account: admin, scopes: ['admin'] });
  const { jobId } = await ownerWhoEarned('ostro');
  const { cost } = bodyOf(await operator.request('GET', `/api/v1/admin/jobs/${jobId}`)) as { cost?: { spent: string } };
  expect(cost?.spent).toBe(String(rate));
});

test('the payouts of a wallet are found without reading what it earned', async () => {
  const wallet = newWallet().address.toLowerCase();
  await withTransaction(pool(), async (tx) => {
    const post = (kind: string, amount: string, count: number) =>
      tx.query(
        `select ledger_post($1::text || '/' || n, $1, null, jsonb_build_object('wallet', $2::text),
                            array['provider', 'manual'], array[$2, ''], array[$3::numeric, -$3::numeric])
           from generate_series(1, $4::int) n`,
        [kind, wallet, amount, count],
      );
    await post('adjust', '2', 2_000);
    await post('payout', '-1', 30);
  });
  await pool().query('analyze ledger_accounts, ledger_entries, ledger_lines');
  let read = 0;
  const explain = async (text: string, values: unknown[]) => {
    const { rows } = await pool().query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (analyze, format json) ${text}`,
      values,
    );
    read += rowsRead(rows[0]!['QUERY PLAN'][0].Plan);
    return { rows: [] };
  };
  await listPayouts({ query: explain } as unknown as Queryable, wallet, { limit: 10 });
  expect(read).toBeLessThan(200);
});

interface Plan {
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Relation Name'?: string;
  Plans?: Plan[];
}
/** Of tables, and thrown away included. */
function rowsRead(plan: Plan): number {
  const here = (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops'];
  const below = (plan.Plans ?? []).map(rowsRead);
  return below.reduce((sum, each) => sum + each, plan['Relation Name'] === undefined ? 0 : here);
}
