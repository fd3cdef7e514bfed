import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { providerSigner, responsesSigner } from '../../src/provider-agent/signer.js';
import { startSimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { newSealingKey, openReply } from '../../src/wire/sealed-answer.js';
import { audience, newWallet } from '../support/api.js';
import {
  chainId,
  createFrontier,
  httpsProvider as provider,
  registrationStream,
  type ApiUnderTest,
  type Frontier,
} from '../support/https-providers.js';
import { until } from '../support/until.js';
import type { World } from '../support/world.js';

let frontier: Frontier;
let world: World;
/** The API with the routes under test, where unsigned messages are taken and where they are not. */
let permissive: ApiUnderTest;
let required: ApiUnderTest;

beforeAll(async () => {
  frontier = await createFrontier();
  world = frontier.world;
  permissive = await frontier.apiIn('permissive');
  required = await frontier.apiIn('required');
}, 120_000);

afterAll(() => frontier.close(), 60_000);

test('a provider that cannot reach Redis registers over HTTPS and gets its join command there', async () => {
  const atlas = provider();
  const sent = await required.post(await atlas.registration());
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
  expect(answer.data).toMatchObject({ success: true, status: 'approved', node_name: `p-${atlas.providerId}-1` });
  expect(answer.data.join_command).toContain(answer.data.join_token);
  expect((await atlas.responses(required, answer.id)).json.responses).toEqual([]);
});

test('a signing provider on Redis joins with its node, and its heartbeats keep it in service', async () => {
  const { config, db } = world.redis;
  const machine = startSimulatedProvider({
    redisUrl: `redis://${config.REDIS_HOST}:${config.REDIS_PORT}/${db}`,
    providerId: `sim-${randomBytes(5).toString('hex')}`,
    heartbeatIntervalMs: 200,
    signAs: { audience, chainId },
  });
  try {
    const { providerId, nodeName } = await machine.joined;
    expect(nodeName).toBe(`p-${providerId}-1`);
    await until(async () => (await frontier.rowOf(providerId)).status === 'available');
    expect(await frontier.rowOf(providerId)).toMatchObject({ wallet_verified: true });
    const heard = await lastHeartbeat(providerId);
    await until(async () => (await lastHeartbeat(providerId)) > heard);
  } finally {
    await machine.stop();
    await unlessNotFound(world.kubernetes.core.deleteNode({ name: `p-${machine.providerId}-1` }));
  }
});
const lastHeartbeat = async (providerId: string) => {
  const { rows } = await world.database.pool.query(
    'select last_heartbeat from provider_heartbeats where provider_id = $1',
    [providerId],
  );
  return rows[0].last_heartbeat as Date;
};

test('a sealed answer can be read by the machine that asked for it, and not in Redis', async () => {
  const atlas = provider();
  const { encKey, privateKey } = newSealingKey();
  await required.post(await atlas.registration({ enc_key: encKey }));
  const { data } = await until(async () => (await atlas.responses(required)).json.responses[0], { everyMs: 100 });
  expect(data).not.toHaveProperty('join_token');
  const { join_token: token, join_command: command } = openReply(data, atlas.providerId, privateKey);
  expect(command).toContain(token);
  const stored = JSON.stringify(await world.redis.redis.xrange(`provider:response:${atlas.providerId}`, '-', '+'));
  expect(stored).toContain('sealed');
  expect(stored).not.toContain(token!.split('.')[1]);
});

test('a registration whose key cannot be used for sealing gets no join command', async () => {
  const atlas = provider();
  await required.post(await atlas.registration({ enc_key: '00'.repeat(32) }));
  const { data } = await until(async () => (await atlas.responses(required)).json.responses[0], { everyMs: 100 });
  expect(data).toMatchObject({ success: false, status: 'rejected' });
});

test('a message that is sent twice is one entry, and both senders are told', async () => {
  const atlas = provider();
  const message = await atlas.registration();
  const replies = await Promise.all([required.post(message), permissive.post(message), required.post(message)]);
  expect(replies.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect(new Set(replies.map(({ json }) => json.id)).size).toBe(1);
});

test('a message signed with a used number is refused once the first one was read', async () => {
  const atlas = provider();
  await required.post(await atlas.registration());
  await until(async () => (await atlas.responses(required)).json.responses.length > 0, { everyMs: 100 });
  const beat = await atlas.heartbeat();
  expect((await required.post(beat)).status).toBe(202);
  await until(
    async () => (await required.post({ ...beat, timestamp: new Date().toISOString() })).json.code === 'nonce_reused',
  );
});

test('a registration with a false key, text or wallet does not reach the stream', async () => {
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
    const reply = await required.post(message);
    expect([reply.status, reply.json.code]).toEqual([status, code]);
  }
  expect(await frontier.entriesOf(registrationStream, atlas.providerId)).toEqual([]);
});

test('a provider with a wrong clock is told the time', async () => {
  const nodeKey = newWallet();
  const wallet = newWallet();
  const sign = providerSigner({ nodeKey, audience, wallet, chainId, now: () => Date.now() - 300_000 });
  const fields = await sign(registrationStream, provider().bareRegistration({ wallet_addr: wallet.address }).data);
  const reply = await required.post({ stream: registrationStream, ...fields });
  expect(reply).toMatchObject({ status: 401, json: { code: 'timestamp_skew', server_time: expect.any(Number) } });
});

test('an unsigned message is refused where signatures are required, and never reaches the stream', async () => {
  const bare = provider();
  for (const message of [bare.bareRegistration(), bare.bareHeartbeat()]) {
    expect(await required.post(message)).toMatchObject({ status: 401, json: { code: 'auth_required' } });
    expect(await frontier.entriesOf(message.stream, bare.providerId)).toEqual([]);
  }
});

test('only the holder of the node key can read the answers to a provider', async () => {
  const atlas = provider();
  await required.post(await atlas.registration());
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

test('a request for answers can be used once', async () => {
  const atlas = provider();
  await required.post(await atlas.registration());
  await until(async () => (await atlas.responses(required)).json.responses.length > 0, { everyMs: 100 });
  const target = `/api/v1/providers/${atlas.providerId}/responses`;
  const headers = await responsesSigner({ providerId: atlas.providerId, nodeKey: atlas.nodeKey, audience })(target);
  const replies = await Promise.all(Array.from({ length: 6 }, () => required.send('GET', target, undefined, headers)));
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401]);
});

test('the signature of a heartbeat cannot be used to read answers', async () => {
  const atlas = provider();
  await required.post(await atlas.registration());
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

test('answers must not be cached and appear in no log', async () => {
  const atlas = provider();
  const registration = await atlas.registration();
  await required.post(registration);
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
test('the node of one provider is not given to another that takes its name', async () => {
  const taken = await world.provider();
  const [forger, wallet] = [newWallet(), newWallet()];
  const sign = providerSigner({ nodeKey: forger, audience, wallet, chainId });
  const fields = await sign(registrationStream, JSON.stringify({ provider_id: taken, wallet_addr: wallet.address }));
  expect(await required.post({ stream: registrationStream, ...fields })).toMatchObject({
    status: 403,
    json: { code: 'provider_not_yours' },
  });
  expect(await unlessNotFound(world.kubernetes.core.readNode({ name: taken }))).toBeDefined();
});
