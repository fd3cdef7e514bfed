import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generatePrivateKey } from 'viem/accounts';
import { providerSigner, responsesSigner } from '../../src/provider-agent/signer.js';
import { audience, newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { bindNodeKey, httpsProvider } from '../support/https-providers.js';
import { filled, readHttpFile, type HttpExample } from '../support/http-file.js';
import { jobsThatRun } from '../support/jobs-that-run.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let api: Api;

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  await putProvider(database.pool, { providerId: 'big-machine' });
  const env = { PROVIDER_AUTH_MODE: 'permissive' };
  api = await startApi({ database, redis, env, commands: { jobs: jobsThatRun(database.pool, 'big-machine') } });
});
afterAll(async () => {
  await api?.stop();
  await Promise.all([database?.close(), redis?.close()]);
});

type Answers = Map<string, { status: number; body: unknown }>;

/** Sends the requests of a file in order, each with its variables. @returns the responses. */
async function follow(
  path: string,
  variablesOf: (example: HttpExample, answered: Answers) => Promise<Record<string, string>>,
): Promise<Answers> {
  const { variables, examples } = readHttpFile(path);
  const answered: Answers = new Map();
  const bodies = new Map<string, unknown>();
  expect(examples.length).toBeGreaterThan(5);
  for (const example of examples) {
    const values = { ...variables, ...(await variablesOf(example, answered)), api: api.url };
    const inJson = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, JSON.stringify(value).slice(1, -1)]),
    );
    const headers = Object.entries(example.headers).map(([name, value]) => [name, filled(value, values, bodies)]);
    const response = await fetch(filled(example.target, values, bodies), {
      method: example.method,
      headers: Object.fromEntries(headers),
      ...(example.body === undefined ? {} : { body: filled(example.body, inJson, bodies) }),
    });
    const text = await response.text();
    expect([example.title, example.answers, text]).toEqual([
      example.title,
      expect.arrayContaining([response.status]),
      text,
    ]);
    const body: unknown = JSON.parse(text);
    answered.set(example.title, { status: response.status, body });
    if (example.name === undefined) continue;
    bodies.set(example.name, body);
    answered.set(example.name, { status: response.status, body });
  }
  return answered;
}

test('every example file with requests has a test', () => {
  expect(readdirSync('examples').filter((name) => name.endsWith('.http'))).toEqual(['customer.http', 'provider.http']);
});

test('the customer’s examples of token, order, extension, cancellation and bill work as written', async () => {
  const line = /^# \$ (WALLET_PRIVATE_KEY=\S+ npm run -s login -- .*)$/m.exec(
    readFileSync('examples/customer.http', 'utf8'),
  )![1]!;
  const command = `${line.replace(/0x…/, generatePrivateKey()).replace('http://localhost:8080', api.url)} --audience ${audience}`;
  const { stdout } = await promisify(execFile)('bash', ['-c', command]);
  const token = stdout.trim();

  const answered = await follow('examples/customer.http', async () => ({ token }));
  expect(answered.get('order')).toMatchObject({
    status: 201,
    body: { status: 'running', gpu_count: 2, ssh_command: expect.stringMatching(/^ssh /) },
  });
  const { spend_limit, spend_reserved, spend_spent } = answered.get('bill')!.body as Record<string, string>;
  expect([spend_limit, spend_reserved]).toEqual([`${10n ** 20n}`, '0']);
  expect(BigInt(spend_spent!)).toBeGreaterThan(0n);
}, 120_000);

test('the messages of the provider’s examples are accepted, unsigned and signed', async () => {
  const [wallet, nodeKey] = [newWallet(), newWallet()];
  const providerId = 'my-machine-1';
  const sign = providerSigner({ nodeKey, audience, wallet, chainId: 1 });
  const signTarget = responsesSigner({ providerId, nodeKey, audience });

  /** The values for the lines at the top of the file, made as the agent makes them. */
  const signatureOf = async ({ name, body, target }: HttpExample): Promise<Record<string, string>> => {
    if (name === undefined) return {};
    // As the relay does after reading the registration.
    if (name === 'heartbeat') await bindNodeKey(database.pool, { ...httpsProvider(), providerId, wallet, nodeKey });
    if (body === undefined) {
      const headers = await signTarget(target.replace('{{api}}', ''));
      const [key, seq, ts, sig] = Object.values(headers);
      return { key: key!, seq: seq!, ts: ts!, sig: sig! };
    }
    const { stream, data } = JSON.parse(body) as { stream: string; data: string };
    return await sign(stream, data);
  };
  const answered = await follow('examples/provider.http', signatureOf);
  expect(answered.get('registration')?.body).toMatchObject({ stream: 'provider:registration' });
  expect(answered.get('capacity')?.body).toMatchObject({ stream: 'provider:capacity' });
});
