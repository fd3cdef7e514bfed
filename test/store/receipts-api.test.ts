import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Hex } from 'viem';
import { connect, memoryStore, type WorldLand } from '../../src/client/index.js';
import { verifyReceipts as verifyHere } from '../../src/client/verify-receipts.js';
import { scopes as everyScope } from '../../src/wire/scopes.js';
import { audience, newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession } from '../support/fleet.js';
import { testUnless } from '../support/needs.js';
import { missingPython, verifyReceipts } from '../support/receipt-verifier.js';
import { receiptKey, rentals, signerWith } from '../support/receipts.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { roomySettings, silentAnnouncements } from '../support/tried-api.js';

const operator = newWallet();
let database: TestDatabase;
let redis: TestRedis;
let api: Api;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  api = await startApi({ ...{ database, redis }, commands: silentAnnouncements, env: roomySettings(operator) });
  await putProvider(database.pool, { providerId: 'cheap', gpuPrice: 0.5, gpus: { model: '=1+1', count: 1_000 } });
  await signerWith(database.pool, receiptKey).publish();
});
afterAll(async () => {
  await api.stop();
  await Promise.all([database.close(), redis.close()]);
});

interface Customer {
  wl: WorldLand;
  wallet: string;
  /** Rents and ends a job. @returns its id. */
  ended(servedMs?: number, key?: Hex): Promise<string>;
}

async function newCustomer(): Promise<Customer> {
  const account = newWallet();
  const wallet = account.address.toLowerCase();
  const wl = connect({ api: api.url, audience, retries: 0, store: memoryStore() });
  await wl.login({ wallet: account });
  const sessionId = await putSession(database.pool, wallet);
  return {
    ...{ wl, wallet },
    async ended(servedMs = 600_123, key = receiptKey) {
      const site = rentals(database.pool, { key });
      const order = await site.running(sessionId, wallet, { servedMs });
      await site.end(order);
      return order.jobId;
    },
  };
}

const thisMonth = () => new Date().toISOString().slice(0, 7);

describe('a customer', () => {
  test('reads his receipts by pages, one by its digest, and that of a job, whose reply names it', async () => {
    const { wl, ended } = await newCustomer();
    const jobs = [await ended(), await ended(), await ended()];
    const pages = await wl.receipts.list({ limit: 2 }).all();
    expect(pages.map((each) => each.typed_data.message.number)).toEqual([3, 2, 1]);
    expect(pages.map((each) => each.typed_data.message.jobId)).toEqual(jobs.toReversed());
    const ofJob = await wl.receipts.ofJob(jobs[1]!);
    expect(ofJob).toEqual(pages[1]);
    expect(await wl.receipts.get(ofJob.digest)).toEqual(ofJob);
    expect(await wl.receipts.get(ofJob.digest.toUpperCase().replace('0X', '0x'))).toEqual(ofJob);
    expect((await wl.jobs.get(jobs[1]!)).cost?.receipt).toBe(ofJob.digest);
    expect(ofJob.status).toBe('signed');
  });

  test('checks all of them with nothing but what the API says', async () => {
    const { wl, ended } = await newCustomer();
    for (let each = 0; each < 3; each++) await ended(each * 1_234_567);
    const found = await wl.receipts.verify();
    expect(found).toMatchObject({ problems: [], count: 3, pending: 0, refunded: 0n });
    expect(found.charged).toBeGreaterThan(0n);
  });

  testUnless(missingPython())('checks them with a program that shares no code with the broker', async () => {
    const { wl, ended } = await newCustomer();
    for (let each = 0; each < 3; each++) await ended(each * 1_234_567);
    const statement = await wl.money.statement(thisMonth());
    const given = [{ receipts: await wl.receipts.list().all() }, { keys: await wl.receipts.keys() }, statement];
    const args = ['--audience', audience];
    expect(await verifyReceipts(given, args)).toEqual({ code: 0, said: '3 receipts: nothing is wrong\n' });
  });

  test('sees that a receipt was changed in the database, was replaced or is missing', async () => {
    const { wl, wallet, ended } = await newCustomer();
    for (let each = 0; each < 3; each++) await ended();
    const past = async (statement: string) => {
      await database.pool.query('alter table receipts disable trigger receipts_only_grow');
      await database.pool.query(statement, [wallet]);
      await database.pool.query('alter table receipts enable trigger receipts_only_grow');
    };
    await past(
      `update receipts set message = jsonb_set(message, '{charged}', '"1"') where customer = $1 and number = 3`,
    );
    const changed = (await wl.receipts.verify()).problems.join('\n');
    expect(changed).toMatch(/receipt 3: its digest is/);
    expect(changed).toMatch(/receipt 3: it charges 1, but/);
    expect(changed).toMatch(/receipt 3: a signature that names 0x[0-9a-f]{40} was not made by it/);
    await past(`update receipts set number = 9 where customer = $1 and number = 3`);
    await past(`update receipts set customer = '0x${'d'.repeat(40)}' where customer = $1 and number = 2`);
    expect((await wl.receipts.verify()).problems.join('\n')).toContain('receipt 2 is missing');
  });

  test('sees by his statement that the newest receipts are held back, although those that he has are a whole chain', async () => {
    const { wl, wallet, ended } = await newCustomer();
    for (let each = 0; each < 3; each++) await ended();
    const { receipts: stated, without_receipt, charged } = await wl.money.statement(thisMonth());
    const all = await wl.receipts.list().all();
    expect(stated).toEqual({ first: 1, last: 3, last_digest: all[0]!.digest });
    expect([without_receipt, BigInt(charged) > 0n]).toEqual(['0', true]);
    const statement = await wl.money.statement(thisMonth());
    const site = { keys: await wl.receipts.keys(), audience, customer: wallet, areAll: true };
    expect(verifyHere(all, { ...site, statement }).problems).toEqual([]);
    const held = verifyHere(all.slice(1), { ...site, statement }).problems;
    expect(held).toEqual([
      'receipt 3 is missing, which the statement names as the newest',
      expect.stringMatching(/^the statement has \d+ charged by receipts 1 to 3, which come to \d+$/),
    ]);
    const another = { ...statement, receipts: { ...stated, last: 2 } };
    expect(verifyHere(all, { ...site, statement: another }).problems[0]).toBe('the statement names another receipt 2');
  });

  test('has a receipt that is pending before it is signed, which is no fault', async () => {
    const { wl, wallet } = await newCustomer();
    const site = rentals(database.pool);
    const order = await site.running(await putSession(database.pool, wallet), wallet, { servedMs: 5_000 });
    await site.end(order);
    expect(await wl.receipts.ofJob(order.jobId)).toMatchObject({ status: 'pending', signatures: [] });
    expect(await wl.receipts.verify()).toMatchObject({ problems: [], count: 1, pending: 1 });
    await signerWith(database.pool, receiptKey).sign(100);
    expect(await wl.receipts.verify()).toMatchObject({ problems: [], pending: 0 });
  });

  test('does not find the receipts and jobs of others, nor one of a job that was never ready', async () => {
    const [mine, other] = [await newCustomer(), await newCustomer()];
    const jobId = await other.ended();
    const { digest } = await other.wl.receipts.ofJob(jobId);
    await expect(mine.wl.receipts.get(digest)).rejects.toMatchObject({ code: 'receipt_not_found' });
    await expect(mine.wl.receipts.ofJob(jobId)).rejects.toMatchObject({ code: 'job_not_found' });
    expect(await mine.wl.receipts.list().all()).toEqual([]);
    const site = rentals(database.pool);
    const order = await site.running(await putSession(database.pool, mine.wallet), mine.wallet);
    await site.end(order);
    await expect(mine.wl.receipts.ofJob(order.jobId)).rejects.toMatchObject({ code: 'receipt_not_found' });
    expect((await mine.wl.jobs.get(order.jobId)).cost).not.toHaveProperty('receipt');
  });

  test.each([
    ['/api/v1/receipts/0x12', 'params.digest'],
    ['/api/v1/receipts?cursor=abc', 'query.cursor'],
    ['/api/v1/receipts?from=yesterday', 'query.from'],
    ['/api/v1/receipts?number=1', 'query.number'],
  ])('is told which field of %s is wrong', async (path, field) => {
    const { wl } = await newCustomer();
    const asked = wl.request('GET', path);
    await expect(asked).rejects.toMatchObject({
      code: 'validation_failed',
      fields: [expect.objectContaining({ field })],
    });
  });

  test('gets a table in which no name of a machine is a formula', async () => {
    const { wl, ended } = await newCustomer();
    await ended(3_600_000);
    const { body } = await wl.request('GET', '/api/v1/receipts', { headers: { accept: 'text/csv' } });
    const [header, row] = (body as unknown as string).split('\r\n');
    expect(header).toMatch(/^number,issued_at,job_id,revision,customer,/);
    expect(row).toContain(',cheap,');
    expect(row).toMatch(/,0\.5\d*,0\.0\d+,0\.4\d+,0x[0-9a-f]{64},signed$/);
  });
});

test('everybody reads the keys, and when each was valid', async () => {
  const { status, json } = await api.send('GET', '/api/v1/receipts/keys');
  expect(status).toBe(200);
  expect(json.keys.at(-1)).toEqual({ address: expect.stringMatching(/^0x[0-9a-f]{40}$/), from: expect.any(String) });
});

test('an operator lists the receipts of all customers by pages, and by who, when and whether they are signed', async () => {
  const [one, two] = [await newCustomer(), await newCustomer()];
  const jobs = [await one.ended(), await two.ended(), await one.ended()];
  const wl = connect({ api: api.url, audience, retries: 0, store: memoryStore() });
  await wl.login({ wallet: operator, scopes: everyScope });
  const numbers = async (query: Parameters<WorldLand['admin']['receipts']>[0]) =>
    (await wl.admin.receipts(query).all()).map(({ typed_data }) => typed_data.message.jobId);
  expect((await numbers({})).filter((id) => jobs.includes(id))).toEqual(jobs.toReversed());
  expect(await numbers({ wallet: one.wallet })).toEqual([jobs[2], jobs[0]]);
  expect(await numbers({ jobId: jobs[1]!, status: 'signed' })).toEqual([jobs[1]]);
  expect(await numbers({ wallet: one.wallet, status: 'pending' })).toEqual([]);
  expect(await numbers({ wallet: one.wallet, payee: one.wallet })).toEqual([]);
  expect(await numbers({ wallet: one.wallet, to: '2026-01-01' })).toEqual([]);
  expect(await numbers({ wallet: one.wallet, from: '2026-01-01' })).toHaveLength(2);
});
