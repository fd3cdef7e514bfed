import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { repairLog } from '../../activities/reconciler/repairs.js';
import { createSweepActivities } from '../../activities/sweep.js';
import { warnWhileInsecure } from '../../src/auth/providers/insecure-warning.js';
import { reviewPath, startAuthorizer } from '../../src/roles/authorizer/server.js';
import { allocate } from '../../src/db/allocations.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { sentence } from '../../src/domain/outside.js';
import { register } from '../../src/observability/metrics.js';
import { receiveHeartbeats } from '../../src/roles/relay/heartbeats.js';
import { certificateAuthority } from '../support/certificates.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder } from '../support/fleet.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import { rawConnection } from '../support/raw-http.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { heartbeatData, trusting } from '../support/relay.js';
import { until } from '../support/until.js';
import { BrokerError } from '../../src/domain/errors.js';
import { tellWorkflows } from '../../src/roles/relay/tell-workflows.js';
import { startTestApi, testRoute } from '../unit/api-harness.js';
import type { StreamEntry } from '../../src/wire/stream-entry.js';

const logger = pino({ level: 'silent' });
const folder = mkdtempSync(join(tmpdir(), 'metrics-'));

let database: TestDatabase;
let redis: TestRedis;
let shown: ShownMetrics;
beforeAll(async () => {
  [database, redis, shown] = await Promise.all([freshDatabase(), freshRedis(), showMetrics()]);
});
afterAll(async () => {
  await shown.stop();
  await Promise.all([database.close(), redis.close()]);
  rmSync(folder, { recursive: true });
});

/** The action that increments each counter; the streams' counters have a separate file. */
const events: Record<string, () => Promise<unknown>> = {
  async 'broker_heartbeats_total{result="counted"}'() {
    await hear([[`${Date.now()}-0`, ['data', heartbeatData(await silentProvider())]]]);
  },
  async 'broker_heartbeats_total{result="superseded"}'() {
    const data = heartbeatData(await silentProvider());
    await hear([0, 1].map((at): StreamEntry => [`${Date.now()}-${at}`, ['data', data]]));
  },
  async 'broker_heartbeats_total{result="outdated"}'() {
    await hear([[`${Date.now() - 700_000}-0`, ['data', heartbeatData(await silentProvider())]]]);
  },
  'broker_reconciler_repairs_total{kind="allocation_leaked"}': async () =>
    repairLog(logger).repaired('allocation_leaked', {}),
  broker_reconciler_failures_total: () => repairLog(logger).each([1], String, () => Promise.reject(new Error('no'))),
  async broker_sweep_failures_total() {
    await silentProvider();
    const temporal = { withDeadline: () => Promise.reject(new Error('it takes no signal')) } as never;
    const deps = { config: testConfig(), pool: database.pool, redis: redis.redis, temporal, logger };
    await createSweepActivities(deps).sweepHeartbeats();
  },
  async 'broker_start_moves_total{reason="unschedulable"}'() {
    await failStart(await silentProvider());
  },
  async 'broker_providers_out_total{reason="unschedulable"}'() {
    // A fleet of one provider never takes it out.
    await silentProvider();
    const providerId = await silentProvider();
    for (let wallets = 0; wallets < 3; wallets++) await failStart(providerId);
  },
  async 'broker_api_connections_closed_total{reason="address"}'() {
    const api = await startTestApi({ env: { MAX_CONNECTIONS_PER_IP: '1' } });
    const [first, second] = [await rawConnection(api.port), await rawConnection(api.port)];
    await until(() => !first.isOpen(), { name: 'the first to make room' });
    second.socket.destroy();
    await api.stop(0);
  },
  async 'broker_unchecked_values_total{code="22021"}'() {
    const handler = async () => void (await database.pool.query('select $1::text', ['\0']));
    const api = await startTestApi({ routes: [testRoute({ path: '/t/unchecked', handler })] });
    expect((await api.send('GET', '/t/unchecked')).status).toBe(400);
    await api.stop();
  },
  'broker_node_reviews_total{result="denied"}': () => review(true),
  'broker_node_reviews_total{result="no_opinion"}': () => review(false),
  'broker_node_reviews_total{result="unanswered"}': () => review(undefined),
};

test.each(Object.entries(events))('%s increases with each event that it counts', async (series, event) => {
  const before = await shown.of(series);
  await event();
  expect(await shown.of(series)).toBeGreaterThan(before);
});

test('metrics show how many registrations wait to be answered and to be told, and for how long', async () => {
  await database.pool.query(
    `insert into provider_registrations (message_id, provider_id, registration, wallet, signed, handed_over_at, answer)
     select 'desk/' || i, 'desk', '{}', '0x0', false, now() - interval '100 seconds', case when i > 2 then '{}'::jsonb end
       from generate_series(1, 5) i`,
  );
  // It counts once it cannot tell: that fails for all of them.
  const signals = {
    registrationReceived: () => Promise.reject(new BrokerError('dependency_unavailable', 'Temporal is away')),
  };
  const telling = tellWorkflows({ pool: database.pool, signals, logger });
  await until(async () => (await shown.of('broker_registrations_oldest_at_desk_seconds')) >= 100, {
    name: 'they are counted',
  });
  expect(telling.ready()).toEqual({
    relay_workflows: { ok: false, detail: 'Temporal or the database does not answer' },
  });
  await telling.stop();
  expect(await shown.of('broker_registrations_at_desk{state="unanswered"}')).toBe(2);
  expect(await shown.of('broker_registrations_at_desk{state="untold"}')).toBe(3);
});

test('a metric shows that messages are accepted unchecked', async () => {
  warnWhileInsecure({ PROVIDER_AUTH_MODE: 'off' }, logger)();
  expect(await shown.of('provider_auth_insecure')).toBe(1);
  warnWhileInsecure({ PROVIDER_AUTH_MODE: 'required' }, logger)();
  expect(await shown.of('provider_auth_insecure')).toBe(0);
});

test('every metric of the broker is read by a test', () => {
  const elsewhere = [
    ...['alarms_total', 'lag', 'messages_total', 'oldest_pending_seconds', 'paused', 'pending', 'upkeep_failures_total']
      .map((name) => `broker_stream_${name}`)
      .concat('broker_dead_letters_total', 'broker_redis_foreign_keys_total', 'broker_redis_clock_skew_seconds'),
    // The tests of event streams cover them.
    ...['broker_event_streams', 'broker_event_streams_closed_total'],
    // The tests of the comparison of money cover them.
    ...['broker_money_differs', 'broker_money_compared_timestamp_seconds'],
    ...['broker_ledger_unbooked', 'broker_ledger_unbookable'],
    // The tests of the watch of the vault cover them.
    ...['broker_chain_alarms_total', 'broker_vault_read_block', 'broker_vault_unasked_tokens'],
    ...['broker_settlement_late_seconds', 'broker_frozen_wallets', 'broker_leaving_wallets'],
    ...['broker_vault_read_timestamp_seconds', 'broker_chain_gas_money', 'broker_settlements_stopped'],
    ...['broker_settlement_under_way_timestamp_seconds', 'broker_settlement_final_timestamp_seconds'],
    // The tests of pods that their machine does not end cover it.
    'broker_pods_not_ended_total',
    ...['broker_registrations_at_desk', 'broker_registrations_oldest_at_desk_seconds'],
    // The rehearsal of restores covers them.
    ...['broker_restore_open', 'broker_kept_pods'],
    // The tests of images in a registry cover it.
    'broker_images_resolved_total',
    // The tests of job ends cover it.
    'broker_job_endings_without_text_total',
    'provider_auth_insecure',
  ];
  const read = new Set([...elsewhere, ...Object.keys(events).map((series) => series.split('{')[0]!)]);
  const there = register.getMetricsAsArray().map(({ name }) => name);
  expect([...read].sort()).toEqual(there.sort());
});

async function hear(entries: StreamEntry[]): Promise<void> {
  const onFuture = () => undefined;
  await receiveHeartbeats({ db: database.pool, verifier: trusting, onFuture })(entries, false);
}

/** A provider in service with its last heartbeat two hours ago. */
async function silentProvider(): Promise<string> {
  const providerId = `prov-${randomUUID().slice(0, 8)}`;
  await putProvider(database.pool, { providerId });
  await database.pool.query(
    `insert into provider_heartbeats (provider_id, last_heartbeat) values ($1, now() - interval '2 hours')
     on conflict (provider_id) do update set last_heartbeat = excluded.last_heartbeat`,
    [providerId],
  );
  return providerId;
}

/** Places a job of a new wallet there, which fails to start by the machine's fault. */
async function failStart(providerId: string): Promise<void> {
  const { pool } = database;
  const order = testOrder({ wallet: `0x${randomBytes(20).toString('hex')}` });
  const sessionId = await putSession(pool, order.wallet);
  const row = { ...order, sessionId, requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: 0n };
  await withTransaction(pool, (tx) => insertJob(tx, row));
  const { rows } = await pool.query<{ name: string }>(
    `select name from provider_resources where provider_id = $1 and kind = 'gpu'`,
    [providerId],
  );
  const place = { providerId, nodeName: providerId, gpuType: rows[0]!.name, gpuModel: '', pricePerHour: 0.5 };
  expect(await allocate(pool, order, place)).toBe('allocated');
  const failure = { providerId, attempt: 1, reason: 'unschedulable', fault: 'certain' } as const;
  const record = createJobRecordActivities({ pool, logger, config: testConfig() });
  await record.leaveProvider(order, { ...failure, message: sentence('no room') });
}

/** The cluster asks about a node, of which the authorizer has this knowledge. */
async function review(hasLeft: boolean | undefined): Promise<void> {
  const authority = certificateAuthority(folder, `ca-${randomUUID().slice(0, 8)}`);
  const [server, client] = [authority.issue('broker', 'DNS:localhost'), authority.issue('cluster', 'DNS:cluster')];
  const authorizer = await startAuthorizer(
    {
      ...{ AUTHORIZER_HOST: '127.0.0.1', AUTHORIZER_PORT: 0, AUTHORIZER_CLIENT_CA: authority.ca },
      ...{ AUTHORIZER_TLS_CERT: server.cert, AUTHORIZER_TLS_KEY: server.key },
    },
    async () => hasLeft,
  );
  try {
    const asking = request({
      ...{
        host: '127.0.0.1',
        port: authorizer.address.port,
        servername: 'localhost',
        path: reviewPath,
        method: 'POST',
      },
      ...{ ca: authority.ca, cert: client.cert, key: client.key, agent: false },
    });
    const spec = { user: 'system:node:node-1' };
    asking.end(JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }));
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
  } finally {
    await authorizer.stop();
  }
}
