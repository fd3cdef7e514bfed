import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { sshFingerprint } from '../../src/api/ssh-fingerprint.js';
import { BrokerError } from '../../src/domain/errors.js';
import { jobsWithoutTheirKeys, markKeysBrought } from '../../src/db/job-keys.js';
import { maxKeysOfAJob } from '../../src/domain/job-keys.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { takingCommands } from '../support/owned.js';
import { ed25519Key } from '../support/ssh-key.js';
import { sshKeys } from '../unit/api-ssh-keys.js';

let replicas: Replicas;
let announced: [string, number][] = [];
let isAway = false;
const announceKeys = async (jobId: string, keys: number) => {
  if (isAway) throw new BrokerError('dependency_unavailable', 'Temporal is away');
  announced.push([jobId, keys]);
};
beforeAll(async () => {
  const commands = { ...takingCommands([]), announceKeys };
  replicas = await startReplicas({ env: { ALLOW_FREE_JOBS: 'true', RATE_LIMIT_WRITES: '1000' }, commands });
});
afterAll(() => replicas.stop());
beforeEach(() => void ((announced = []), (isAway = false)));

const customer = () => replicas.api.login({ scopes: ['jobs:read', 'jobs:write'], spendLimit: 10n ** 20n });
const add = (who: Session, jobId: string, body: object) => who.request('POST', `/api/v1/jobs/${jobId}/ssh-keys`, body);
const is = (jobId: string, change: string) =>
  replicas.database.pool.query(`update jobs set ${change} where job_id = $1`, [jobId]);

async function newJob(who: Session): Promise<string> {
  const order = { gpu_count: 0, max_price_per_hour: 0, ssh_public_keys: [sshKeys.ed25519] };
  return ((await who.request('POST', '/api/v1/jobs', order)).body as { job_id: string }).job_id;
}

async function row(jobId: string) {
  const { rows } = await replicas.database.pool.query<{ keys: string[]; waits: boolean }>(
    'select ssh_public_keys as keys, ssh_keys_changed_at is not null as waits from jobs where job_id = $1',
    [jobId],
  );
  return rows[0]!;
}

async function eventsOf(who: Session, jobId: string) {
  const { body } = await who.request('GET', `/api/v1/jobs/${jobId}/events`);
  return (body as { events: { kind: string; data: object }[] }).events.filter(({ kind }) => kind === 'ssh_key_added');
}

describe('a key that is added to a job', () => {
  test('a key is in the row of the job, its workflow is told, and an event and the audit log say which', async () => {
    const who = await customer();
    const jobId = await newJob(who);
    const { status, body } = await add(who, jobId, { public_key: sshKeys.ecdsa256 });
    const fingerprint = sshFingerprint(sshKeys.ecdsa256);
    expect([status, body]).toEqual([
      201,
      { job_id: jobId, public_key: sshKeys.ecdsa256, fingerprint, keys: 2, takes_effect: 'at_start' },
    ]);
    expect(await row(jobId)).toEqual({ keys: [sshKeys.ed25519, sshKeys.ecdsa256], waits: true });
    expect(announced).toEqual([[jobId, 2]]);
    expect(await eventsOf(who, jobId)).toMatchObject([{ data: { fingerprint } }]);
    const { rows } = await replicas.database.pool.query(
      `select detail from audit_log where action = 'job.add_ssh_key' and target = $1`,
      [jobId],
    );
    expect(rows).toEqual([{ detail: { fingerprint } }]);
    await is(jobId, `status = 'running'`);
    expect((await add(who, jobId, { public_key: ed25519Key() })).body).toMatchObject({
      ...{ keys: 3, takes_effect: 'within_two_minutes' },
    });
  });

  test('a key that the job has already changes nothing, whatever its comment, and tells the workflow once more', async () => {
    const who = await customer();
    const jobId = await newJob(who);
    const again = await add(who, jobId, { public_key: sshKeys.ed25519.replace('me@laptop', 'me@desktop') });
    expect([again.status, again.body]).toMatchObject([200, { public_key: sshKeys.ed25519, keys: 1 }]);
    expect(await row(jobId)).toEqual({ keys: [sshKeys.ed25519], waits: false });
    expect(await eventsOf(who, jobId)).toEqual([]);
    expect(announced).toEqual([[jobId, 1]]);
  });

  test('the same key from many requests at once is added once, and many keys are all added', async () => {
    const who = await customer();
    const jobId = await newJob(who);
    const keys = [sshKeys.ecdsa256, sshKeys.ecdsa256, sshKeys.ecdsa256, ed25519Key(), ed25519Key()];
    const replies = await Promise.all(keys.map((key) => add(who, jobId, { public_key: key })));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 201, 201, 201]);
    expect((await row(jobId)).keys).toHaveLength(4);
  });

  test('a job has so many keys and no more, and an ended one takes none', async () => {
    const who = await customer();
    const jobId = await newJob(who);
    for (let keys = 1; keys < maxKeysOfAJob; keys++) {
      expect((await add(who, jobId, { public_key: ed25519Key() })).status).toBe(201);
    }
    expect(await add(who, jobId, { public_key: ed25519Key() })).toMatchObject({
      ...{ status: 403, body: { code: 'quota_exceeded' } },
    });
    expect((await add(who, jobId, { public_key: sshKeys.ed25519 })).status).toBe(200);
    await is(jobId, `status = 'cancelled', ended_at = now()`);
    expect(await add(who, jobId, { public_key: ed25519Key() })).toMatchObject({
      ...{ status: 409, body: { code: 'job_ended' } },
    });
  });

  test('what is no public key is refused with the field and the reason, and not repeated', async () => {
    const who = await customer();
    const jobId = await newJob(who);
    for (const body of [{}, { public_key: 'ssh-ed25519 AAAA' }, { public_key: sshKeys.ed25519, name: 'x' }]) {
      expect((await add(who, jobId, body)).status).toBe(422);
    }
    const secret = '-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0';
    const { status, body } = await add(who, jobId, { public_key: secret });
    expect([status, body]).toMatchObject([
      422,
      { errors: [{ field: 'public_key', message: expect.stringContaining('private') }] },
    ]);
    expect(JSON.stringify(body)).not.toContain('c2VjcmV0');
    expect(await row(jobId)).toEqual({ keys: [sshKeys.ed25519], waits: false });
  });

  test('somebody else’s job is not found', async () => {
    const [who, other] = [await customer(), await customer()];
    const jobId = await newJob(who);
    expect(await add(other, jobId, { public_key: ed25519Key() })).toMatchObject({
      ...{ status: 404, body: { code: 'job_not_found' } },
    });
    expect((await row(jobId)).keys).toHaveLength(1);
  });

  test('a job of a version without this says that its keys are fixed', async () => {
    const who = await customer();
    const jobId = await newJob(who);
    await is(jobId, 'takes_ssh_keys = false');
    expect(await add(who, jobId, { public_key: ed25519Key() })).toMatchObject({
      ...{ status: 409, body: { code: 'ssh_keys_final' } },
    });
  });
});

describe('a key that the machine has not yet', () => {
  test('a key is accepted while Temporal is away, and the reconciler finds the job until the key is brought', async () => {
    const who = await customer();
    const jobId = await newJob(who);
    isAway = true;
    expect((await add(who, jobId, { public_key: sshKeys.ecdsa256 })).status).toBe(201);
    const { pool } = replicas.database;
    const waits = async () => (await jobsWithoutTheirKeys(pool, 0)).some((job) => job.jobId === jobId);
    // Its Secret will be made of the row.
    expect(await waits()).toBe(false);
    await is(jobId, `status = 'running'`);
    expect(await waits()).toBe(true);
    await markKeysBrought(pool, jobId, [sshKeys.ed25519]);
    expect(await waits()).toBe(true);
    await markKeysBrought(pool, jobId, [sshKeys.ed25519, sshKeys.ecdsa256]);
    expect(await waits()).toBe(false);
  });
});
