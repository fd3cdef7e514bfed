import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { Session } from '../../src/auth/client.js';
import { authorizeNodeKey, providerSigner, responsesSigner } from '../../src/auth/provider-client.js';
import type { Scope } from '../../src/auth/principal.js';
import { createProviderVerifier } from '../../src/auth/provider-identity.js';
import { createRecover } from '../../src/auth/recover.js';
import type { Config } from '../../src/config.js';
import { simulatedMachine } from '../../src/engines/simulated-provider/machine.js';
import { heartbeatMessage, registrationMessage } from '../../src/engines/simulated-provider/messages.js';
import { startSimulatedProvider } from '../../src/engines/simulated-provider/provider.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { newSealingKey, openReply } from '../../src/redis/replies/seal.js';
import { startRelay, type Relay } from '../../src/redis/relay/relay.js';
import { createProviderSignals } from '../../src/temporal/providers.js';
import { audience, newWallet, startApi } from '../support/api.js';
import { until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';

const chainId = 1;
const operator = newWallet();

let world: World;
let relay: Relay;
/** The API with the routes under test, where unsigned messages are taken and where they are not. */
let permissive: ApiUnderTest;
let required: ApiUnderTest;

beforeAll(async () => {
  world = await createWorld({ PROVIDER_AUTH_MODE: 'permissive', AUTH_AUDIENCE: audience });
  const { config, temporal, redis, database } = world;
  relay = startRelay({
    config,
    pool: database.pool,
    temporal: temporal.client,
    logger: pino({ level: 'silent' }),
    verifier: createProviderVerifier({ config, pool: database.pool, redis: redis.redis, recover: createRecover() }),
    redisDb: redis.db,
  });
  permissive = await apiIn('permissive');
  required = await apiIn('required');
}, 120_000);

afterAll(async () => {
  await permissive.stop();
  await required.stop();
  await relay.stop();
  await world.close();
}, 60_000);

type ApiUnderTest = Awaited<ReturnType<typeof apiIn>>;

async function apiIn(mode: Config['PROVIDER_AUTH_MODE']) {
  const { database, redis, temporal, config } = world;
  const env = { ADMIN_WALLETS: operator.address, PROVIDER_AUTH_MODE: mode };
  const { registrationReceived: announceRegistration } = createProviderSignals(temporal.client, config);
  const api = await startApi({ database, redis, env, config: temporal.config, commands: { announceRegistration } });
  return {
    ...api,
    send: (method: string, target: string, body?: unknown, headers: Record<string, string> = {}) =>
      api.send(method, target, { body, headers }),
    login: (account = newWallet(), scopes: readonly Scope[] = ['providers:write']): Promise<Session> =>
      api.login({ account, scopes }),
  };
}

const registrationStream = 'provider:registration';
const entriesOf = async (stream: string, providerId: string) =>
  (await world.redis.redis.xrange(stream, '-', '+')).filter(([, fields]) =>
    fields.some((text) => text.includes(providerId)),
  );

/** A body of `POST /api/v1/providers/messages`. */
type Message = Record<string, string> & { stream: string };

/** A provider that speaks HTTPS. */
function provider() {
  const [wallet, nodeKey] = [newWallet(), newWallet()];
  const providerId = `web-${randomBytes(5).toString('hex')}`;
  const machine = simulatedMachine({ providerId, wallet: wallet.address, address: '198.18.0.7' });
  const sign = providerSigner({ nodeKey, audience, wallet, chainId });
  const signTarget = responsesSigner({ providerId, nodeKey, audience });
  return {
    providerId,
    wallet,
    nodeKey,
    registration: async (change: object = {}): Promise<Message> => ({
      stream: registrationStream,
      ...(await sign(registrationStream, JSON.stringify({ ...registrationMessage(machine), ...change }))),
    }),
    heartbeat: async (): Promise<Message> => ({
      stream: 'provider:heartbeat',
      ...(await sign('provider:heartbeat', JSON.stringify(heartbeatMessage(machine, providerId)))),
    }),
    bareRegistration: (change: object = {}) => ({
      stream: registrationStream,
      data: JSON.stringify({ ...registrationMessage(machine), ...change }),
      timestamp: '2026-01-01T00:00:00Z',
    }),
    bareHeartbeat: () => ({
      stream: 'provider:heartbeat',
      data: JSON.stringify(heartbeatMessage(machine, providerId)),
      timestamp: '2026-01-01T00:00:00Z',
    }),
    delegation: async () => {
      const { reg, regsig } = await authorizeNodeKey(wallet, {
        providerId,
        nodeKey: nodeKey.address,
        audience,
        chainId,
      });
      return { message: JSON.parse(reg) as object, signature: regsig };
    },
    async responses(api: ApiUnderTest, after = '0', signer = signTarget) {
      const target = `/api/v1/providers/${providerId}/responses?after=${after}`;
      return await api.send('GET', target, undefined, await signer(target));
    },
  };
}
const post = (api: ApiUnderTest, message: object) => api.send('POST', '/api/v1/providers/messages', message);

test('a provider that reaches no Redis registers over HTTPS and gets its join command there', async () => {
  const atlas = provider();
  const sent = await post(required, await atlas.registration());
  expect(sent).toMatchObject({
    status: 202,
    json: { stream: registrationStream, id: expect.stringMatching(/^\d+-\d+$/) },
  });
  const answer = await until(
    async () => {
      const { json } = await atlas.responses(required);
      return json.responses[0];
    },
    { everyMs: 100 },
  );
  expect(answer.data).toMatchObject({ success: true, status: 'approved', node_name: atlas.providerId });
  expect(answer.data.join_command).toContain(answer.data.join_token);
  expect((await atlas.responses(required, answer.id)).json.responses).toEqual([]);
});

test('a provider on Redis that signs joins with its node, and its heartbeats keep it in service', async () => {
  const { config, db } = world.redis;
  const machine = startSimulatedProvider({
    redisUrl: `redis://${config.REDIS_HOST}:${config.REDIS_PORT}/${db}`,
    providerId: `sim-${randomBytes(5).toString('hex')}`,
    heartbeatIntervalMs: 200,
    signAs: { audience, chainId },
  });
  try {
    const { providerId, nodeName } = await machine.joined;
    expect(nodeName).toBe(providerId);
    await until(async () => (await rowOf(providerId)).status === 'available');
    expect(await rowOf(providerId)).toMatchObject({ wallet_verified: true });
    const heard = await lastHeartbeat(providerId);
    await until(async () => (await lastHeartbeat(providerId)) > heard);
  } finally {
    await machine.stop();
    await unlessNotFound(world.kubernetes.core.deleteNode({ name: machine.providerId }));
  }
});
const lastHeartbeat = async (providerId: string) => {
  const { rows } = await world.database.pool.query(
    'select last_heartbeat from provider_heartbeats where provider_id = $1',
    [providerId],
  );
  return rows[0].last_heartbeat as Date;
};

test('an answer that is to be sealed can be read by the machine that asked for it, and not in Redis', async () => {
  const atlas = provider();
  const { encKey, privateKey } = newSealingKey();
  await post(required, await atlas.registration({ enc_key: encKey }));
  const { data } = await until(async () => (await atlas.responses(required)).json.responses[0], { everyMs: 100 });
  expect(data).not.toHaveProperty('join_token');
  const { join_token: token, join_command: command } = openReply(data, atlas.providerId, privateKey);
  expect(command).toContain(token);
  const stored = JSON.stringify(await world.redis.redis.xrange(`provider:response:${atlas.providerId}`, '-', '+'));
  expect(stored).toContain('sealed');
  expect(stored).not.toContain(token!.split('.')[1]);
});

test('a registration with a key that cannot be sealed for gets no join command', async () => {
  const atlas = provider();
  await post(required, await atlas.registration({ enc_key: '00'.repeat(32) }));
  const { data } = await until(async () => (await atlas.responses(required)).json.responses[0], { everyMs: 100 });
  expect(data).toMatchObject({ success: false, status: 'rejected' });
});

test('the same message sent twice is one entry, and both senders hear of it', async () => {
  const atlas = provider();
  const message = await atlas.registration();
  const replies = await Promise.all([post(required, message), post(permissive, message), post(required, message)]);
  expect(replies.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect(new Set(replies.map(({ json }) => json.id)).size).toBe(1);
});

test('what was signed with a number that was used is refused once the first one was read', async () => {
  const atlas = provider();
  await post(required, await atlas.registration());
  await until(async () => (await atlas.responses(required)).json.responses.length > 0, { everyMs: 100 });
  const beat = await atlas.heartbeat();
  expect((await post(required, beat)).status).toBe(202);
  await until(
    async () => (await post(required, { ...beat, timestamp: new Date().toISOString() })).json.code === 'nonce_reused',
  );
});

test('a registration that lies about its key, text or wallet does not reach the stream', async () => {
  const atlas = provider();
  const good = await atlas.registration();
  const data = good['data']!.replace('198.18.0.7', '198.18.0.8');
  expect(data).not.toBe(good['data']);
  const attempts: [object, number, string][] = [
    [{ ...good, data }, 401, 'signature_invalid'],
    [{ ...good, key: newWallet().address }, 401, 'signature_invalid'],
    [{ ...good, seq: String(Number(good['seq']) + 1) }, 401, 'signature_invalid'],
    [{ ...good, stream: 'provider:capacity', data: atlas.bareHeartbeat().data }, 422, 'validation_failed'],
    [{ ...good, sig: `${good['sig']!.slice(0, 130)}` }, 400, 'malformed_request'],
    [{ ...good, reg: undefined }, 400, 'malformed_request'],
    [{ ...good, data: '{' }, 422, 'validation_failed'],
    [{ ...good, extra: 1 }, 422, 'validation_failed'],
  ];
  for (const [message, status, code] of attempts) {
    const reply = await post(required, message);
    expect([reply.status, reply.json.code]).toEqual([status, code]);
  }
  expect(await entriesOf(registrationStream, atlas.providerId)).toEqual([]);
});

test('a clock that is wrong is told the time', async () => {
  const nodeKey = newWallet();
  const wallet = newWallet();
  const sign = providerSigner({ nodeKey, audience, wallet, chainId, now: () => Date.now() - 300_000 });
  const fields = await sign(registrationStream, provider().bareRegistration({ wallet_addr: wallet.address }).data);
  const reply = await post(required, { stream: registrationStream, ...fields });
  expect(reply).toMatchObject({ status: 401, json: { code: 'timestamp_skew', server_time: expect.any(Number) } });
});

test('an unsigned message is refused where everybody signs, and never reaches the stream', async () => {
  const bare = provider();
  for (const message of [bare.bareRegistration(), bare.bareHeartbeat()]) {
    expect(await post(required, message)).toMatchObject({ status: 401, json: { code: 'auth_required' } });
    expect(await entriesOf(message.stream, bare.providerId)).toEqual([]);
  }
});

test('nobody but the holder of the node key reads the answers to a provider', async () => {
  const atlas = provider();
  await post(required, await atlas.registration());
  await until(async () => (await atlas.responses(required)).json.responses.length > 0, { everyMs: 100 });
  const target = `/api/v1/providers/${atlas.providerId}/responses?after=0`;
  const stranger = responsesSigner({ providerId: atlas.providerId, nodeKey: newWallet(), audience });
  const holder = responsesSigner({ providerId: atlas.providerId, nodeKey: atlas.nodeKey, audience });
  const other = responsesSigner({ providerId: provider().providerId, nodeKey: atlas.nodeKey, audience });
  const elsewhere = responsesSigner({
    providerId: atlas.providerId,
    nodeKey: atlas.nodeKey,
    audience: 'https://broker.example.org',
  });
  const attempts: [Record<string, string>, string][] = [
    [{}, 'auth_required'],
    [await stranger(target), 'delegation_invalid'],
    [await holder(target.replace('after=0', 'after=1-1')), 'signature_invalid'],
    [await other(target), 'signature_invalid'],
    [await elsewhere(target), 'signature_invalid'],
  ];
  for (const [headers, code] of attempts) {
    const reply = await required.send('GET', target, undefined, headers);
    expect([reply.status, reply.json.code]).toEqual([401, code]);
    expect(JSON.stringify(reply.json)).not.toContain('kubeadm');
  }
});

test('a request for answers is good once', async () => {
  const atlas = provider();
  await post(required, await atlas.registration());
  await until(async () => (await atlas.responses(required)).json.responses.length > 0, { everyMs: 100 });
  const target = `/api/v1/providers/${atlas.providerId}/responses`;
  const headers = await responsesSigner({ providerId: atlas.providerId, nodeKey: atlas.nodeKey, audience })(target);
  const replies = await Promise.all(Array.from({ length: 6 }, () => required.send('GET', target, undefined, headers)));
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401]);
});

test('the signature of a heartbeat does not open the answers', async () => {
  const atlas = provider();
  await post(required, await atlas.registration());
  await until(async () => (await atlas.responses(required)).json.responses.length > 0, { everyMs: 100 });
  const { key, seq, ts, sig } = (await atlas.heartbeat()) as Record<string, string>;
  const headers = {
    'x-provider-key': key!,
    'x-provider-seq': seq!,
    'x-provider-timestamp': ts!,
    'x-provider-signature': sig!,
  };
  const reply = await required.send('GET', `/api/v1/providers/${atlas.providerId}/responses`, undefined, headers);
  expect(reply).toMatchObject({ status: 401, json: { code: 'signature_invalid' } });
});

test('answers may be kept by nobody and stand in no log', async () => {
  const atlas = provider();
  const registration = await atlas.registration();
  await post(required, registration);
  const reply = await until(
    async () => {
      const read = await atlas.responses(required);
      return read.json.responses.length > 0 && read;
    },
    { everyMs: 100 },
  );
  expect(reply.headers.get('cache-control')).toBe('no-store');
  const log = required.logged.join('\n');
  expect(log).toContain('/api/v1/providers/:id/responses');
  for (const secret of [reply.json.responses[0].data.join_token, registration['sig'], registration['regsig']]) {
    expect(log).not.toContain(secret);
  }
});

/** Publishes an unsigned registration and waits until the broker has answered that it has to be approved. */
async function waiting(change: object = {}) {
  const bare = provider();
  expect((await post(permissive, bare.bareRegistration(change))).status).toBe(202);
  await until(async () => (await answersOf(bare.providerId)).includes('pending'));
  return bare;
}
const answersOf = async (providerId: string) =>
  (await world.redis.redis.xrange(`provider:response:${providerId}`, '-', '+')).map(
    ([, fields]) => (JSON.parse(fields[fields.indexOf('data') + 1]!) as { status: string }).status,
  );
const rowOf = async (providerId: string) =>
  (await world.database.pool.query('select * from providers where provider_id = $1', [providerId])).rows[0];

test('an unsigned provider waits without a join command until an operator approves it', async () => {
  const bare = await waiting();
  const tokens = () => world.database.pool.query('select from join_tokens where provider_id = $1', [bare.providerId]);
  expect((await tokens()).rows).toEqual([]);
  expect(await rowOf(bare.providerId)).toMatchObject({ status: 'pending', wallet_verified: false });

  const admin = await permissive.login(operator, ['admin']);
  const body = { wallet: bare.wallet.address };
  const approved = await admin.request('POST', `/api/v1/admin/providers/${bare.providerId}/approve`, body);
  expect(approved).toMatchObject({ status: 200, body: { provider_id: bare.providerId } });
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
  await until(async () => (await rowOf(bare.providerId)).status === 'approved');
  expect(await rowOf(bare.providerId)).toMatchObject({ wallet_verified: false });

  // Registered once more, as after a restart of its agent, it needs no second approval.
  await world.redis.redis.del(`provider:response:${bare.providerId}`);
  await post(permissive, bare.bareRegistration({ agent_version: '1.0.1' }));
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
});

test('an unsigned provider that asked for a sealed answer gets one after its approval, too', async () => {
  const { encKey, privateKey } = newSealingKey();
  const bare = await waiting({ enc_key: encKey });
  const admin = await permissive.login(operator, ['admin']);
  await admin.request('POST', `/api/v1/admin/providers/${bare.providerId}/approve`);
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
  const [[, fields]] = (await world.redis.redis.xrange(`provider:response:${bare.providerId}`, '-', '+')) as [
    [string, string[]],
  ];
  const data = JSON.parse(fields[fields.indexOf('data') + 1]!);
  expect(data).not.toHaveProperty('join_command');
  expect(openReply(data, bare.providerId, privateKey).join_command).toMatch(/^kubeadm join /);
});

test('an approval repeated after a crash is the same approval', async () => {
  const bare = await waiting();
  const admin = await permissive.login(operator, ['admin']);
  const approve = () => admin.request('POST', `/api/v1/admin/providers/${bare.providerId}/approve`);
  expect((await approve()).status).toBe(200);
  const { approved_at: first } = await rowOf(bare.providerId);
  expect((await approve()).status).toBe(200);
  expect((await rowOf(bare.providerId)).approved_at).toEqual(first);
  const { rows } = await world.database.pool.query(
    `select from provider_registrations where provider_id = $1 and message_id like 'approval-%'`,
    [bare.providerId],
  );
  expect(rows).toHaveLength(1);
});

test('an approval that was written and not announced is found by the next registration', async () => {
  const bare = await waiting();
  await world.database.pool.query(
    `update providers set approved_wallet = wallet_addr, approved_by = 'test', approved_at = now() where provider_id = $1`,
    [bare.providerId],
  );
  await post(permissive, bare.bareRegistration({ agent_version: '1.0.1' }));
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
});

test('an approval is for the wallet that was seen, and holds for no other', async () => {
  const bare = await waiting();
  const admin = await permissive.login(operator, ['admin']);
  const path = `/api/v1/admin/providers/${bare.providerId}/approve`;
  expect(await admin.request('POST', path, { wallet: newWallet().address })).toMatchObject({ status: 422 });
  expect(await admin.request('POST', path, { wallet: bare.wallet.address })).toMatchObject({ status: 200 });
  const stolen = await post(permissive, bare.bareRegistration({ wallet_addr: newWallet().address }));
  expect(stolen).toMatchObject({ status: 403, json: { code: 'provider_not_yours' } });
});

test('only an operator approves, and only what waits for it', async () => {
  const bare = await waiting();
  const path = `/api/v1/admin/providers/${bare.providerId}/approve`;
  const owner = await permissive.login(bare.wallet);
  expect(await owner.request('POST', path)).toMatchObject({ status: 403, body: { code: 'scope_denied' } });
  expect((await permissive.send('POST', path)).status).toBe(401);
  const admin = await permissive.login(operator, ['admin']);
  const bearer = { authorization: `Bearer ${await (await permissive.login(operator)).token()}` };
  expect((await permissive.send('POST', path, undefined, bearer)).status).toBe(401);
  expect(await admin.request('POST', '/api/v1/admin/providers/web-nobody/approve')).toMatchObject({ status: 404 });
  const signer = provider();
  await post(permissive, await signer.registration());
  await until(async () => (await rowOf(signer.providerId)) !== undefined);
  expect(await admin.request('POST', `/api/v1/admin/providers/${signer.providerId}/approve`)).toMatchObject({
    status: 409,
    body: { code: 'approval_not_needed' },
  });
});

test('the owner of the wallet that an unsigned provider named lets it in, and its payouts are proven his', async () => {
  const bare = await waiting();
  const owner = await permissive.login(bare.wallet);
  const claim = await bare.delegation();
  const path = `/api/v1/providers/${bare.providerId}/claim`;
  expect(await owner.request('POST', path, claim)).toMatchObject({
    status: 200,
    body: { provider_id: bare.providerId },
  });
  await until(async () => (await answersOf(bare.providerId)).includes('approved'));
  await until(async () => (await rowOf(bare.providerId)).status === 'approved');
  expect(await rowOf(bare.providerId)).toMatchObject({ wallet_verified: true });
  expect((await owner.request('POST', path, claim)).status).toBe(200);

  // Its agent has not signed anything yet; once it has, there is no way back.
  expect((await post(permissive, bare.bareHeartbeat())).status).toBe(202);
  expect((await post(permissive, await bare.heartbeat())).status).toBe(202);
  await until(async () => {
    const { rows } = await world.database.pool.query(
      'select signed_at from provider_identities where provider_id = $1',
      [bare.providerId],
    );
    return rows[0].signed_at !== null;
  });
  const late = { ...bare.bareHeartbeat(), timestamp: new Date().toISOString() };
  expect(await post(permissive, late)).toMatchObject({ status: 401, json: { code: 'auth_required' } });
});

test('nobody claims a provider that named another wallet, or with another’s signature', async () => {
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

test('a node that another provider owns is not given to one that takes its name', async () => {
  const taken = await world.provider();
  const [forger, wallet] = [newWallet(), newWallet()];
  const sign = providerSigner({ nodeKey: forger, audience, wallet, chainId });
  const fields = await sign(registrationStream, JSON.stringify({ provider_id: taken, wallet_addr: wallet.address }));
  expect(await post(required, { stream: registrationStream, ...fields })).toMatchObject({
    status: 403,
    json: { code: 'provider_not_yours' },
  });
  expect(await unlessNotFound(world.kubernetes.core.readNode({ name: taken }))).toBeDefined();
});
