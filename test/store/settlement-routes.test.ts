import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Address } from 'viem';
import { nextBatchAt } from '../../src/domain/next-batch.js';
import { stopSettlements } from '../../src/db/batches.js';
import { batchHash, type BatchLine } from '../../src/wire/settlement-batch.js';
import { spendPermitTypedData } from '../../src/wire/vault-typed-data.js';
import { newWallet } from '../support/api.js';
import {
  chainEnv,
  depositInTable,
  putSettlement,
  putVault,
  signingWorkers,
  tableVault,
} from '../support/chain-site.js';
import { bodyOf } from '../support/placing.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

const operator = newWallet();
const token = 10n ** 18n;
let replicas: Replicas;
let withoutChain: Awaited<ReturnType<Replicas['start']>>;
beforeAll(async () => {
  const env = { ...chainEnv, ADMIN_WALLETS: operator.address };
  replicas = await startReplicas({ env, commands: { vault: signingWorkers(() => replicas.database.pool) } });
  withoutChain = await replicas.start({ env: { ADMIN_WALLETS: operator.address } });
  await putVault(replicas.database.pool);
  await putSettlement(replicas.database.pool, 1);
});
afterAll(async () => {
  await withoutChain?.stop();
  await replicas.stop();
});

async function depositor(tokens = 10n) {
  const account = newWallet();
  await depositInTable(replicas.database.pool, account.address, tokens);
  const session = await replicas.api.login({ account, scopes: ['billing:write', 'jobs:read'] });
  const wallet = account.address.toLowerCase() as Address;
  const post = (path: string, body: object, key: string = randomUUID()) =>
    session.request('POST', `/api/v1/billing/${path}`, body, { 'idempotency-key': key });
  const deposits = async () => bodyOf(await session.request('GET', '/api/v1/billing/deposits'));
  const signPermit = async (cumulativeCap: bigint, by = account) => ({
    cumulative_cap: String(cumulativeCap * tableVault.scale),
    signature: await by.signTypedData(spendPermitTypedData(tableVault, { customer: wallet, cumulativeCap })),
  });
  return { account, session, wallet, post, deposits, signPermit };
}

test('a permit of the wallet itself raises its cap at once, and every other one is refused with its field', async () => {
  const { post, deposits, signPermit, account } = await depositor();
  expect(await deposits()).toMatchObject({
    ...{ cap_tokens: '10', cap_signed_tokens: '10', available_tokens: '10', drawn: '0', withdrawing: null },
    token: { symbol: 'USDX', decimals: 6 },
  });
  const asked = (await deposits())['permit_typed_data'] as { message: object };
  expect(asked.message).toEqual({ customer: account.address.toLowerCase(), cumulativeCap: '10000000' });
  const good = await signPermit(20_000_000n);
  expect((await post('permits', good)).status).toBe(204);
  expect((await post('permits', good)).status).toBe(204);
  expect(await deposits()).toMatchObject({ cap_tokens: '10', cap_signed_tokens: '20' });
  const refused = async (body: object) => {
    const reply = await post('permits', body);
    return [reply.status, (bodyOf(reply)['errors'] as { field: string }[])?.map(({ field }) => field)];
  };
  expect(await refused(await signPermit(15_000_000n))).toEqual([422, ['cumulative_cap']]);
  expect(await refused(await signPermit(30_000_000n, newWallet()))).toEqual([422, ['signature']]);
  const more = await signPermit(30_000_000n);
  expect(await refused({ ...more, cumulative_cap: `${more.cumulative_cap.slice(0, -1)}1` })).toEqual([
    422,
    ['cumulative_cap'],
  ]);
  expect(await refused({ ...more, cumulative_cap: String(31n * token) })).toEqual([422, ['signature']]);
  // The other signature that is valid for the same message, which the vault refuses.
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = (order - BigInt(`0x${more.signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
  const twin = `${more.signature.slice(0, 66)}${s}${more.signature.endsWith('1b') ? '1c' : '1b'}`;
  expect(await refused({ ...more, signature: twin })).toEqual([422, ['signature']]);
  const v0 = `${more.signature.slice(0, 130)}${more.signature.endsWith('1b') ? '00' : '01'}`;
  expect((await post('permits', { ...more, signature: v0 })).status).toBe(204);
});

test('a withdrawal is held, repeated as it was, shown, and one at a time', async () => {
  const { post, deposits } = await depositor();
  const first = await post('withdrawals', { amount: String(4n * token) }, 'one');
  expect([first.status, bodyOf(first)]).toEqual([
    201,
    expect.objectContaining({
      ...{ amount_tokens: '4', cumulative: '4000000', deadline: expect.any(String) },
      call: { to: tableVault.vault, data: expect.stringMatching(/^0x/) },
    }),
  ]);
  expect(bodyOf(await post('withdrawals', { amount: String(4n * token) }, 'one'))).toEqual(bodyOf(first));
  expect(await deposits()).toMatchObject({ available_tokens: '6', withdrawing: bodyOf(first) });
  const refused = async (amount: bigint, key?: string) =>
    bodyOf(await post('withdrawals', { amount: String(amount) }, key))['code'];
  expect(await refused(token, 'one')).toBe('idempotency_conflict');
  expect(await refused(token)).toBe('withdrawal_pending');
});

test('money that is on its way out is the wallet’s still, and its bookings add up', async () => {
  const { post, session } = await depositor();
  await post('withdrawals', { amount: String(4n * token) });
  const read = async (path: string) => bodyOf(await session.request('GET', `/api/v1/billing/${path}`));
  expect(await read('balance')).toMatchObject({
    available: String(6n * token),
    withdrawing: String(4n * token),
    owed: '0',
  });
  const { entries } = (await read('entries')) as { entries: object[] };
  expect(entries[0]).toMatchObject({ kind: 'withdraw_hold', amount: '0', balance_after: String(10n * token) });
});

test('everybody can work out the hash of a settlement from its lines', async () => {
  const list = await replicas.api.send('GET', '/api/v1/settlements');
  expect(list.json).toMatchObject({
    count: 1,
    settlements: [{ number: 1, status: 'proposed', tx: { execute: null } }],
  });
  const { json } = await replicas.api.send('GET', '/api/v1/settlements/1');
  const lines = (side: { cumulative: string }[], of: 'customer' | 'payee') =>
    side.map((line): BatchLine => ({
      wallet: (line as unknown as Record<string, Address>)[of]!,
      cumulative: BigInt(line.cumulative),
    }));
  const content = { draws: lines(json.draws, 'customer'), credits: lines(json.credits, 'payee') };
  expect(batchHash({ chainId: json.chain_id, vault: json.vault, ...content })).toBe(json.hash);
  const delayMs = Date.parse(json.executable_at) - Date.parse(json.proposed_at);
  expect(delayMs).toBe(43_200_000);
  expect((await replicas.api.send('GET', '/api/v1/settlements/2')).json.code).toBe('settlement_not_found');
  expect((await replicas.api.send('GET', '/api/v1/settlements/0')).status).toBe(422);
});

test('an operator sees why settlements are stopped, and lets them go on once, with a reason', async () => {
  const { pool } = replicas.database;
  await stopSettlements(pool, tableVault, 'vetoed');
  const session = await replicas.api.login({ account: operator, scopes: ['admin'] });
  const seen = async () => bodyOf(await session.request('GET', '/api/v1/admin/settlements'));
  expect(await seen()).toMatchObject({
    ...{ stopped: { reason: 'vetoed' }, next_batch_at: null, gas_money_coins: '1', frozen: [] },
    under_way: { number: 1, waits_for: { what: 'the delay in which it can be vetoed' } },
  });
  const key = randomUUID();
  const resume = (reason: string, by = key) =>
    session.request('POST', '/api/v1/admin/settlements/resume', { reason }, { 'idempotency-key': by });
  const first = bodyOf(await resume('a mistake of the guardian'));
  expect(first).toMatchObject({ resumed: true, stopped_for: 'vetoed' });
  expect(bodyOf(await resume('a mistake of the guardian'))).toEqual(first);
  expect(bodyOf(await resume('another reason'))['code']).toBe('idempotency_conflict');
  expect(bodyOf(await resume('once more', randomUUID()))).toMatchObject({ resumed: false, stopped_for: null });
  expect(await seen()).toMatchObject({ stopped: null, next_batch_at: expect.any(String) });
  const { rows } = await pool.query(`select detail from audit_log where action = 'settlements.resume'`);
  expect(rows).toEqual([
    { detail: expect.objectContaining({ reason: 'a mistake of the guardian', stopped_for: 'vetoed' }) },
  ]);
});

test('a site without a chain answers chain_off to all of it', async () => {
  const session = await withoutChain.login({ account: operator, scopes: ['admin', 'billing:write'] });
  const codes = [];
  for (const [method, path, body] of [
    ['POST', 'billing/permits', { cumulative_cap: '1', signature: `0x${'1b'.repeat(65)}` }],
    ['POST', 'billing/withdrawals', { amount: '1' }],
    ['GET', 'settlements', undefined],
    ['GET', 'settlements/1', undefined],
    ['GET', 'admin/settlements', undefined],
    ['POST', 'admin/settlements/resume', { reason: 'it was off' }],
  ] as const) {
    const reply = await session.request(method, `/api/v1/${path}`, body, { 'idempotency-key': randomUUID() });
    codes.push([reply.status, bodyOf(reply)['code']]);
  }
  expect(codes).toEqual(Array.from({ length: 6 }, () => [409, 'chain_off']));
});

test('the next settlement is at the next whole interval, as its Schedule counts', () => {
  expect(nextBatchAt(Date.UTC(2026, 10, 27, 8), 24)).toEqual(new Date(Date.UTC(2026, 10, 28)));
  expect(nextBatchAt(Date.UTC(2026, 10, 27), 12)).toEqual(new Date(Date.UTC(2026, 10, 27, 12)));
});
