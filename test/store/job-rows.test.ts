import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  markEnded,
  markEnding,
  markExtended,
  markMoving,
  markProvisioning,
  markRunning,
  markService,
} from '../../src/db/job-changes.js';
import { insertJob, jobInputs } from '../../src/db/jobs.js';
import { withTransaction, type Queryable } from '../../src/db/pool.js';
import { sentence } from '../../src/domain/outside.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { testOrder } from '../support/fleet.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const hour = 3_600_000;
const place = { providerId: 'atlas', nodeName: 'atlas', gpuType: 'l4', gpuModel: 'NVIDIA L4', pricePerHour: 0.5 };
const runningAt = (host: string, startedAt: Date) => ({
  ssh: { host, port: 30_000, user: 'root' as const, hostKey: `key of ${host}` },
  podUid: `pod at ${host}`,
  startedAt,
  expiresAt: new Date(startedAt.getTime() + hour),
});
const began = new Date(Date.now() - hour / 2);

/** The writes of a job's workflow, in order. */
const writes = {
  provisioning: (db: Queryable, id: string) => markProvisioning(db, id, place),
  running: (db: Queryable, id: string) => markRunning(db, id, runningAt('203.0.113.1', began)),
  ending: (db: Queryable, id: string) => markEnding(db, id, sentence('it ends')),
  ended: (db: Queryable, id: string) =>
    markEnded(db, id, {
      status: 'cancelled',
      message: sentence('it ended'),
      billed: { servedUntilMs: began.getTime() + 60_000, billedMs: 60_000 },
    }),
};

/** The same writes by an abandoned attempt, with other values, and writes at any time of a job's life. */
const late = {
  provisioning: (db: Queryable, id: string) =>
    markProvisioning(db, id, { ...place, providerId: 'elsewhere', pricePerHour: 9 }),
  moving: (db: Queryable, id: string) => markMoving(db, id, sentence('atlas did not start it')),
  running: (db: Queryable, id: string) => markRunning(db, id, runningAt('203.0.113.9', new Date())),
  extended: (db: Queryable, id: string) => markExtended(db, id, 3_600),
  message: (db: Queryable, id: string) =>
    markService(db, id, { message: sentence('its provider is away'), missedS: 0 }),
  ending: (db: Queryable, id: string) => markEnding(db, id, sentence('another end')),
  ended: (db: Queryable, id: string) =>
    markEnded(db, id, {
      status: 'failed',
      message: sentence('another end'),
      failure: { reason: 'pod_deleted', message: sentence('its pod is gone') },
      billed: { servedUntilMs: Date.now(), billedMs: hour },
    }),
};

/** Each state of a job, and the writes that still change it. */
const taken: Record<string, (keyof typeof late)[]> = {
  pending: ['provisioning', 'moving', 'running', 'ending', 'ended'],
  provisioning: ['moving', 'running', 'ending', 'ended'],
  running: ['extended', 'message', 'ending', 'ended'],
  ending: ['ending', 'ended'],
  ended: [],
};

async function jobThatIs(state: string): Promise<string> {
  const jobId = randomUUID();
  await withTransaction(database.pool, async (tx) => {
    const rest = { sessionId: randomUUID(), requestSha256: '', sshPublicKeys: ['ssh-ed25519 AAAA'] };
    await insertJob(tx, { ...testOrder({ jobId }), ...rest, env: { TOKEN: 'secret' }, reservedAmount: 5n });
  });
  const steps = Object.keys(writes) as (keyof typeof writes)[];
  for (const step of steps.slice(0, steps.indexOf(state as never) + 1)) await writes[step](database.pool, jobId);
  return jobId;
}

async function row(jobId: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query<{ row: Record<string, unknown> }>(
    'select to_jsonb(j) as row from jobs j where job_id = $1',
    [jobId],
  );
  return rows[0]!.row;
}

describe.each(Object.entries(taken))('a job that is %s', (state, changing) => {
  test.each(Object.keys(late) as (keyof typeof late)[])(
    'a late "%s" write changes the row only if the job is not yet past it',
    async (write) => {
      const jobId = await jobThatIs(state);
      const before = await row(jobId);
      const written = late[write](database.pool, jobId);
      if (write === 'extended' && state !== 'running')
        await expect(written).rejects.toMatchObject({ code: 'job_ended' });
      else await written;
      if (changing.includes(write)) expect(await row(jobId)).not.toEqual(before);
      else expect(await row(jobId)).toEqual(before);
    },
  );
});

test('the row of a job says at each step what its customer reads, and at its end keeps what it ran with', async () => {
  const jobId = await jobThatIs('pending');
  expect(await row(jobId)).toMatchObject({ status: 'pending', provider_id: null, rate: null, reserved_amount: 5 });
  await writes.provisioning(database.pool, jobId);
  const placed = { provider_id: 'atlas', gpu_type: 'l4', gpu_model: 'NVIDIA L4', price_per_hour: 0.5, rate: 5e17 };
  expect(await row(jobId)).toMatchObject({ status: 'provisioning', ...placed });
  await late.moving(database.pool, jobId);
  const moved = { provider_id: null, gpu_model: null, price_per_hour: null, rate: null };
  expect(await row(jobId)).toMatchObject({ status: 'pending', message: 'atlas did not start it', ...moved });
  await writes.provisioning(database.pool, jobId);
  await writes.running(database.pool, jobId);
  const address = { ssh_host: '203.0.113.1', ssh_port: 30_000, pod_uid: 'pod at 203.0.113.1' };
  // The customer need no longer know why it moved.
  expect(await row(jobId)).toMatchObject({ status: 'running', message: '', ended_at: null, ...placed, ...address });
  expect(await jobInputs(database.pool, jobId)).toMatchObject({ env: { TOKEN: 'secret' } });
  await writes.ended(database.pool, jobId);
  expect(await row(jobId)).toMatchObject({ status: 'cancelled', billed_ms: 60_000, env: {}, ...placed, ...address });
  expect(Date.parse(String((await row(jobId))['served_until']))).toBe(began.getTime() + 60_000);
});

test('a job that was never ready was served for no time, whatever its end says', async () => {
  const jobId = await jobThatIs('provisioning');
  await writes.ended(database.pool, jobId);
  expect(await row(jobId)).toMatchObject({ status: 'cancelled', started_at: null, served_until: null });
});
