import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobInputs } from '../../src/db/jobs.js';
import { markEnded } from '../../src/db/job-changes.js';
import { orderOfJob } from '../../src/db/job-row.js';
import { findJob } from '../../src/db/jobs.js';
import { sentence } from '../../src/domain/outside.js';
import type { Session } from '../../src/client/session.js';
import { startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { indexOf, smallImage, startLyingRegistry } from '../support/lying-registry.js';
import { startLocalRegistry, testLogin, type LocalRegistry } from '../support/local-registry.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const amd64 = smallImage({ Entrypoint: ['/serve'], Cmd: ['all'], Env: ['CUDA_VERSION=12.4.1', 'TOKEN=of the image'] });
const arm64 = smallImage({}, 'arm64');
const index = indexOf({ amd64: amd64.manifest, arm64: arm64.manifest });
/** A port where nobody answers. */
const nobody = '127.0.0.1:1';

let database: TestDatabase;
let redis: TestRedis;
let shown: ShownMetrics;
let open: LocalRegistry;
let closed: LocalRegistry;
let api: Api;
let session: Session;
let bearer: string;

beforeAll(async () => {
  [database, redis, shown, open, closed] = await Promise.all([
    freshDatabase(),
    freshRedis(),
    showMetrics(),
    startLocalRegistry('open'),
    startLocalRegistry('private'),
  ]);
  for (const registry of [open, closed]) {
    await registry.push('team/app', amd64.manifest.digest, amd64.manifest, amd64.config, ...amd64.layers);
    await registry.push('team/app', arm64.manifest.digest, arm64.manifest, arm64.config, ...arm64.layers);
    await registry.push('team/app', '1', index);
    await registry.push('team/app', 'arm', arm64.manifest);
  }
  await putProvider(database.pool, { providerId: 'atlas', gpuPrice: 0.5 });
  api = await apiWith('when_reachable');
  session = await api.login({ spendLimit: 10n ** 22n });
  bearer = await session.token();
}, 240_000);
afterAll(async () => {
  await api?.stop();
  await Promise.all([open?.close(), closed?.close(), shown?.stop()]);
  await Promise.all([database.close(), redis.close()]);
});

async function apiWith(resolve: string, others: string[] = [], env: Record<string, string> = {}): Promise<Api> {
  const registries = [open.host, closed.host, nobody, ...others];
  return await startApi({
    database,
    redis,
    env: {
      IMAGE_RESOLVE: resolve,
      IMAGE_PLAIN_REGISTRIES: registries.join(','),
      IMAGE_ALLOWLIST: registries.map((host) => `${host}/*`).join(','),
      ...env,
    },
  });
}

const order = (image: string, body: object = {}, at = api, headers = {}) =>
  at.send('POST', '/api/v1/jobs', { bearer, headers, body: { image, gpu_count: 0, ssh_public_keys: [key], ...body } });
const jobsThere = async () =>
  Number((await database.pool.query<{ n: string }>('select count(*) as n from jobs')).rows[0]!.n);
const newest = async () =>
  (await database.pool.query<{ job_id: string }>('select job_id from jobs order by created_at desc limit 1')).rows[0]!
    .job_id;

describe('an order whose image its registry has', () => {
  test('an order runs the digest that its tag has, and says so', async () => {
    await order(`${open.host}/team/app:1`);
    const jobId = await newest();
    expect((await api.send('GET', `/api/v1/jobs/${jobId}`, { bearer })).json).toMatchObject({
      image: `${open.host}/team/app:1`,
      image_digest: index.digest,
      image_size_gb: expect.any(Number),
    });
    const row = (await findJob(database.pool, session.wallet, jobId))!;
    expect(orderOfJob(row)).toMatchObject({ image: `${open.host}/team/app:1`, imageDigest: index.digest });
    expect(JSON.stringify(await database.pool.query('select * from jobs'))).not.toContain('of the image');
  });

  test('an order for GPUs goes to machines whose driver has the CUDA of the image, or more if it says so', async () => {
    await order(`${open.host}/team/app:1`, { gpu_count: 1 });
    expect((await findJob(database.pool, session.wallet, await newest()))!.minCuda).toBe(12_000);
    await order(`${open.host}/team/app:1`, { gpu_count: 1, min_cuda: '12.8' });
    expect((await findJob(database.pool, session.wallet, await newest()))!.minCuda).toBe(12_008);
  });

  test('an image whose digest is blocked is refused under its tag', async () => {
    const value = `${open.host}/team/app@${index.digest}`;
    await database.pool.query(`insert into blocks (kind, value, reason, blocked_by) values ('image', $1, 'no', $2)`, [
      value,
      session.wallet,
    ]);
    expect((await order(`${open.host}/team/app:1`)).json).toMatchObject({ code: 'blocked' });
    await database.pool.query('delete from blocks');
  });

  test('a repeat answers its first job although the image is gone from the registry', async () => {
    const headers = { 'idempotency-key': 'gone' };
    const first = await order(`${open.host}/team/app:1`, {}, api, headers);
    const again = await order(`${open.host}/team/app:1`, {}, api, headers);
    expect(again.json.job_id).toBe(first.json.job_id);
  });
});

describe('an order whose image its registry refuses', () => {
  test.each<[string, () => string, string]>([
    ['a tag that is not there', () => `${open.host}/team/app:2`, 'image_not_found'],
    ['a repository that is not there', () => `${open.host}/team/none:1`, 'image_not_found'],
    ['a private image', () => `${closed.host}/team/app:1`, 'image_private'],
    ['an image for other machines', () => `${open.host}/team/app:arm`, 'image_platform'],
  ])('is refused before anything is kept: %s', async (_, image, code) => {
    const before = await jobsThere();
    const refused = await order(image());
    expect([refused.status, refused.json]).toMatchObject([422, { code, errors: [{ field: 'image' }] }]);
    expect(await jobsThere()).toBe(before);
  });

  test('an image for other machines is taken for such machines', async () => {
    expect((await order(`${open.host}/team/app:arm`, { architecture: 'arm64' })).json.code).not.toBe('image_platform');
  });
});

describe('an order that is refused anyway', () => {
  test.each<[string, () => Promise<[Session, object]>, string]>([
    [
      'of a blocked wallet',
      async () => {
        const { wallet } = session;
        const row = `insert into blocks (kind, value, reason, blocked_by) values ('wallet', $1, 'no', $2)`;
        await database.pool.query(row, [wallet, wallet]);
        return [session, {}];
      },
      'blocked',
    ],
    ['of a session without money left', async () => [await api.login({ spendLimit: 1n }), {}], 'spend_limit_exceeded'],
    [
      'beyond the quota',
      async () => {
        await order(`${open.host}/team/app:1`);
        return [session, {}];
      },
      'quota_exceeded',
    ],
  ])('has no registry asked: %s', async (_, prepare, code) => {
    const counting = await startLyingRegistry((__, response) => response.writeHead(404).end());
    const asking = await apiWith('required', [counting.host], { MAX_JOBS_PER_WALLET: '1' });
    try {
      const [by, body] = await prepare();
      const refused = await order(`${counting.host}/team/app:1`, { max_price_per_hour: 1, ...body }, asking, {
        authorization: `Bearer ${await by.token()}`,
      });
      expect(refused.json.code).toBe(code);
      expect(counting.asked).toEqual([]);
    } finally {
      await database.pool.query('delete from blocks');
      await asking.stop();
      await counting.close();
    }
  });

  test('an order that nothing refuses leaves nothing behind when its registry refuses it', async () => {
    const counts = `select (select count(*) from jobs) + (select count(*) from job_events) + (select count(*) from ledger_entries) as n`;
    const rows = async () => (await database.pool.query<{ n: string }>(counts)).rows[0]!.n;
    const before = await rows();
    expect((await order(`${open.host}/team/none:1`)).json.code).toBe('image_not_found');
    expect(await rows()).toBe(before);
  });
});

describe('a private image', () => {
  test('a private image is taken with its login, which no reply and no log repeats and no row keeps', async () => {
    const taken = await order(`${closed.host}/team/app:1`, { registry_auth: testLogin });
    const jobId = await newest();
    expect((await jobInputs(database.pool, jobId)).registryAuth).toEqual(testLogin);
    const reply = await api.send('GET', `/api/v1/jobs/${jobId}`, { bearer });
    expect(reply.json.image_digest).toBe(index.digest);
    expect(taken.text + reply.text + api.logged.join('')).not.toContain(testLogin.password);
    await markEnded(database.pool, jobId, { status: 'cancelled', message: sentence('') });
    expect(await jobInputs(database.pool, jobId)).toEqual({ sshPublicKeys: [key], env: {} });
  });

  test('a private image is refused to others after it was taken with its login', async () => {
    await order(`${closed.host}/team/app:1`, { registry_auth: testLogin });
    for (const image of [`${closed.host}/team/app:1`, `${closed.host}/team/app@${index.digest}`]) {
      expect((await order(image)).json).toMatchObject({ code: 'image_private' });
      const wrong = { registry_auth: { ...testLogin, password: 'only for thieves' } };
      const refused = await order(image, wrong);
      expect(refused.json).toMatchObject({ code: 'image_private' });
      expect(refused.text).not.toContain('thieves');
    }
  });

  test.each<[string, unknown, string]>([
    ['without a password', { username: 'me' }, 'registry_auth.password'],
    ['with a name that has a colon', { username: 'me:x', password: 'only for tests' }, 'registry_auth.username'],
    ['with a line feed', { username: 'me', password: 'only\nfor tests' }, 'registry_auth.password'],
    ['too long', { username: 'me', password: 'only for tests'.repeat(1_000) }, 'registry_auth.password'],
    ['with more fields', { username: 'me', password: 'only for tests', realm: 'x' }, 'registry_auth'],
    ['as a text', 'me:only for tests', 'registry_auth'],
  ])('a login is refused by name, and its password is not repeated: %s', async (_, registry_auth, field) => {
    const refused = await order(`${closed.host}/team/app:1`, { registry_auth });
    expect(refused.json).toMatchObject({ code: 'validation_failed' });
    expect(refused.json.errors.map((each: { field: string }) => each.field).join()).toContain(field);
    expect(refused.text).not.toMatch(/only.{1,2}for tests/);
  });
});

describe('a registry that does not answer', () => {
  test('an order is taken as it is where the site does not require that its image is looked up', async () => {
    const before = await jobsThere();
    await order(`${nobody}/team/app:1`);
    expect(await jobsThere()).toBe(before + 1);
    expect((await findJob(database.pool, session.wallet, await newest()))!.imageDigest).toBeUndefined();
    expect(await shown.of('broker_images_resolved_total{outcome="unreachable"}')).toBeGreaterThan(0);
    expect(await shown.of('broker_images_resolved_total{outcome="cached"}')).toBeGreaterThan(0);
  });

  test('an order is refused where the site requires it, with the same words whatever the reason is', async () => {
    const strict = await apiWith('required');
    const before = await jobsThere();
    const refused = await order(`${nobody}/team/app:1`, {}, strict);
    expect([refused.status, refused.json]).toMatchObject([
      422,
      { code: 'image_unresolved', errors: [{ field: 'image' }] },
    ]);
    expect(refused.text).not.toMatch(/ECONN|unreachable|closed/);
    expect(await jobsThere()).toBe(before);
    await strict.stop();
  });
});
