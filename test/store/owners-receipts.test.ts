import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newJobId } from '../../src/api/job-id.js';
import { verifyReceipts } from '../../src/client/verify-receipts.js';
import { audience, newWallet } from '../support/api.js';
import { proveWallet } from '../support/money.js';
import { bodyOf } from '../support/placing.js';
import { putReceipt, receiptKey, signerWith } from '../support/receipts.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas();
});
afterAll(() => replicas.stop());

const pool = () => replicas.database.pool;
const route = '/api/v1/me/earnings/receipts';
const nobody = `0x${'0'.repeat(40)}`;
let count = 0;

async function owner() {
  const account = newWallet();
  const session = await replicas.api.login({ account, scopes: ['providers:read'] });
  const get = (query = '') => session.request('GET', `${route}${query}`);
  const digests = async (query = ''): Promise<string[]> =>
    bodyOf(await get(query)).receipts.map(({ digest }: { digest: string }) => digest);
  return { wallet: account.address.toLowerCase(), session, get, digests, provider: `machine-${++count}` };
}

/** A receipt of a job of some customer. */
const earned = (payee: string, providerId: string) =>
  putReceipt(pool(), { wallet: newWallet().address, jobId: newJobId(), payee, providerId });

describe('the receipts of an owner', () => {
  test('an owner reads the receipts that name his wallet as the payee, by pages, newest first', async () => {
    const mine = await owner();
    const all = [];
    for (let at = 0; at < 5; at++) all.push(await earned(mine.wallet, mine.provider));
    await earned(newWallet().address, 'other');
    const seen = [];
    let cursor = '';
    do {
      const page = bodyOf(await mine.get(`?limit=2${cursor}`));
      seen.push(...page.receipts.map(({ digest }: { digest: string }) => digest));
      cursor = page.next_cursor === undefined ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(await mine.digests());
    expect([...seen].sort()).toEqual([...all].sort());
  });

  test('a foreign receipt is not found by an owner, nor one of which he is the customer alone', async () => {
    const [mine, theirs] = [await owner(), await owner()];
    const digest = await earned(theirs.wallet, theirs.provider);
    const bought = await putReceipt(pool(), { wallet: mine.wallet, jobId: newJobId() });
    for (const each of [digest, bought, `0x${'7'.repeat(64)}`]) {
      const reply = await mine.get(`/${each}`);
      expect([reply.status, bodyOf(reply).code]).toEqual([404, 'receipt_not_found']);
    }
    expect(await mine.digests()).toEqual([]);
    expect(bodyOf(await theirs.get(`/${digest}`))).toMatchObject({ digest, status: 'pending' });
  });

  test('what names no payee is read by whoever proves that the machine is his, and by nobody before', async () => {
    const mine = await owner();
    const digest = await earned(nobody, mine.provider);
    await pool().query('update provider_identities set signed_at = null where provider_id = $1', [mine.provider]);
    expect(await mine.digests()).toEqual([]);
    expect((await mine.get(`/${digest}`)).status).toBe(404);
    await proveWallet(pool(), mine.provider, mine.wallet);
    expect(await mine.digests()).toEqual([digest]);
    expect((await mine.get(`/${digest}`)).status).toBe(200);
    // Whom it was proven to belong to when it earned, keeps it.
    const former = newWallet().address;
    await earned(former, mine.provider);
    expect(await mine.digests()).toEqual([digest]);
  });

  test('receipts are chosen by machine and by time', async () => {
    const mine = await owner();
    const [one, two] = [
      await earned(mine.wallet, `${mine.provider}-a`),
      await earned(mine.wallet, `${mine.provider}-b`),
    ];
    expect(await mine.digests(`?provider_id=${mine.provider}-a`)).toEqual([one]);
    expect(await mine.digests(`?provider_id=${mine.provider}-b&from=2020-01-01`)).toEqual([two]);
    expect(await mine.digests('?from=2999-01-01')).toEqual([]);
    expect((await mine.get('?provider=x')).status).toBe(422);
  });

  test('an owner checks the signature of what he earned with, and sees a figure that was changed', async () => {
    const mine = await owner();
    await earned(mine.wallet, mine.provider);
    await signerWith(pool(), receiptKey).sign(100);
    const { receipts } = bodyOf(await mine.get());
    const { keys } = bodyOf(await mine.session.request('GET', '/api/v1/receipts/keys'));
    expect(verifyReceipts(receipts, { keys, audience, areAll: false })).toMatchObject({ problems: [], pending: 0 });
    receipts[0].typed_data.message.earned = '1';
    expect(verifyReceipts(receipts, { keys, audience, areAll: false }).problems.length).toBeGreaterThan(0);
  });

  test('the table has a row for each receipt, with what was earned', async () => {
    const mine = await owner();
    const digest = await earned(mine.wallet, mine.provider);
    const reply = await mine.session.request('GET', route, undefined, { accept: 'text/csv' });
    const [header, ...rows] = String(reply.body).trimEnd().split('\r\n');
    expect(header).toContain('earned');
    expect(rows).toEqual([expect.stringContaining(digest)]);
    expect(rows[0]).toContain(mine.wallet);
  });
});
