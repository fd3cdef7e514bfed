import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { ProviderVerifier } from '../../src/domain/provider-verdict.js';
import { brokerGroup, streams } from '../../src/wire/streams.js';
import { putProvider } from '../support/fleet.js';
import { checking, createRelayWorld, heartbeatData, newProviderId, type RelayWorld } from '../support/relay.js';
import { until } from '../support/until.js';

const { heartbeat } = streams;
const minute = 60_000;

let world: RelayWorld;
let providerId: string;
beforeAll(async () => {
  world = await createRelayWorld();
});
beforeEach(async () => {
  providerId = await silentProvider();
  // From its beginning, so that a test may publish before a relay reads.
  await world.redis.xgroup('CREATE', heartbeat, brokerGroup, '0', 'MKSTREAM');
});
afterEach(() => world.reset());
afterAll(() => world.close());

/** A provider that was last heard two hours ago. */
async function silentProvider(): Promise<string> {
  const providerId = newProviderId();
  await putProvider(world.pool, { providerId });
  await world.pool.query(
    `update provider_heartbeats set last_heartbeat = now() - interval '2 hours', telemetry = null where provider_id = $1`,
    [providerId],
  );
  return providerId;
}

const publish = async (data: string, id: string | number = '*') =>
  (await world.redis.xadd(heartbeat, id, 'data', data))!;
/** Everything was read and settled: both figures are of one moment. */
const read = () =>
  until(async () => {
    const [group] = (await world.redis.xinfo('GROUPS', heartbeat)) as unknown[][];
    const figure = (name: string) => group![group!.indexOf(name) + 1];
    return figure('lag') === 0 && figure('pending') === 0;
  });
async function heard(id = providerId): Promise<{ agoMs: number; telemetry: { cpu_usage: number } | null }> {
  const { rows } = await world.pool.query<{ at: Date; telemetry: { cpu_usage: number } | null }>(
    'select last_heartbeat as at, telemetry from provider_heartbeats where provider_id = $1',
    [id],
  );
  return { agoMs: Date.now() - rows[0]!.at.getTime(), telemetry: rows[0]!.telemetry };
}

test('the newest of many heartbeats counts for each provider', async () => {
  const other = await silentProvider();
  for (let beat = 1; beat <= 50; beat++) {
    await publish(heartbeatData(providerId, { cpu_usage: beat }));
    await publish(heartbeatData(other, { cpu_usage: 100 + beat }));
  }
  await world.start();
  await read();
  expect(await heard()).toMatchObject({
    agoMs: expect.any(Number),
    telemetry: { cpu_usage: 50, node_name: providerId },
  });
  expect((await heard(other)).telemetry).toMatchObject({ cpu_usage: 150 });
  expect((await heard()).agoMs).toBeLessThan(minute);
});

test('a heartbeat counts from the time when it reached the stream', async () => {
  await publish(heartbeatData(providerId), `${Date.now() - 5 * minute}-0`);
  await world.start();
  await read();
  expect(Math.round((await heard()).agoMs / minute)).toBe(5);
});

test('a backlog of old heartbeats brings no provider back', async () => {
  const begin = Date.now() - 60 * minute;
  for (let beat = 0; beat < 98; beat++) await publish(heartbeatData(providerId), `${begin + beat * 30_000}-0`);
  await world.start();
  await read();
  // Fifty minutes of beats are older than ten minutes; the last is eleven minutes old.
  expect(await heard()).toMatchObject({ telemetry: null });
  expect((await heard()).agoMs).toBeGreaterThan(60 * minute);
});

test('a heartbeat with a time in the future has no effect', async () => {
  await publish(heartbeatData(providerId), `${Date.now() + minute}-0`);
  await world.start({ times: { watchEveryMs: 3_600_000 } });
  await read();
  expect((await heard()).telemetry).toBeNull();
});

test('an older heartbeat that comes late changes nothing', async () => {
  await world.start();
  await publish(heartbeatData(providerId, { cpu_usage: 1 }), `${Date.now() - 2 * minute}-0`);
  const late = await publish(heartbeatData(providerId, { cpu_usage: 2 }), `${Date.now() - minute}-0`);
  await read();
  // What another relay had, and died with, after this one wrote something newer.
  await publish(heartbeatData(providerId, { cpu_usage: 3 }));
  await read();
  await world.redis.xclaim(heartbeat, brokerGroup, 'died', 0, late, 'FORCE', 'JUSTID');
  await read();
  expect((await heard()).telemetry).toMatchObject({ cpu_usage: 3 });
});

test('heartbeats of an unregistered provider are skipped, and the others count', async () => {
  await publish(heartbeatData(newProviderId()));
  await publish(heartbeatData(providerId, { cpu_usage: 9 }));
  await world.start();
  await read();
  expect((await heard()).telemetry).toMatchObject({ cpu_usage: 9 });
  expect(await world.deadLetters(heartbeat)).toEqual([]);
});

test.each([
  ['no data', ['timestamp', 'x'], 'invalid: there is no field data'],
  ['data that is not JSON', ['data', 'beat'], 'invalid: data is not JSON'],
  ['an invalid id', ['data', heartbeatData('No_Id')], 'invalid: provider_id is not acceptable'],
  [
    'usage that is not a number',
    ['data', heartbeatData('prov-a', { cpu_usage: '1' })],
    'invalid: cpu_usage is not a number',
  ],
  [
    'more than 64 KiB',
    ['data', heartbeatData('prov-a', { x: 'x'.repeat(70_000) })],
    'too_large: more than 65536 bytes',
  ],
])('a heartbeat with %s becomes a dead letter, and the others count', async (_, fields, reason) => {
  const id = await world.redis.xadd(heartbeat, '*', ...fields);
  await publish(heartbeatData(providerId, { cpu_usage: 9 }));
  await world.start();
  await read();
  expect((await heard()).telemetry).toMatchObject({ cpu_usage: 9 });
  expect(await world.deadLetters(heartbeat)).toEqual([expect.objectContaining({ orig_id: id, reason })]);
});

test('an invalid newer heartbeat does not displace the valid one before it', async () => {
  await publish(heartbeatData(providerId, { cpu_usage: 9 }));
  await publish(heartbeatData(providerId, { cpu_usage: -1 }));
  await world.start();
  await read();
  expect((await heard()).telemetry).toMatchObject({ cpu_usage: 9 });
});

test('a message that first names another provider takes nothing from that one', async () => {
  const other = await silentProvider();
  await publish(heartbeatData(providerId, { cpu_usage: 9 }));
  const nested = heartbeatData(other, { cpu_usage: 10 }).replace('{', `{"of":{"provider_id":"${providerId}"},`);
  await publish(nested);
  await world.start();
  await read();
  expect((await heard()).telemetry).toMatchObject({ cpu_usage: 9 });
  expect((await heard(other)).telemetry).toMatchObject({ cpu_usage: 10 });
});

test('a forged heartbeat becomes a dead letter, and the genuine one before it counts', async () => {
  const asked: string[] = [];
  const verifier: ProviderVerifier = {
    ...checking,
    verify({ fields }) {
      asked.push(fields['by']!);
      return Promise.resolve(
        fields['by'] === 'owner' ? { accepted: true, signed: true } : { accepted: false, reason: 'signature_invalid' },
      );
    },
  };
  const send = (by: string, cpu: number) =>
    world.redis.xadd(heartbeat, '*', 'data', heartbeatData(providerId, { cpu_usage: cpu }), 'by', by);
  await send('owner', 7);
  await send('owner', 8);
  const forged = await send('stranger', 9);
  await world.start({ verifier });
  await read();
  expect((await heard()).telemetry).toMatchObject({ cpu_usage: 8 });
  expect(await world.deadLetters(heartbeat)).toEqual([
    expect.objectContaining({ orig_id: forged, reason: 'signature_invalid' }),
  ]);
  // What a good newer one makes void is not even asked about: a check costs two milliseconds.
  expect(asked).toEqual(['stranger', 'owner']);
});

test('a heartbeat that is too old only because its reader died is skipped, and one that never was in time becomes a dead letter', async () => {
  const reason = 'timestamp_skew';
  const verifier: ProviderVerifier = {
    ...checking,
    verify: () => Promise.resolve({ accepted: false, reason }),
  };
  await publish(heartbeatData(providerId));
  const group = ['GROUP', brokerGroup, 'a-relay-that-died', 'COUNT', 1, 'STREAMS', heartbeat, '>'] as const;
  await world.redis.xreadgroup(...group);
  const first = await publish(heartbeatData(providerId));
  await world.start({ verifier });
  await read();
  expect(await world.deadLetters(heartbeat)).toEqual([expect.objectContaining({ orig_id: first, reason })]);
});

test('a heartbeat that a newer one overtook is skipped, and one that is sent again becomes a dead letter', async () => {
  const reason = 'sequence_replayed';
  const verifier: ProviderVerifier = {
    ...checking,
    verify: ({ providerId }) =>
      Promise.resolve({ accepted: false, reason, ...(providerId === overtaken ? { isOvertaken: true } : {}) }),
  };
  const overtaken = await silentProvider();
  await publish(heartbeatData(overtaken));
  const again = await publish(heartbeatData(providerId));
  await world.start({ verifier });
  await read();
  expect(await world.deadLetters(heartbeat)).toEqual([expect.objectContaining({ orig_id: again, reason })]);
});

test('a heartbeat that the database does not accept holds up no other, and becomes a dead letter in the end', async () => {
  const fleet = [providerId, ...(await Promise.all(Array.from({ length: 9 }, silentProvider)))];
  await world.pool.query(
    `alter table provider_heartbeats add constraint unlucky check (telemetry ->> 'cpu_usage' <> '13')`,
  );
  try {
    const ids = [];
    for (const [at, id] of fleet.entries())
      ids.push(await publish(heartbeatData(id, { cpu_usage: at === 4 ? 13 : 7 })));
    await world.start();
    const [letter] = await until(async () => {
      const letters = await world.deadLetters(heartbeat);
      return letters.length > 0 && letters;
    });
    expect(letter).toMatchObject({ orig_id: ids[4], reason: 'failed', deliveries: '5' });
    for (const [at, id] of fleet.entries()) {
      expect((await heard(id)).telemetry).toEqual(at === 4 ? null : expect.objectContaining({ cpu_usage: 7 }));
    }
  } finally {
    await world.pool.query('alter table provider_heartbeats drop constraint unlucky');
  }
});

test('a steady provider adds nothing to the history of its workflow', async () => {
  await world.start();
  for (let beat = 0; beat < 100; beat++) await publish(heartbeatData(providerId));
  await read();
  await expect(world.temporal.workflow.getHandle(`provider:${providerId}`).describe()).rejects.toThrow('not found');
});

test('two relays share a backlog and lose none of it', async () => {
  const fleet = [providerId, ...(await Promise.all(Array.from({ length: 30 }, silentProvider)))];
  for (let round = 0; round < 400; round++) {
    const pipeline = world.redis.pipeline();
    for (const id of fleet) pipeline.xadd(heartbeat, '*', 'data', heartbeatData(id, { cpu_usage: round }));
    await pipeline.exec();
  }
  await Promise.all([world.start(), world.start()]);
  await read();
  for (const id of fleet) expect((await heard(id)).telemetry).toMatchObject({ cpu_usage: 399 });
});
