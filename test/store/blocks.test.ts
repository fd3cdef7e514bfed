import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { allocate } from '../../src/db/allocations.js';
import { pruneBlocks, setBlock } from '../../src/db/blocks.js';
import { freeCapacity, placementCandidates } from '../../src/db/candidates.js';
import { withoutPrices } from '../../src/db/offers.js';
import type { Blockable } from '../../src/domain/blocks.js';
import { newWallet } from '../support/api.js';
import { putProvider, testOrder } from '../support/fleet.js';
import { takingCommands } from '../support/owned.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const operator = newWallet();
const customer = newWallet();

let replicas: Replicas;
let admin: Session;
let session: Session;
beforeAll(async () => {
  const env = { ADMIN_WALLETS: operator.address, MAX_STARTING_JOBS_PER_WALLET: '100' };
  replicas = await startReplicas({ env, commands: takingCommands([]) });
  await putProvider(replicas.database.pool, { providerId: 'atlas', gpuPrice: 1 });
  admin = await replicas.api.login({ account: operator, scopes: ['admin'] });
  session = await replicas.api.login({ account: customer, spendLimit: 10n ** 30n });
});
afterAll(() => replicas?.stop());
beforeEach(() => replicas.database.pool.query('truncate blocks'));

const pathOf = ({ kind, value }: Blockable) => `/api/v1/admin/blocks/${kind}/${encodeURIComponent(value)}`;
const block = async (them: Blockable, more: object = {}) => {
  const reply = await admin.request('PUT', pathOf(them), { reason: 'it mines', ...more });
  expect([reply.status, reply.body]).toEqual([200, reply.body]);
};
const order = async (more: object = {}, headers?: Record<string, string>) => {
  const body = { gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, ssh_public_keys: [sshKey], ...more };
  const reply = await session.request('POST', '/api/v1/jobs', body, headers);
  const { job_id: jobId, ...said } = reply.body as Record<string, unknown>;
  return { ...said, jobId: String(jobId), status: reply.status };
};
const refused = (kind: string) => ({ status: 403, code: 'blocked', blocked: kind });

describe('a blocked wallet', () => {
  const wallet: Blockable = { kind: 'wallet', value: customer.address };

  test('a blocked wallet cannot order, and is told why and until when', async () => {
    await block(wallet, { until: '2999-01-01T00:00:00Z' });
    const reply = await order();
    expect(reply).toMatchObject({ ...refused('wallet'), until: '2999-01-01T00:00:00.000Z' });
    expect(reply).toMatchObject({ detail: expect.stringContaining('this wallet is blocked') });
    expect(reply).toMatchObject({ detail: expect.stringContaining('it mines') });
  });

  test('a blocked wallet cannot log in', async () => {
    await block(wallet);
    await expect(replicas.other.login({ account: customer })).rejects.toThrow(/blocked/);
  });

  test('a blocked wallet reads and ends its jobs, gets no more time, and repeats an order that it made before', async () => {
    const headers = { 'idempotency-key': 'before' };
    const { jobId, ...first } = await order({}, headers);
    expect(first.status).toBe(202);
    await block(wallet);
    expect(await order({}, headers)).toMatchObject({ status: 202, jobId });
    expect((await session.request('GET', `/api/v1/jobs/${jobId}`)).status).toBe(200);
    const more = await session.request('POST', `/api/v1/jobs/${jobId}/extend`, { additional_hours: 1 });
    expect(more.body).toMatchObject(refused('wallet'));
    expect((await session.request('DELETE', `/api/v1/jobs/${jobId}`)).status).toBe(202);
  });

  test('a block holds for nobody else, ends with its time, and when it is taken back', async () => {
    await block({ kind: 'wallet', value: newWallet().address });
    expect((await order()).status).toBe(202);
    const ended = { kind: 'wallet', value: customer.address.toLowerCase() } as const;
    await setBlock(replicas.database.pool, { ...ended, ...reason, until: new Date(Date.now() - 1_000) });
    expect((await order()).status).toBe(202);
    await block(wallet);
    expect((await order()).status).toBe(403);
    expect((await admin.request('DELETE', pathOf(wallet))).status).toBe(204);
    expect((await order()).status).toBe(202);
  });
});
const reason = { reason: 'it mines', blockedBy: operator.address.toLowerCase() };

describe('a blocked image', () => {
  test.each(['evil/miner', 'docker.io/evil/miner:2', 'evil/*', 'docker.io/*'])(
    'an order of an image that %s covers is refused, and one of another image is not',
    async (value) => {
      await block({ kind: 'image', value });
      expect(await order({ image: 'evil/miner:2' })).toMatchObject(refused('image'));
      expect((await order({ image: 'ghcr.io/evil/miner:2' })).status).toBe(202);
    },
  );

  test('an order without an image is refused if the default image is blocked', async () => {
    await block({ kind: 'image', value: replicas.api.config.JOB_DEFAULT_IMAGE });
    expect(await order()).toMatchObject(refused('image'));
  });
});

describe('a blocked provider', () => {
  const provider: Blockable = { kind: 'provider', value: 'atlas' };
  const candidates = async () => {
    const { database } = replicas;
    return await placementCandidates(database.pool, testOrder({ gpuCount: 1 }), withoutPrices, 5);
  };

  test('a blocked provider gets no jobs, and what it has free is not on offer', async () => {
    const { pool } = replicas.database;
    const [before] = await candidates();
    expect(before).toMatchObject({ providerId: 'atlas' });
    await block(provider);
    expect(await candidates()).toEqual([]);
    expect(await freeCapacity(pool, {}, withoutPrices)).toEqual([]);
    // One that was chosen before is refused at the last step.
    expect(await allocate(pool, testOrder({ gpuCount: 1 }), before!)).toBe('taken');
    await admin.request('DELETE', pathOf(provider));
    expect(await candidates()).toHaveLength(1);
  });

  test('an order that names it is refused by name', async () => {
    await block(provider);
    expect(await order({ provider_id: 'atlas' })).toMatchObject(refused('provider'));
  });
});

describe('the routes of blocks', () => {
  test('a block can be read, changed, listed and is recorded each time', async () => {
    const them: Blockable = { kind: 'image', value: 'docker.io/evil/miner' };
    await block({ ...them, value: 'evil/miner' });
    await block(them, { reason: 'it still mines', until: '2999-01-01T00:00:00+01:00' });
    expect((await admin.request('GET', pathOf(them))).body).toMatchObject({
      ...them,
      ...{ reason: 'it still mines', until: '2998-12-31T23:00:00.000Z', blocked_by: operator.address.toLowerCase() },
    });
    await block({ kind: 'provider', value: 'atlas' });
    await block({ kind: 'wallet', value: newWallet().address });
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await admin.request('GET', `/api/v1/admin/blocks?limit=2${cursor}`);
      const page = body as { blocks: { kind: string }[]; next_cursor?: string };
      seen.push(...page.blocks.map(({ kind }) => kind));
      if (page.next_cursor === undefined) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(seen).toEqual(['image', 'provider', 'wallet']);
    const { rows } = await replicas.database.pool.query(
      `select action, detail from audit_log where target = $1 order by id desc limit 1`,
      [them.value],
    );
    expect(rows).toMatchObject([{ action: 'image.block', detail: { reason: 'it still mines' } }]);
  });

  test.each([
    ['no address', 'wallet', '0x12', {}, 'params.value'],
    ['no id of a provider', 'provider', 'A', {}, 'params.value'],
    ['a pattern in the middle', 'image', 'evil/mi*er', {}, 'params.value'],
    ['too long a name', 'image', 'a'.repeat(600), {}, 'params.value'],
    ['an unknown kind', 'ship', 'x', {}, 'params.kind'],
    ['the wallet of an operator', 'wallet', operator.address, {}, 'params.value'],
    ['no reason', 'provider', 'atlas', { reason: '' }, 'reason'],
    ['a reason that reverses a terminal', 'provider', 'atlas', { reason: 'a\u202eb' }, 'reason'],
    ['an end in the past', 'provider', 'atlas', { until: '2001-01-01T00:00:00Z' }, 'until'],
    ['an end that is no time', 'provider', 'atlas', { until: 'tomorrow' }, 'until'],
  ])('a block with %s is refused, naming the field', async (_what, kind, value, more, field) => {
    const path = `/api/v1/admin/blocks/${kind}/${encodeURIComponent(value)}`;
    const { status, body } = await admin.request('PUT', path, { reason: 'it mines', ...more });
    expect(status).toBe(422);
    expect((body as { errors: { field: string }[] }).errors.map((error) => error.field)).toEqual([field]);
  });

  test('what is not blocked is answered with 404', async () => {
    const them: Blockable = { kind: 'provider', value: 'nobody' };
    for (const method of ['GET', 'DELETE']) expect((await admin.request(method, pathOf(them))).status).toBe(404);
  });

  test('a block is forgotten some time after its end, and one without an end never', async () => {
    const { pool } = replicas.database;
    await setBlock(pool, { kind: 'provider', value: 'one', ...reason, until: new Date(Date.now() - 60_000) });
    await setBlock(pool, { kind: 'provider', value: 'two', ...reason, until: new Date(Date.now() - 1_000) });
    await setBlock(pool, { kind: 'provider', value: 'three', ...reason });
    expect(await pruneBlocks(pool, new Date(Date.now() - 30_000))).toBe(1);
    expect(await pruneBlocks(pool, new Date())).toBe(1);
  });
});
