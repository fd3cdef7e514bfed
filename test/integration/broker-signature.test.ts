import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts';
import { createReplySigner, publishedKeys } from '../../src/auth/broker-key.js';
import { readAnswerSignature, signAnswer, writeAnswerSignature } from '../../src/wire/answer-signature.js';
import { authorizeNodeKey } from '../../src/provider-agent/signer.js';
import { SigningClock } from '../../src/provider-agent/signing-clock.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { registrationMessage } from '../../engines/simulated-provider/messages.js';
import type { BrokerLink } from '../../src/provider-agent/broker-link.js';
import { openHttpsLink } from '../../src/provider-agent/https-link.js';
import { openRedisLink } from '../../src/provider-agent/redis-link.js';
import { createRegistration } from '../../src/provider-agent/registration.js';
import { askForKeys, createTrust, keepTrusted, readTrusted } from '../../src/provider-agent/trust.js';
import { publishReply } from '../../src/redis/join-answers/join-answers.js';
import { sealReply } from '../../src/wire/sealed-answer.js';
import { responseStream, streams } from '../../src/wire/streams.js';
import { audience, newWallet } from '../support/api.js';
import {
  chainId,
  createFrontier,
  httpsProvider,
  type ApiUnderTest,
  type Frontier,
} from '../support/https-providers.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';
import { readDelegation } from '../../src/wire/node-key-delegation.js';

let frontier: Frontier;
let api: ApiUnderTest;
let folder: string;
const opened: BrokerLink[] = [];

beforeAll(async () => {
  frontier = await createFrontier();
  api = await frontier.apiIn('required');
}, 120_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'broker-signature-'));
});
afterAll(async () => {
  for (const link of opened) link.close();
  await frontier.close();
}, 60_000);

const redis = () => frontier.world.redis.redis;
const pool = () => frontier.world.database.pool;
/** What leads to a cluster of somebody else's. */
const forged = {
  success: true,
  status: 'approved',
  join_token: 'abcdef.0123456789abcdef',
  join_command: `kubeadm join 198.51.100.1:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:${'0'.repeat(64)}`,
};
const stranger = privateKeyToAccount(generatePrivateKey());
/** The same, signed by a key that is nobody's. */
async function signedByStranger(providerId: string, data: string): Promise<string> {
  return writeAnswerSignature(
    await signAnswer(stranger, { audience, providerId, ts: Math.floor(Date.now() / 1_000), data }),
  );
}

/** Our agent, as far as it speaks with the broker. */
async function newAgent(way: 'HTTPS' | 'Redis') {
  const [wallet, nodeKey] = [newWallet(), newWallet()];
  const { providerId } = httpsProvider();
  const machine = simulatedMachine({ providerId, wallet: wallet.address, address: '198.18.0.9' });
  const authorization = await authorizeNodeKey(wallet, { providerId, nodeKey: nodeKey.address, audience, chainId });
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  const file = join(folder, 'broker-keys.json');
  const trust = createTrust({ providerId, audience, file, say, ask: () => askForKeys(api.url) });
  const delegation = { authorization, message: readDelegation(authorization.reg)! };
  const common = { nodeKey, delegation, clock: new SigningClock(), trust, signal: new AbortController().signal, say };
  const { config, db } = frontier.world.redis;
  const url = `redis://${config.REDIS_HOST}:${config.REDIS_PORT}/${db}`;
  const link = way === 'HTTPS' ? openHttpsLink({ ...common, api: api.url }) : openRedisLink({ ...common, url });
  opened.push(link);
  const registration = createRegistration(link, providerId, say);
  return {
    ...{ providerId, said, file, link, registration },
    register: () => registration.submit((encKey) => ({ ...registrationMessage(machine), enc_key: encKey })),
  };
}

/** The key for which the answer to the newest registration of a provider is to be sealed: everybody reads it there. */
async function sealingKeyOf(providerId: string): Promise<string> {
  return await until(async () => {
    const entries = await redis().xrange(streams.registration, '-', '+');
    const found = entries.findLast(([, [, data = '']]) => data.includes(providerId));
    return found === undefined ? undefined : (JSON.parse(found[1][1]!) as { enc_key: string }).enc_key;
  });
}

test('an answer that somebody else wrote into Redis is not handed out over HTTPS, and one of the broker is', async () => {
  const atlas = httpsProvider();
  await api.post(await atlas.registration());
  await until(async () => (await atlas.responses(api)).json.responses.length > 0, { everyMs: 100 });
  const stream = responseStream(atlas.providerId);
  const data = JSON.stringify(forged);
  const [[, fields] = []] = await redis().xrevrange(stream, '+', '-', 'COUNT', 1);
  const genuine = fields![fields!.indexOf('bsig') + 1]!;
  await redis().xadd(stream, '*', 'data', data, 'timestamp', '2026-01-01T00:00:00Z');
  await redis().xadd(stream, '*', 'data', data, 'timestamp', '2026-01-01T00:00:00Z', 'bsig', genuine);
  await redis().xadd(stream, '*', 'data', data, 'bsig', await signedByStranger(atlas.providerId, data));
  const { responses } = (await atlas.responses(api)).json;
  expect(responses).toHaveLength(1);
  expect(responses[0]).toMatchObject({ bsig: genuine, data: { success: true, node_name: `p-${atlas.providerId}-1` } });
  expect(JSON.parse(responses[0].text)).toEqual(responses[0].data);
});

test.each(['HTTPS', 'Redis'] as const)(
  'over %s the agent joins by an answer of the broker and by no other',
  async (way) => {
    const agent = await newAgent(way);
    const answered = agent.register();
    answered.catch(() => undefined);
    // A racer who reads the registration, and seals his answer as the broker would.
    const data = JSON.stringify(sealReply(forged, agent.providerId, await sealingKeyOf(agent.providerId)));
    for (const bsig of [[], ['bsig', await signedByStranger(agent.providerId, data)]])
      await redis().xadd(responseStream(agent.providerId), '*', 'data', data, 'timestamp', 'now', ...bsig);
    const reply = await answered;
    expect(reply.join_command).toContain('--node-name p-');
    expect(reply.join_command).not.toContain('198.51.100.1');
    expect(readTrusted(agent.file, audience)).toEqual({ key: (await publishedKeys(pool())).current, replaced: [] });
  },
  60_000,
);

/** What the site says of its keys, once it says what stands in the database. */
async function publishedBySite() {
  return await until(
    async () => {
      const { json } = await api.send('GET', '/api/v1/site');
      return json.broker_keys.key === (await publishedKeys(pool())).current && json.broker_keys;
    },
    { everyMs: 200, name: 'the site says the key of now' },
  );
}

const chapter = story('a new key of the broker is trusted only if its predecessor or the owner introduces it', 180_000);

chapter('an agent trusts a key that its predecessor introduces, and the predecessor no longer', async () => {
  const operator = await api.login(frontier.operator, ['admin']);
  const agent = await newAgent('Redis');
  await agent.register();
  const before = (await publishedKeys(pool())).current;
  expect((await operator.request('POST', '/api/v1/admin/broker-keys')).status).toBe(201);
  expect((await operator.request('POST', '/api/v1/admin/broker-keys')).status).toBe(201);
  const { current, introductions } = await publishedKeys(pool());
  expect(introductions.slice(-2).map(({ by }) => by)).toContain(before);
  expect(await agent.register()).toMatchObject({ success: true });
  expect(readTrusted(agent.file, audience)).toMatchObject({ key: current, replaced: expect.arrayContaining([before]) });
  const { rows } = await pool().query('select private_key is null as gone from broker_keys order by generation');
  expect(rows.map(({ gone }) => gone)).toEqual([...introductions.map(() => true), false]);
});

chapter('the site shows the new key and how it was introduced', async () => {
  const reply = await publishedBySite();
  expect(reply.introductions.at(-1)).toMatchObject({
    key: reply.key,
    since: reply.since,
    sig: expect.stringMatching(/^0x/),
  });
});

chapter('without its predecessor, a new key is trusted only after the owner confirms it', async () => {
  const agent = await newAgent('Redis');
  await agent.register();
  await pool().query('delete from broker_keys');
  const sign = createReplySigner({ pool: pool(), config: { AUTH_AUDIENCE: audience } });
  await agent.link.listen();
  const rejected = { success: false, status: 'rejected', message: 'no' };
  await publishReply(redis(), agent.providerId, rejected, { sign });
  expect(await agent.link.nextReply(2_000)).toBeUndefined();
  expect(agent.said.at(-1)).toContain('provider-agent trust');
  const { current } = await publishedKeys(pool());
  keepTrusted(agent.file, audience, current);
  await publishReply(redis(), agent.providerId, rejected, { sign });
  expect(await agent.link.nextReply(5_000)).toMatchObject(rejected);
  // What the site says is kept for a while, and others trust it.
  await publishedBySite();
});

test('a signed answer is valid for one provider and one text, and not for a later message', async () => {
  const sign = createReplySigner({ pool: pool(), config: { AUTH_AUDIENCE: audience } });
  const data = JSON.stringify({ success: false, status: 'rejected' });
  const bsig = await sign('atlas', data);
  const said: string[] = [];
  const trustOf = (providerId: string) =>
    createTrust({
      ...{ providerId, audience, file: join(folder, 'keys.json'), ask: () => askForKeys(api.url) },
      say: (line) => said.push(line),
    });
  await until(async () => (await askForKeys(api.url)).key === readAnswerSignature(bsig)!.key, { everyMs: 200 });
  const atlas = trustOf('atlas');
  expect(await atlas.isGenuine({ text: data, bsig })).toBe(true);
  expect(await trustOf('delphi').isGenuine({ text: data, bsig })).toBe(false);
  expect(await atlas.isGenuine({ text: data.replace('false', 'true'), bsig })).toBe(false);
  expect(await atlas.isGenuine({ text: data, bsig: undefined })).toBe(false);
  expect(await atlas.isGenuine({ text: data, bsig: '{}' })).toBe(false);
  atlas.expectFrom(Date.now() + 121_000 + 2_000);
  expect(await atlas.isGenuine({ text: data, bsig })).toBe(false);
  expect(said.at(-1)).toContain('older than the message');
  rmSync(folder, { recursive: true });
});
