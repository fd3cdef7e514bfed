import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { providerOperationRoutes } from '../../src/api/routes/provider-operations.js';
import type { SessionPrincipal } from '../../src/auth/customers/principal.js';
import { recordOwner } from '../support/fleet.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { taints } from '../../src/kubernetes/names.js';
import { startTestApi, type TestApi } from '../unit/api-harness.js';
import { createFleetWorld, heldNothing, type FleetWorld } from '../support/fleet-world.js';
import { decidedWithinMs, until } from '../support/until.js';
import type { Scope } from '../../src/wire/scopes.js';

const [owner, stranger, operator] = ['1', '2', '3'].map((digit) => `0x${digit.repeat(40)}`) as [string, string, string];
const principals: Record<string, { wallet: string; scopes: Scope[] }> = {
  owner: { wallet: owner, scopes: ['providers:write'] },
  'owner without the scope': { wallet: owner, scopes: ['providers:read', 'jobs:write'] },
  stranger: { wallet: stranger, scopes: ['providers:write'] },
  operator: { wallet: operator, scopes: ['admin'] },
};

let world: FleetWorld;
let api: TestApi;
beforeAll(async () => {
  world = await createFleetWorld();
  api = await startTestApi({
    pool: world.database.pool,
    authenticate: ({ headers }) => {
      const known = principals[headers.authorization!]!;
      return Promise.resolve({
        kind: 'signed',
        sessionId: randomUUID(),
        sessionKey: '',
        expiresAt: new Date(),
        ...known,
      } as unknown as SessionPrincipal);
    },
    routes: providerOperationRoutes({ config: world.config, pool: world.database.pool, providers: world.providers }),
  });
});
afterAll(async () => {
  await api.stop();
  await world.close();
});

const joined = async () => {
  const providerId = await world.joined();
  await recordOwner(world.database.pool, providerId, owner);
  return providerId;
};
const order = (as: string, providerId: string, action: string, json?: object) =>
  api.send('POST', `/api/v1/providers/${providerId}/${action}`, {
    headers: { authorization: as },
    ...(json === undefined ? {} : { json }),
  });
const shown = async (providerId: string) => (await api.send('GET', `/api/v1/providers/${providerId}`)).json;
const maintenance = async (providerId: string) =>
  (await world.node(providerId))?.spec?.taints?.find(({ key }) => key === taints.maintenance)?.value;
const takesJobs = async (providerId: string) => {
  const asked = await world.order({ providerId });
  const state = await world.commands.startAndWait(asked, decidedWithinMs);
  if (state !== 'still_starting' && state.status === 'running')
    await world.commands.cancel(asked.jobId, 'its owner', 20_000);
  return state !== 'still_starting' && state.status === 'running';
};

describe('the right to operator commands', () => {
  test('a provider of another wallet is reported as not found, and stays as it is', async () => {
    const providerId = await joined();
    for (const action of ['cordon', 'uncordon', 'drain', 'maintenance', 'retire']) {
      const reply = await order('stranger', providerId, action);
      expect(reply).toMatchObject({ status: 404, json: { code: 'provider_not_found' } });
    }
    expect(await world.row(providerId)).toMatchObject({ status: 'available', cordoned: false, retiring: false });
  });

  test('the owner of a provider can command it only with a session for that', async () => {
    const providerId = await joined();
    const reply = await order('owner without the scope', providerId, 'cordon');
    expect(reply).toMatchObject({ status: 403, json: { code: 'scope_denied' } });
  });

  test('an operator can command any provider', async () => {
    const providerId = await joined();
    expect(await order('operator', providerId, 'cordon')).toMatchObject({ status: 200, json: { cordoned: true } });
  });

  test('nobody can command a provider that never registered', async () => {
    expect(await order('operator', 'nobody-at-all', 'cordon')).toMatchObject({ status: 404 });
  });
});

describe('a cordoned provider', () => {
  test('a cordoned provider takes no new jobs, keeps the jobs it has, and says that it is drained when it has none', async () => {
    const providerId = await joined();
    const running = await world.running({ providerId });
    expect(await order('owner', providerId, 'cordon')).toMatchObject({
      status: 200,
      json: { status: 'busy', cordoned: true, drained: false },
    });
    expect(await takesJobs(providerId)).toBe(false);
    await until(async () => (await maintenance(providerId)) === 'cordoned');
    expect((await world.job(running)).status).toBe('running');
    const extended = await world.commands.extend(running.jobId, 'one', 60);
    expect(extended.expiresAt).toBe((await world.job(running)).expiresAt!.toISOString());
    await world.commands.cancel(running.jobId, 'its owner', 20_000);
    await until(async () => (await shown(providerId)).drained === true);
  });

  test('a cordoned provider stays cordoned while its node comes and goes, and through a new workflow', async () => {
    const providerId = await joined();
    await order('owner', providerId, 'cordon');
    await world.setNodeReady(providerId, false);
    await world.becomes(providerId, 'offline');
    await world.temporal.client.workflow.getHandle(providerWorkflowId(providerId)).terminate('a test');
    await world.silent(providerId);
    await world.sweep();
    await world.heard(providerId);
    await world.setNodeReady(providerId, true);
    await world.sweep();
    await world.becomes(providerId, 'busy');
    await until(async () => (await maintenance(providerId)) === 'cordoned');
    expect(await takesJobs(providerId)).toBe(false);
  });

  test('a cordoned provider takes jobs again when it is uncordoned', async () => {
    const providerId = await joined();
    await order('owner', providerId, 'cordon');
    const reply = await order('owner', providerId, 'uncordon');
    expect(reply).toMatchObject({ status: 200, json: { status: 'available', cordoned: false, drained: false } });
    expect(await takesJobs(providerId)).toBe(true);
    await until(async () => (await maintenance(providerId)) === undefined);
  });

  test('a cordoned provider still starts a job that got its GPUs before', async () => {
    const providerId = await joined();
    await world.kubernetes.core.patchNode({
      name: providerId,
      body: [{ op: 'add', path: '/spec/unschedulable', value: true }],
    });
    const placed = await world.order({ providerId });
    await world.commands.startAndWait(placed, 0);
    await until(() => world.podExists(placed));
    await order('owner', providerId, 'cordon');
    await until(async () => (await maintenance(providerId)) === 'cordoned');
    await world.kubernetes.core.patchNode({ name: providerId, body: [{ op: 'remove', path: '/spec/unschedulable' }] });
    await world.jobBecomes(placed, 'running');
    await world.commands.cancel(placed.jobId, 'its owner', 20_000);
  });
});

describe('a drained provider', () => {
  test('a drained provider ends its jobs at the deadline, with that reason and nothing held', async () => {
    const providerId = await joined();
    const running = await world.running({ providerId });
    const reply = await order('owner', providerId, 'drain', { deadline_s: 2 });
    expect(reply).toMatchObject({ status: 200, json: { cordoned: true, drained: false } });
    expect(Date.parse(reply.json.drain_until)).toBeGreaterThan(Date.now());
    await world.jobBecomes(running, 'cancelled');
    expect(await world.job(running)).toMatchObject({ failure: { reason: 'provider_drained' } });
    expect(await world.heldBy(running)).toEqual(heldNothing);
    await until(async () => (await shown(providerId)).drained === true);
  });

  test('jobs of a provider that is drained without a deadline run to their own end, and cannot be extended', async () => {
    const providerId = await joined();
    const running = await world.running({ providerId, durationSeconds: 10 });
    await order('owner', providerId, 'drain');
    const extension = world.commands.extend(running.jobId, 'one', 60);
    await expect(extension).rejects.toMatchObject({ code: 'provider_drained' });
    await world.jobBecomes(running, 'expired');
  });

  test('a drained provider that is uncordoned in time keeps its jobs', async () => {
    const providerId = await joined();
    const running = await world.running({ providerId });
    const drained = await order('owner', providerId, 'drain', { deadline_s: 8 });
    const reply = await order('owner', providerId, 'uncordon');
    expect(reply.json.drain_until).toBeUndefined();
    const deadlineMs = Date.parse(drained.json.drain_until);
    await until(() => Date.now() > deadlineMs + 1_000, { name: 'the deadline is over', budgetMs: 15_000 });
    expect((await world.job(running)).status).toBe('running');
    await world.commands.cancel(running.jobId, 'its owner', 20_000);
  });

  test('the command maintenance drains a provider', async () => {
    const providerId = await joined();
    expect(await order('owner', providerId, 'maintenance', { deadline_s: 60 })).toMatchObject({
      status: 200,
      json: { cordoned: true, drained: true },
    });
  });

  test('the deadline of a drain is given in whole seconds that are not negative', async () => {
    const providerId = await joined();
    expect(await order('owner', providerId, 'drain', { deadline_s: -1 })).toMatchObject({ status: 422 });
    expect(await order('owner', providerId, 'drain', { deadline: 1 })).toMatchObject({ status: 422 });
    expect((await world.row(providerId)).cordoned).toBe(false);
  });
});

describe('a retired provider', () => {
  test('a retired provider leaves after its last job, when its node and tokens are gone and its workflow is over', async () => {
    const providerId = await joined();
    const running = await world.running({ providerId });
    const reply = await order('owner', providerId, 'retire', { deadline_s: 2 });
    expect(reply).toMatchObject({ status: 202, json: { cordoned: true, retiring: true } });
    expect(await order('owner', providerId, 'uncordon')).toMatchObject({
      status: 409,
      json: { code: 'provider_retired' },
    });
    await world.jobBecomes(running, 'cancelled');
    const handle = world.temporal.client.workflow.getHandle(providerWorkflowId(providerId));
    await handle.result();
    expect(await world.row(providerId)).toMatchObject({ status: 'retired', retiring: false });
    expect(await world.node(providerId)).toBeUndefined();
    expect(await order('owner', providerId, 'drain')).toMatchObject({
      status: 409,
      json: { code: 'provider_retired' },
    });
    expect((await shown(providerId)).status).toBe('retired');
    const listed = (await api.send('GET', '/api/v1/providers?limit=100')).json.providers as { provider_id: string }[];
    expect(listed.map(({ provider_id }) => provider_id)).not.toContain(providerId);
  });

  test('a retired provider is not brought back by heartbeats, or by an earlier registration', async () => {
    const providerId = await joined();
    await order('owner', providerId, 'retire');
    await world.temporal.client.workflow.getHandle(providerWorkflowId(providerId)).result();
    await world.heard(providerId);
    expect(await world.sweep()).toEqual({ silent: 0, returned: 0, failed: 0 });
    expect((await world.row(providerId)).status).toBe('retired');
  });
});
