import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { createSweepActivities } from '../../activities/sweep.js';
import { beginRestore, readMark } from '../../src/db/restores.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
});
afterAll(() => Promise.all([database?.close(), redis?.close()]));

test('a machine that was heard last before the backup counts as silent only once it had time to be heard again', async () => {
  const { pool } = database;
  const config = testConfig();
  // Whether its workflow can be told does not matter here.
  const temporal = { withDeadline: () => Promise.reject(new Error('away')) } as unknown as Client;
  const { sweepHeartbeats } = createSweepActivities({
    ...{ config, pool, temporal, redis: redis.redis, logger: pino({ level: 'silent' }) },
  });
  const silent = async () => (await sweepHeartbeats()).silent;
  const isAlive = async () =>
    (await pool.query<{ heartbeat_alive: boolean }>('select heartbeat_alive from providers')).rows[0]!.heartbeat_alive;
  await putProvider(pool, { providerId: 'atlas' });
  await readMark(pool);
  expect(await silent()).toBe(0);

  // All that machines have sent since was read, by the database as it was before the restore.
  await pool.query(`update provider_heartbeats set last_heartbeat = now() - interval '1 hour'`);
  await beginRestore(pool, { why: 'older', mark: 40, timeline: '00000001', leftNodes: [] });
  expect([await silent(), await isAlive()]).toEqual([0, true]);

  await pool.query(`update stream_losses set noticed_at = noticed_at - make_interval(secs => $1)`, [
    config.HEARTBEAT_TIMEOUT_S + 1,
  ]);
  expect([await silent(), await isAlive()]).toEqual([1, false]);
});
