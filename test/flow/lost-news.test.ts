import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf } from '../support/flow-job.js';
import { startFlowProvider } from '../support/flow-provider.js';

/** How long nobody has to have told a workflow anything before it looks by itself: for tests, as good as no time. */
const hurried: [RegExp, string][] = [
  [/const runningRecheckMs = [^;]+;/g, 'const runningRecheckMs = 200;'],
  [/const recheckS = [^;]+;/g, 'const recheckS = [0.2];'],
  [/const recheckMs = [^;]+;/g, 'const recheckMs = 200;'],
  [/const leaveRecheckMs = [^;]+;/g, 'const leaveRecheckMs = 200;'],
];

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow((code) =>
    hurried.reduce((changed, [wait, shorter]) => {
      if (!wait.test(changed)) throw new Error(`the workflow code has no ${wait.source}`);
      return changed.replaceAll(wait, shorter);
    }, code),
  );
});
afterAll(() => flow.close());

describe('a job that gets no news', () => {
  test('a job that gets no news finds out that its pod is ready', async () => {
    const job = await startFlowJob(flow, {
      steps: { inspectJob: (_, uid) => Promise.resolve({ phase: 'running', uid, resourceVersion: '7' }) },
    });
    await job.becomes('running');
    await job.cancel();
    await flow.replay(workflowIdOf(job));
  });

  test('a job that gets no news finds out that its pod has ended while it ran', async () => {
    let phase: 'running' | 'gone' = 'running';
    const job = await runningFlowJob(flow, {
      steps: { inspectJob: (_, uid) => Promise.resolve({ phase, uid, resourceVersion: '7' }) },
    });
    await job.asksFor('inspectJob', 2);
    expect((await job.state()).status).toBe('running');
    phase = 'gone';
    expect(await job.released()).toMatchObject({ status: 'failed', failure: { reason: 'pod_deleted' } });
    await flow.replay(workflowIdOf(job));
  });

  test('a job checks a provider that is away too long again and again until it knows what became of it', async () => {
    let found: 'unclear' | 'lost' = 'unclear';
    const job = await runningFlowJob(flow, {
      limits: { providerLossGraceS: 0.1 },
      steps: { checkLoss: () => Promise.resolve(found), inspectJob: () => Promise.reject(new Error('not asked for')) },
    });
    await job.hears({ online: false });
    await job.asksFor('checkLoss', 3);
    expect((await job.state()).status).toBe('running');
    found = 'lost';
    expect(await job.released()).toMatchObject({ status: 'provider_lost' });
  });
});

describe('a provider that gets no news', () => {
  test('a provider that gets no news finds out that its node has joined', async () => {
    const provider = await startFlowProvider(flow);
    await provider.registers('first');
    await provider.becomes({ status: 'approved' });
    await provider.asksFor('assessProvider', 2);
  });

  test('a provider that gets no news leaves when its last job has', async () => {
    let jobs = 2;
    const provider = await startFlowProvider(flow, {
      steps: { retireProvider: () => Promise.resolve({ jobs: jobs-- }) },
    });
    await provider.isFound({});
    await provider.becomes({ status: 'available' });
    await provider.commands.order(provider.providerId, { action: 'retire', by: 'an operator' });
    await provider.handle.result();
    expect(provider.asked('retireProvider')).toHaveLength(3);
    await flow.replay(provider.workflowId);
  });
});
