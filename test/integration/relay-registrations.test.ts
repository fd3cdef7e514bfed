import { connect, createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { setBlock } from '../../src/db/blocks.js';
import { hasRoomForProvider, neverJoinedUnsigned } from '../../src/db/never-joined.js';
import { Client, Connection } from '@temporalio/client';
import type { ProviderVerifier } from '../../src/domain/provider-verdict.js';
import { loadRegistration, messageRates, takeRegistration } from '../../src/db/registrations.js';
import { BrokerError } from '../../src/domain/errors.js';
import { groupFigures } from '../../src/redis/streams/group.js';
import { brokerGroup, responseStream, streams } from '../../src/wire/streams.js';
import {
  checking,
  createRelayWorld,
  newProviderId,
  registrationData,
  trusting,
  type RelayWorld,
} from '../support/relay.js';
import { until } from '../support/until.js';

const { registration, capacity } = streams;

let world: RelayWorld;
beforeAll(async () => {
  world = await createRelayWorld();
});
afterEach(() => world.reset());
afterAll(() => world.close());

const publish = async (stream: string, data: string, id = '*') => (await world.redis.xadd(stream, id, 'data', data))!;
const signalled = (providerId: string, signal?: string) =>
  until(async () => {
    const ids = await world.signals(providerId, signal);
    return ids.length > 0 && ids;
  });
const settled = (stream: string) => until(async () => (await world.pending(stream)) === 0);
const capacityData = (providerId: string) =>
  JSON.stringify({ provider_id: providerId, node_name: providerId, capacity: { gpu_count: 1, gpu_price_per_hour: 2 } });

test('a registration starts the workflow of its provider, which finds it in the database', async () => {
  await world.start();
  const providerId = newProviderId();
  await publish(registration, registrationData(providerId));
  const [messageId] = await signalled(providerId);
  const description = await world.temporal.workflow.getHandle(`provider:${providerId}`).describe();
  expect(description).toMatchObject({
    type: 'providerLifecycle',
    taskQueue: world.config.TEMPORAL_TASK_QUEUE,
    status: { name: 'RUNNING' },
    searchAttributes: { ProviderId: [providerId], ProviderStatus: ['pending'] },
  });
  expect(await loadRegistration(world.pool, messageId!)).toMatchObject({
    registration: { providerId, capacity: { gpuCount: 2 } },
    wallet: `0x${'1'.repeat(40)}`,
    signed: false,
  });
});

test('messages published before any relay ran are not lost', async () => {
  const providerId = newProviderId();
  await publish(registration, registrationData(providerId));
  await world.start();
  expect(await signalled(providerId)).toHaveLength(1);
});

test('an entry whose relay died before acknowledging it is signalled again, which its workflow recognizes', async () => {
  await world.start();
  const providerId = newProviderId();
  const id = await publish(registration, registrationData(providerId));
  await signalled(providerId);
  await settled(registration);
  // The entry as such a relay leaves it: pending with somebody who is not there.
  await world.redis.xclaim(registration, brokerGroup, 'died', 0, id, 'FORCE', 'JUSTID');
  const ids = await until(async () => {
    const all = await world.signals(providerId);
    return all.length === 2 && all;
  });
  expect(new Set(ids).size).toBe(1);
  const { rows } = await world.pool.query('select from provider_registrations where provider_id = $1', [providerId]);
  expect(rows).toHaveLength(1);
});

test('a registration that waited counts from when it was published, not from when it was read', async () => {
  const providerId = newProviderId();
  const publishedMs = Date.now() - 3_600_000;
  await publish(registration, registrationData(providerId), `${publishedMs}-0`);
  await world.start();
  const [messageId] = await signalled(providerId);
  expect((await loadRegistration(world.pool, messageId!))!.receivedAt.getTime()).toBe(publishedMs);
});

test('a registration and a capacity update whose entries have one id are not taken for duplicates', async () => {
  await world.start();
  const [one, two] = [newProviderId(), newProviderId()];
  await publish(registration, registrationData(two));
  await signalled(two);
  const id = `${Date.now()}-7`;
  await publish(registration, registrationData(one), id);
  await publish(capacity, capacityData(two), id);
  const [[first], [second]] = await Promise.all([signalled(one), signalled(two, 'capacityReported')]);
  expect((await loadRegistration(world.pool, first!))!.registration.providerId).toBe(one);
  expect((await loadRegistration(world.pool, second!))!.registration.providerId).toBe(two);
});

test.each([
  ['no data', ['timestamp', '2026-01-01T00:00:00Z'], /^invalid: there is no field data$/],
  ['data that is not JSON', ['data', '{"provider_id":'], /^invalid: data is not JSON$/],
  [
    'an invalid number',
    ['data', registrationData('prov-a', { capacity: { gpu_count: 'two' } })],
    /^invalid: capacity\.gpu_count: /,
  ],
  ['an id that no label can hold', ['data', registrationData('Prov_A')], /^invalid: provider_id: must be 3 to 60/],
  ['more than 64 KiB', ['data', registrationData('prov-a', { padding: 'x'.repeat(65_536) })], /^too_large: /],
])('an entry with %s becomes a dead letter with its reason, and the next one is read', async (_, fields, reason) => {
  await world.start();
  const providerId = newProviderId();
  const id = await world.redis.xadd(registration, '*', ...fields);
  await publish(registration, registrationData(providerId));
  await signalled(providerId);
  await settled(registration);
  const letters = await world.deadLetters(registration);
  expect(letters).toMatchObject([
    { orig_id: id, reason: expect.stringMatching(reason), deliveries: '1', data: expect.any(String) },
  ]);
  expect(Buffer.byteLength(letters[0]!['data']!)).toBeLessThanOrEqual(8_192);
});

test('a provider whose registration is invalid is told what to correct', async () => {
  await world.start();
  const providerId = newProviderId();
  await publish(registration, registrationData(providerId, { wallet_addr: '0x12' }));
  // As the public agents do it: the group is made after publishing.
  const agent = world.connect(true);
  const reply = await until(async () => {
    await agent.xgroup('CREATE', responseStream(providerId), 'agent-group', '$', 'MKSTREAM').catch(() => undefined);
    const read = await agent.xreadgroup(
      'GROUP',
      'agent-group',
      'a',
      'COUNT',
      1,
      'BLOCK',
      5_000,
      'STREAMS',
      responseStream(providerId),
      '>',
    );
    return (read as [string, [string, string[]][]][] | null)?.[0]?.[1][0]?.[1][1];
  });
  expect(JSON.parse(reply)).toEqual({
    success: false,
    status: 'rejected',
    message: expect.stringContaining('wallet_addr: must be an address'),
  });
});

test('the registration of a blocked provider becomes a dead letter, and others are read', async () => {
  await world.start();
  const [blocked, other] = [newProviderId(), newProviderId()];
  await setBlock(world.pool, {
    kind: 'provider',
    value: blocked,
    reason: 'wrong GPUs',
    blockedBy: `0x${'1'.repeat(40)}`,
  });
  const id = await publish(registration, registrationData(blocked));
  await publish(registration, registrationData(other));
  await signalled(other);
  const letters = await until(async () => {
    const found = (await world.deadLetters(registration)).filter((letter) => letter['orig_id'] === id);
    return found.length === 0 ? undefined : found;
  });
  expect(letters).toMatchObject([{ reason: expect.stringMatching(/^blocked: /), provider_id: blocked }]);
  const { rows } = await world.pool.query('select from provider_registrations where provider_id = $1', [blocked]);
  expect(rows).toEqual([]);
});

test('a dead letter holds no signature and no join token', async () => {
  await world.start();
  const signature = `0x${'ab'.repeat(65)}`;
  const data = JSON.stringify({
    provider_id: 7,
    note: 'kubeadm join --token abcdef.0123456789abcdef',
    sig: signature,
    join_token: 'x',
  });
  await world.redis.xadd(registration, '*', 'data', data, 'sig', signature, 'regsig', signature, 'reg', signature);
  const letter = await until(async () => (await world.deadLetters(registration))[0]);
  expect(Object.keys(letter)).toEqual(['orig_id', 'reason', 'deliveries', 'data']);
  expect(letter['data']).toBe(
    '{"provider_id":7,"note":"kubeadm join --token [removed]","sig":"[removed]","join_token":"[removed]"}',
  );
});

test('a sender of rubbish cannot push out the dead letters about others', async () => {
  await world.start();
  const [loud, quiet] = [newProviderId(), newProviderId()];
  for (let i = 0; i < 200; i++) await publish(registration, registrationData(loud, { spec: i }));
  await publish(registration, registrationData(quiet, { spec: 1 }));
  await until(async () => (await world.deadLetters(registration)).some(({ data }) => data!.includes(quiet)));
  await settled(registration);
  const letters = await world.deadLetters(registration);
  expect(letters.filter(({ data }) => data!.includes(loud))).toHaveLength(10);
});

test('a rejected message becomes a dead letter with its code, its sender is told, and no workflow starts', async () => {
  const verifier: ProviderVerifier = {
    ...checking,
    verify: () => Promise.resolve({ accepted: false, reason: 'signature_required', tell: 'sign it' }),
  };
  await world.start({ verifier });
  const providerId = newProviderId();
  await publish(registration, registrationData(providerId));
  const [letter] = await until(async () => {
    const letters = await world.deadLetters(registration);
    return letters.length > 0 && letters;
  });
  expect(letter).toMatchObject({ reason: 'signature_required' });
  const [, fields] = await until(async () => (await world.redis.xrange(responseStream(providerId), '-', '+'))[0]);
  expect(JSON.parse(fields[1]!)).toMatchObject({ success: false, message: 'sign it' });
  expect(await world.signals(providerId)).toEqual([]);
});

test('a signed registration is stored with the wallet of its signer, not the one it names', async () => {
  const wallet = `0x${'c'.repeat(40)}`;
  await world.start({
    verifier: {
      ...checking,
      verify: () => Promise.resolve({ accepted: true, signed: true, wallet }),
    },
  });
  const providerId = newProviderId();
  await publish(registration, registrationData(providerId));
  const [messageId] = await signalled(providerId);
  expect(await loadRegistration(world.pool, messageId!)).toMatchObject({ wallet, signed: true });
});

test('registrations wait in the stream while their signatures cannot be checked', async () => {
  let away = true;
  const verifier: ProviderVerifier = {
    ...checking,
    verify: () =>
      away ? Promise.reject(new BrokerError('auth_backend_unavailable', 'away')) : trusting.verify(undefined as never),
  };
  const relay = await world.start({ verifier });
  const providers = [newProviderId(), newProviderId()];
  await publish(registration, registrationData(providers[0]!));
  await until(() => relay.ready()['relay_registration']?.detail === 'paused: away');
  await publish(registration, registrationData(providers[1]!));
  expect(await world.deadLetters(registration)).toEqual([]);
  away = false;
  for (const providerId of providers) expect(await signalled(providerId)).toHaveLength(1);
  await until(() => relay.ready()['relay_registration']?.ok === true);
});

test('an accepted message is not rejected for the time that an outage took', async () => {
  let verdicts = 0;
  const verifier: ProviderVerifier = {
    ...checking,
    verify: () =>
      Promise.resolve(
        verdicts++ === 0 ? { accepted: true, signed: true } : { accepted: false, reason: 'sequence_replayed' },
      ),
  };
  await world.start({ verifier });
  const providerId = newProviderId();
  const id = await publish(registration, registrationData(providerId));
  await signalled(providerId);
  await settled(registration);
  await world.redis.xclaim(registration, brokerGroup, 'died', 0, id, 'FORCE', 'JUSTID');
  await until(async () => (await world.signals(providerId)).length === 2);
  await settled(registration);
  expect(await world.deadLetters(registration)).toEqual([]);
});

test.each([
  ['registration', registration, registrationData],
  ['capacity update', capacity, capacityData],
] as const)(
  'a %s that a newer one overtook has no effect and no answer, and is no dead letter',
  async (_, stream, dataOf) => {
    const verifier: ProviderVerifier = {
      ...checking,
      verify: () => Promise.resolve({ accepted: false, reason: 'sequence_replayed', isOvertaken: true }),
    };
    await world.start({ verifier });
    const providerId = newProviderId();
    await publish(stream, dataOf(providerId));
    await settled(stream);
    expect(await world.deadLetters(stream)).toEqual([]);
    expect(await world.signals(providerId)).toEqual([]);
    expect(await world.redis.exists(responseStream(providerId))).toBe(0);
  },
);

test('nothing is acknowledged or put aside while Temporal is away, and everything takes effect when it returns', async () => {
  const door = await closedDoor(world.config.TEMPORAL_ADDRESS);
  const connection = Connection.lazy({ address: door.address });
  const client = new Client({ connection, namespace: world.config.TEMPORAL_NAMESPACE });
  try {
    const relay = await world.start({ temporal: client });
    const providers = Array.from({ length: 20 }, newProviderId);
    for (const providerId of providers) await publish(registration, registrationData(providerId));
    await until(() => relay.ready()['relay_registration']?.detail === 'paused: Temporal is not answering', {
      timeoutMs: 40_000,
    });
    const { pending, lag } = await groupFigures(world.redis, { key: registration, group: brokerGroup });
    expect(pending + lag!).toBe(20);
    await door.open();
    await until(
      async () => (await Promise.all(providers.map((id) => world.signals(id)))).every((ids) => ids.length > 0),
      {
        timeoutMs: 60_000,
        everyMs: 500,
      },
    );
    await settled(registration);
    expect(await world.deadLetters(registration)).toEqual([]);
  } finally {
    await world.reset();
    await connection.close();
    door.close();
  }
}, 150_000);

test('a capacity update reaches the workflow of its provider', async () => {
  await world.start();
  const providerId = newProviderId();
  await publish(registration, registrationData(providerId));
  await signalled(providerId);
  await publish(capacity, capacityData(providerId));
  const [messageId] = await signalled(providerId, 'capacityReported');
  expect(await loadRegistration(world.pool, messageId!)).toMatchObject({
    registration: { providerId, capacity: { gpuCount: 1, gpuPricePerHour: 2 } },
  });
});

test('a capacity update that overtakes its registration waits for it', async () => {
  // It is looked at every three seconds, however soon the first look comes.
  await world.start({ times: { everyMs: 3_000, registrationGraceMs: 60_000 } });
  const providerId = newProviderId();
  await publish(capacity, capacityData(providerId));
  await until(async () => (await world.pending(capacity)) === 1);
  await publish(registration, registrationData(providerId));
  expect(await signalled(providerId, 'capacityReported')).toHaveLength(1);
  expect(await world.deadLetters(capacity)).toEqual([]);
});

test('a capacity update of an unknown provider becomes a dead letter', async () => {
  await world.start();
  await publish(capacity, capacityData(newProviderId()));
  const letter = await until(async () => (await world.deadLetters(capacity))[0]);
  expect(letter).toMatchObject({ reason: 'provider_unknown' });
});

/** An address at which nobody answers until it is opened; then it leads to another one. */
async function closedDoor(to: string) {
  const [host, port] = to.split(':') as [string, string];
  const server: Server = createServer((socket) => {
    const onward = connect(Number(port), host);
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => [socket, onward].forEach((each) => each.destroy()));
  });
  const listen = (at: number) => new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  await listen(0);
  const { port: own } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return { address: `127.0.0.1:${own}`, open: () => listen(own), close: () => void server.close() };
}

/** What the waiting message of a provider says, and how many messages of it are kept. */
async function keptOf(providerId: string): Promise<{ newest: string | undefined; rows: number; waiting: string[] }> {
  const { rows } = await world.pool.query<{ message_id: string; version: string; taken: boolean }>(
    `select message_id, registration ->> 'agentVersion' as version, taken_at is not null as taken
       from provider_registrations where provider_id = $1 order by received_at desc`,
    [providerId],
  );
  return {
    newest: rows[0]?.version,
    rows: rows.length,
    waiting: rows.filter(({ taken }) => !taken).map(({ message_id }) => message_id),
  };
}

const versioned = (providerId: string, version: number) =>
  registrationData(providerId, { agent_version: `0.0.${version}` });

test('a provider that registers hundreds of times while it waits has its workflow told once, which reads the newest', async () => {
  await world.start();
  const providerId = newProviderId();
  await publish(registration, versioned(providerId, 0));
  const [messageId] = await signalled(providerId);
  for (let version = 1; version <= 300; version++) await publish(registration, versioned(providerId, version));
  await until(async () => (await keptOf(providerId)).newest === '0.0.300');
  await settled(registration);
  expect(await keptOf(providerId)).toMatchObject({ rows: 1, waiting: [messageId] });
  expect(await world.signals(providerId)).toEqual([messageId]);
});

test('a provider that registers again after each answer gets a few answers a minute, and then one to the newest of the rest', async () => {
  await world.start();
  const providerId = newProviderId();
  for (let version = 0; version < 30; version++) {
    await publish(registration, versioned(providerId, version));
    await until(async () => (await keptOf(providerId)).newest === `0.0.${version}`);
    const told = await world.pool.query<{ message_id: string }>(
      'select message_id from provider_registrations where provider_id = $1 and signalled_at is not null',
      [providerId],
    );
    for (const { message_id } of told.rows) await takeRegistration(world.pool, message_id);
  }
  await until(async () => (await world.signals(providerId)).length >= messageRates.perProviderPerMinute);
  await settledButOne();
  expect((await world.signals(providerId)).length).toBe(messageRates.perProviderPerMinute);
  const { rows, newest, waiting } = await keptOf(providerId);
  expect({ newest, waiting: waiting.length }).toEqual({ newest: '0.0.29', waiting: 1 });
  expect(rows).toBeLessThanOrEqual(8);

  await world.pool.query(`update provider_registrations set signalled_at = signalled_at - interval '1 minute'`);
  await until(async () => (await world.signals(providerId)).at(-1) === waiting[0]);
  await settled(registration);
  expect(await world.deadLetters(registration)).toEqual([]);
});

const settledButOne = () => until(async () => (await world.pending(registration)) <= 1);

test('providers that do not sign and never joined have limited room', async () => {
  const room = (providerId: string, signed = false) =>
    hasRoomForProvider(world.pool, { providerId, wallet: `0x${'b'.repeat(40)}`, signed });
  await world.pool.query(
    `insert into providers (provider_id, wallet_addr, spec, capacity, offer)
     select 'crowd-' || n, $2, '{}', '{}', '{"gpus": []}' from generate_series(1, $1::int) n`,
    [neverJoinedUnsigned - 1, `0x${'c'.repeat(40)}`],
  );
  expect(await room('new')).toBe(true);
  await world.pool.query(
    `insert into providers (provider_id, wallet_addr, spec, capacity, offer) values ('last', $1, '{}', '{}', '{"gpus": []}')`,
    [`0x${'c'.repeat(40)}`],
  );
  expect(await room('new')).toBe(false);
  expect(await room('crowd-1')).toBe(true);
  expect(await room('new', true)).toBe(true);
  await world.pool.query(`update providers set joined_at = now() where provider_id = 'crowd-2'`);
  expect(await room('new')).toBe(true);
  await world.pool.query(`delete from providers where provider_id = 'last' or provider_id like 'crowd-%'`);
});

test('a stranger’s registration under a provider’s name takes no place of what its owner signed', async () => {
  const owner = `0x${'a'.repeat(40)}`;
  const providerId = newProviderId();
  let signed = true;
  await world.start({
    verifier: {
      ...checking,
      verify: () => Promise.resolve(signed ? { accepted: true, signed, wallet: owner } : { accepted: true, signed }),
    },
  });
  await publish(registration, versioned(providerId, 1));
  await signalled(providerId);
  signed = false;
  for (let wallet = 1; wallet < 9; wallet++) {
    await publish(registration, registrationData(providerId, { wallet_addr: `0x${String(wallet).repeat(40)}` }));
  }
  await until(async () => (await world.deadLetters(registration)).length === 4);
  const { rows } = await world.pool.query<{ signed: boolean; version: string }>(
    `select signed, registration ->> 'agentVersion' as version from provider_registrations where provider_id = $1`,
    [providerId],
  );
  expect(rows.filter((row) => row.signed)).toEqual([{ signed: true, version: '0.0.1' }]);
  expect(rows.filter((row) => !row.signed)).toHaveLength(4);
  expect((await world.deadLetters(registration))[0]!['reason']).toMatch(/^rate_limited/);
});
