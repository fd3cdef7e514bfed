import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { instantAt } from '../../src/domain/outside.js';
import { capacityReported, heartbeatChanged, jobLeft, placementChanged } from '../../workflows/provider-messages.js';
import { createFlow, type Flow, type Steps } from '../support/flow.js';
import { startFlowProvider, type FlowProvider } from '../support/flow-provider.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow.close());

/** A provider that is in service, and whose jobs know it. */
async function serving(steps: Steps = {}): Promise<FlowProvider> {
  const provider = await startFlowProvider(flow, { steps });
  await provider.isFound({});
  await provider.becomes({ status: 'available' });
  await provider.asksFor('tellJobs');
  return provider;
}

const toldBy = (provider: FlowProvider) => provider.asked('tellJobs').map(([told]) => told as Record<string, unknown>);
const order = (provider: FlowProvider, action: 'cordon' | 'uncordon' | 'drain' | 'retire', until?: Date) =>
  provider.commands.order(provider.providerId, {
    action,
    by: 'an operator',
    ...(until === undefined ? {} : { until }),
  });
const offline = {
  status: 'offline',
  absence: 'silent',
  reason: 'no heartbeat',
  facts: { nodeReady: true, heartbeatAlive: false, gpusReady: true },
} as const;

describe('the jobs of a provider', () => {
  test('the jobs of a provider are told once that it went away, since when and why, and once that it is back', async () => {
    const provider = await serving();
    const awaySince = instantAt(Date.now() - 60_000);
    await provider.isFound({ ...offline, awaySince });
    await provider.asksFor('tellJobs', 2);
    await provider.isFound({ ...offline, awaySince });
    await provider.asksFor('assessProvider', 3);
    await provider.isFound({});
    await provider.asksFor('tellJobs', 3);
    const { providerId } = provider;
    const at = expect.any(String);
    expect(toldBy(provider)).toEqual([
      { providerId, online: true, at },
      { providerId, online: false, at, since: awaySince, cause: 'silent' },
      { providerId, online: true, at },
    ]);
    await flow.replay(provider.workflowId);
  });

  test('only the jobs on a replaced node are told that it never comes back', async () => {
    const provider = await serving();
    await provider.isFound({ nodeUid: 'another node' });
    const [told] = await provider.asksFor('tellJobs', 2);
    expect(told).toMatchObject({ online: false, final: true, newNode: 'another node' });
    await provider.isFound({ nodeUid: 'another node' });
    await provider.asksFor('assessProvider', 3);
    expect(toldBy(provider)).toHaveLength(2);
  });

  test('jobs are told whose GPUs are missing, and again when one more is missing', async () => {
    const provider = await serving();
    await provider.isFound({ absence: 'gpu_lost', missingGpus: ['vendor/a'] });
    await provider.asksFor('tellJobs', 2);
    await provider.isFound({ absence: 'gpu_lost', missingGpus: ['vendor/a', 'vendor/b'] });
    await provider.asksFor('tellJobs', 3);
    expect(toldBy(provider).slice(1)).toMatchObject([
      { online: false, cause: 'gpu_lost', missingGpus: ['vendor/a'] },
      { online: false, cause: 'gpu_lost', missingGpus: ['vendor/a', 'vendor/b'] },
    ]);
    // With one job less there may be enough of them.
    const looks = provider.asked('assessProvider').length;
    await provider.handle.signal(jobLeft);
    await provider.asksFor('assessProvider', looks + 1);
    await flow.replay(provider.workflowId);
  });
});

describe('an operator command', () => {
  test('an operator command is stored before the jobs are told of it', async () => {
    const provider = await serving();
    const deadline = new Date(Date.now() + 60_000);
    await order(provider, 'drain', deadline);
    await order(provider, 'uncordon');
    const orders = flow
      .asked(provider.providerId)
      .filter(({ step }) => step === 'recordOrder' || step === 'tellJobsOfDrain')
      .map(({ step, args: [said] }) => [step, said]);
    expect(orders).toMatchObject([
      ['recordOrder', { order: { action: 'drain', until: deadline.toISOString() } }],
      ['tellJobsOfDrain', { draining: true, until: deadline.toISOString() }],
      ['recordOrder', { order: { action: 'uncordon' } }],
      ['tellJobsOfDrain', { draining: false }],
    ]);
    await flow.replay(provider.workflowId);
  });

  test('jobs are not told of a command to take no more jobs', async () => {
    const provider = await serving();
    await order(provider, 'cordon');
    expect(provider.asked('recordOrder')).toHaveLength(1);
    expect(provider.asked('tellJobsOfDrain')).toEqual([]);
    await provider.asksFor('assessProvider', 2);
  });

  test('an operator command waits for the one before it', async () => {
    let underWay = 0;
    const seen: number[] = [];
    const provider = await serving({
      async recordOrder() {
        seen.push(++underWay);
        await sleep(100);
      },
      tellJobsOfDrain: () => Promise.resolve(underWay--),
    });
    await Promise.all([order(provider, 'drain'), order(provider, 'uncordon'), order(provider, 'drain')]);
    expect(seen).toEqual([1, 1, 1]);
    await flow.replay(provider.workflowId);
  });
});

describe('a provider that leaves', () => {
  test('a provider that leaves waits for its last job, rejects registrations meanwhile, and cannot be kept', async () => {
    let jobs = 1;
    const provider = await serving({ retireProvider: () => Promise.resolve({ jobs }) });
    await order(provider, 'retire');
    await provider.becomes({ waitingFor: 'the end of its jobs (1); then it is retired' });
    await provider.registers('too late');
    await provider.asksFor('refuseRegistration');
    await expect(order(provider, 'uncordon')).rejects.toMatchObject({ code: 'provider_retired' });
    jobs = 0;
    await provider.handle.signal(jobLeft);
    await provider.handle.result();
    expect(await provider.state()).toMatchObject({ status: 'retired' });
    expect(provider.asked('answerRegistration')).toEqual([]);
    // Its miners are stopped before it is over.
    expect(provider.steps().at(-1)).toBe('syncMining');
    await flow.replay(provider.workflowId);
  });

  test('a provider that registers at the very moment when it leaves begins a new life', async () => {
    const provider = await serving({
      async retireProvider() {
        await provider.registers('anew');
        return { jobs: 0 };
      },
    });
    await order(provider, 'retire');
    const [answered] = await provider.asksFor('answerRegistration');
    expect(answered).toMatchObject({ messageId: 'anew' });
    expect(await provider.becomes({ status: 'approved' })).toMatchObject({ retiring: false });
    await flow.replay(provider.workflowId);
  });

  test('the workflow of a provider that turns out not to be in the fleet ends', async () => {
    const provider = await serving({ assessProvider: () => Promise.resolve(looks++ === 0 ? found : undefined) });
    await provider.handle.signal(placementChanged);
    await provider.handle.result();
  });
  let looks = 0;
  const found = {
    ...{ facts: { nodeReady: true, heartbeatAlive: true, gpusReady: true }, status: 'available' as const, reason: '' },
    ...{ cordoned: false, retiring: false },
  };
});

describe('a provider', () => {
  test('a provider that is out of placement for a while is checked when that time is over', async () => {
    const provider = await serving();
    await provider.isFound({ out: { until: new Date(Date.now() + 5_000).toISOString(), reason: 'start_timeout' } });
    await provider.becomes(({ waitingFor }) => waitingFor.includes('it failed to start jobs of several customers'));
    await provider.asksFor('assessProvider', 3);
    await flow.replay(provider.workflowId);
  });

  test('a provider takes over its newest capacity figures once, and is then checked', async () => {
    const provider = await serving();
    await provider.handle.signal(capacityReported, { messageId: 'figures' });
    await provider.handle.signal(capacityReported, { messageId: 'figures' });
    await provider.asksFor('assessProvider', 2);
    expect(provider.asked('updateCapacity')).toEqual([[{ providerId: provider.providerId, messageId: 'figures' }]]);
  });

  test('a provider with a long history continues in a new run that knows what its jobs were told and which messages came', async () => {
    const provider = await serving();
    await provider.registers('known');
    await provider.asksFor('answerRegistration');
    await provider.isFound({ ...offline });
    await provider.asksFor('tellJobs', 2);
    const { handle } = provider;
    await flow.startOver(handle, (at) => handle.signal<[object]>(heartbeatChanged.name, { alive: true, at }));
    const looks = provider.asked('assessProvider').length;
    await provider.registers('known');
    await provider.isFound({ ...offline });
    await provider.asksFor('assessProvider', looks + 1);
    await provider.becomes({ status: 'offline' });
    expect(toldBy(provider)).toHaveLength(2);
    expect(provider.asked('answerRegistration')).toHaveLength(1);
    await provider.isFound({ nodeUid: 'another node' });
    const [told] = await provider.asksFor('tellJobs', 3);
    expect(told).toMatchObject({ final: true, newNode: 'another node' });
    await flow.replay(provider.workflowId);
  });
});
