import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { authorizeNodeKey } from '../../src/provider-agent/signer.js';
import { newSealingKey, openReply } from '../../src/wire/sealed-answer.js';
import { audience, newWallet } from '../support/api.js';
import {
  chainId,
  createFrontier,
  httpsProvider as provider,
  type ApiUnderTest,
  type Frontier,
} from '../support/https-providers.js';
import { until } from '../support/until.js';
import type { World } from '../support/world.js';

let frontier: Frontier;
let world: World;
/** An API that takes unsigned messages. */
let permissive: ApiUnderTest;

beforeAll(async () => {
  frontier = await createFrontier();
  world = frontier.world;
  permissive = await frontier.apiIn('permissive');
}, 120_000);

afterAll(() => frontier.close(), 60_000);

/** An unsigned provider that waits for its approval. */
async function waiting(change: object = {}) {
  const bare = provider();
  expect((await permissive.post(bare.bareRegistration(change))).status).toBe(202);
  await until(async () => (await answersOf(bare.providerId)).includes('pending'));
  return bare;
}
const answersOf = async (providerId: string) =>
  (await world.redis.redis.xrange(`provider:response:${providerId}`, '-', '+')).map(
    ([, fields]) => (JSON.parse(fields[fields.indexOf('data') + 1]!) as { status: string }).status,
  );

test('an unsigned provider waits without a join command until an operator approves it', async () => {
  const bare = await waiting();
  const tokens = () => world.database.pool.query('select from join_tokens where provider_id = $1', [bare.providerId]);
  expect((await tokens()).rows).toEqual([]);
  expect(await frontier.rowOf(bare.providerId)).toMatchObject({ status: 'pending', wallet_verified: false });

  const admin = await permissive.login(frontier.operator, ['admin']);
  const body = { wallet: bare.wallet.address };
  const approved = await admin.request('POST', `/api/v1/admin/providers/${bare.providerId}/approve`, body);
  expect(approved).toMatchObject({ status: 200, body: { provider_id: bare.providerId } });
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
  await until(async () => (await frontier.rowOf(bare.providerId)).status === 'approved');
  expect(await frontier.rowOf(bare.providerId)).toMatchObject({ wallet_verified: false });

  // Registered once more, as after a restart of its agent, it needs no second approval.
  await world.redis.redis.del(`provider:response:${bare.providerId}`);
  await permissive.post(bare.bareRegistration({ agent_version: '1.0.1' }));
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
});

test('an unsigned provider that asked for a sealed answer gets a sealed one after its approval', async () => {
  const { encKey, privateKey } = newSealingKey();
  const bare = await waiting({ enc_key: encKey });
  const admin = await permissive.login(frontier.operator, ['admin']);
  await admin.request('POST', `/api/v1/admin/providers/${bare.providerId}/approve`);
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
  const [[, fields]] = (await world.redis.redis.xrange(`provider:response:${bare.providerId}`, '-', '+')) as [
    [string, string[]],
  ];
  const data = JSON.parse(fields[fields.indexOf('data') + 1]!);
  expect(data).not.toHaveProperty('join_command');
  expect(openReply(data, bare.providerId, privateKey).join_command).toMatch(/^kubeadm join /);
});

test('an approval that is repeated after a crash counts as the same approval', async () => {
  const bare = await waiting();
  const admin = await permissive.login(frontier.operator, ['admin']);
  const approve = () => admin.request('POST', `/api/v1/admin/providers/${bare.providerId}/approve`);
  expect((await approve()).status).toBe(200);
  const { approved_at: first } = await frontier.rowOf(bare.providerId);
  expect((await approve()).status).toBe(200);
  expect((await frontier.rowOf(bare.providerId)).approved_at).toEqual(first);
  const { rows } = await world.database.pool.query(
    `select from provider_registrations where provider_id = $1 and message_id like 'approval-%'`,
    [bare.providerId],
  );
  expect(rows).toHaveLength(1);
});

test('an approval that was stored but not announced is found by the next registration', async () => {
  const bare = await waiting();
  await world.database.pool.query(
    `update providers set approved_wallet = wallet_addr, approved_by = 'test', approved_at = now() where provider_id = $1`,
    [bare.providerId],
  );
  await permissive.post(bare.bareRegistration({ agent_version: '1.0.1' }));
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
});

test('an approval is for the wallet that the operator saw, and for no other', async () => {
  const bare = await waiting();
  const admin = await permissive.login(frontier.operator, ['admin']);
  const path = `/api/v1/admin/providers/${bare.providerId}/approve`;
  expect(await admin.request('POST', path, { wallet: newWallet().address })).toMatchObject({ status: 422 });
  expect(await admin.request('POST', path, { wallet: bare.wallet.address })).toMatchObject({ status: 200 });
  const stolen = await permissive.post(bare.bareRegistration({ wallet_addr: newWallet().address }));
  expect(stolen).toMatchObject({ status: 403, json: { code: 'provider_not_yours' } });
});

test('only an operator can approve a provider, and only one that waits for approval', async () => {
  const bare = await waiting();
  const path = `/api/v1/admin/providers/${bare.providerId}/approve`;
  const owner = await permissive.login(bare.wallet);
  expect(await owner.request('POST', path)).toMatchObject({ status: 403, body: { code: 'scope_denied' } });
  expect((await permissive.send('POST', path)).status).toBe(401);
  const admin = await permissive.login(frontier.operator, ['admin']);
  const bearer = { authorization: `Bearer ${await (await permissive.login(frontier.operator)).token()}` };
  expect((await permissive.send('POST', path, undefined, bearer)).status).toBe(401);
  expect(await admin.request('POST', '/api/v1/admin/providers/web-nobody/approve')).toMatchObject({ status: 404 });
  const signer = provider();
  await permissive.post(await signer.registration());
  await until(async () => (await frontier.rowOf(signer.providerId)) !== undefined);
  expect(await admin.request('POST', `/api/v1/admin/providers/${signer.providerId}/approve`)).toMatchObject({
    status: 409,
    body: { code: 'approval_not_needed' },
  });
});

test('the owner of the wallet that an unsigned provider named can claim it, which admits it and verifies the wallet', async () => {
  const bare = await waiting();
  const owner = await permissive.login(bare.wallet);
  const claim = await bare.delegation();
  const path = `/api/v1/providers/${bare.providerId}/claim`;
  expect(await owner.request('POST', path, claim)).toMatchObject({
    status: 200,
    body: { provider_id: bare.providerId },
  });
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
  await until(async () => (await frontier.rowOf(bare.providerId)).status === 'approved');
  expect(await frontier.rowOf(bare.providerId)).toMatchObject({ wallet_verified: true });
  expect((await owner.request('POST', path, claim)).status).toBe(200);

  // Its agent has not signed anything yet; once it has, there is no way back.
  expect((await permissive.post(bare.bareHeartbeat())).status).toBe(202);
  expect((await permissive.post(await bare.heartbeat())).status).toBe(202);
  await until(async () => {
    const { rows } = await world.database.pool.query(
      'select signed_at from provider_identities where provider_id = $1',
      [bare.providerId],
    );
    return rows[0].signed_at !== null;
  });
  const late = { ...bare.bareHeartbeat(), timestamp: new Date().toISOString() };
  expect(await permissive.post(late)).toMatchObject({ status: 401, json: { code: 'auth_required' } });
});

test('nobody can claim a provider that named another wallet, or with another wallet’s signature', async () => {
  const bare = await waiting();
  const path = `/api/v1/providers/${bare.providerId}/claim`;
  const thief = newWallet();
  const session = await permissive.login(thief);
  const claim = await bare.delegation();
  expect(await session.request('POST', path, claim)).toMatchObject({
    status: 401,
    body: { code: 'delegation_invalid' },
  });
  const options = { providerId: bare.providerId, nodeKey: newWallet().address, audience, chainId };
  const { reg, regsig } = await authorizeNodeKey(thief, options);
  const own = { message: JSON.parse(reg) as object, signature: regsig };
  expect(await session.request('POST', path, own)).toMatchObject({ status: 403, body: { code: 'provider_not_yours' } });
  const { rows } = await world.database.pool.query('select from provider_identities where provider_id = $1', [
    bare.providerId,
  ]);
  expect(rows).toEqual([]);
});
