import { randomUUID } from 'node:crypto';
import type { ChainActivities } from '../../activities/chain.js';
import type { Advanced } from '../../src/chain/settlement.js';
import { chainTaskQueue } from '../../workflows/chain-task-queue.js';
import { podObserved } from '../../workflows/job-messages.js';
import { certificateRequested, jobLeft, miningChanged, placementChanged } from '../../workflows/provider-messages.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { BrokerError } from '../../src/domain/errors.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { testOrder } from '../support/fleet.js';
import type { Flow } from '../support/flow.js';
import { comparisons, nothing } from '../support/flow-reconciler.js';
import { runningFlowJob, startFlowJob, workflowIdOf, type FlowJob, type FlowJobOptions } from '../support/flow-job.js';
import { startFlowProvider } from '../support/flow-provider.js';

const elsewhere = { providerId: 'another', nodeName: 'node-of-another', pricePerHour: 2 };
const unreachable = () => Promise.reject(new Error('no way to the cluster'));
const inAMoment = () => instantAt(Date.now() + 300);
const aMinuteAgo = () => instantAt(Date.now() - 60_000);
const awaySince = () => ({
  changedAt: instantAt(Date.now()),
  away: { atMs: Date.now(), sinceMs: Date.now() - 60_000, final: false },
});

/** A job whose customer left open where it runs, and what it goes through until it is over. */
async function elsewhereAfter(flow: Flow, options: FlowJobOptions, why: (job: FlowJob) => Promise<unknown>) {
  const job: FlowJob = await startFlowJob(flow, {
    ...options,
    anywhere: true,
    steps: {
      placeJob: (_, attempt) => Promise.resolve(attempt === 2 ? elsewhere : job.placement),
      // Both of the ways to tell a provider are taken.
      leaveProvider: () => Promise.resolve({ isOut: true }),
      ...options.steps,
    },
  });
  await job.asksFor('provisionJob');
  await why(job);
  await job.asksFor('provisionJob', 2);
  await job.podIs('running');
  await job.becomes('running');
  await job.cancel();
  return workflowIdOf(job);
}

async function over(job: FlowJob): Promise<string> {
  await job.released();
  return workflowIdOf(job);
}

/** What hardly comes about on real engines; each lives one workflow through, and answers its id. */
export const branches: Record<string, (flow: Flow) => Promise<string>> = {
  'job-that-was-not-made-in-time': async (flow) =>
    await over(await startFlowJob(flow, { limits: { startTimeoutS: 0.5 }, steps: { provisionJob: unreachable } })),

  'job-that-was-not-ready-in-time': async (flow) =>
    await over(await startFlowJob(flow, { limits: { startTimeoutS: 0.5 } })),

  async 'job-unschedulable'(flow) {
    const job = await startFlowJob(flow, { limits: { stuckGraceS: 0.2 } });
    await job.podIs('pending', { stuck: { reason: 'unschedulable', message: sentence('no place'), fault: 'certain' } });
    return await over(job);
  },

  'job-moved-from-a-machine-without-a-place': (flow) =>
    elsewhereAfter(flow, { limits: { stuckGraceS: 0.2 } }, (job) =>
      job.podIs('pending', { stuck: { reason: 'unschedulable', message: sentence('no place'), fault: 'certain' } }),
    ),

  'job-moved-from-a-silent-machine': (flow) =>
    elsewhereAfter(flow, { limits: { startTimeoutS: 15 } }, (job) => job.podIs('pending', { unprepared: 'certain' })),

  'job-moved-from-a-provider-that-was-drained': (flow) =>
    elsewhereAfter(flow, {}, (job) => job.hearsOfDrain({ draining: true, until: inAMoment() })),

  async 'job-drained-while-it-was-made'(flow) {
    const job = await startFlowJob(flow, { steps: { provisionJob: unreachable } });
    await job.hearsOfDrain({ draining: true, until: inAMoment() });
    return await over(job);
  },

  async 'job-drained'(flow) {
    const job = await runningFlowJob(flow);
    await job.hearsOfDrain({ draining: true, until: inAMoment() });
    return await over(job);
  },

  async 'job-whose-extension-was-refused-and-repeated'(flow) {
    let isRich = false;
    const job: FlowJob = await runningFlowJob(flow, {
      steps: {
        async recordExtension({ requestId, seconds }) {
          if (!isRich) throw new BrokerError('spend_limit_exceeded', 'nothing is left');
          return await Promise.resolve(job.ledger.extend(requestId, seconds));
        },
      },
    });
    await job.extend('same', 600).catch(() => undefined);
    isRich = true;
    await Promise.all([job.extend('same', 600), job.extend('other', 60)]);
    await job.extend('same', 600);
    await job.cancel();
    return workflowIdOf(job);
  },

  async 'job-in-a-new-run'(flow) {
    const job = await runningFlowJob(flow, { order: { durationSeconds: 5 } });
    await job.extend('old', 3_600);
    await job.hears({ online: false, since: aMinuteAgo() });
    await flow.startOver(job.handle, (message) =>
      job.handle.signal<[object]>(podObserved.name, {
        phase: 'pending',
        uid: 'another',
        resourceVersion: '1',
        message,
      }),
    );
    await job.extend('old', 3_600);
    await job.extend('new', 60);
    await job.hears({ online: true });
    await job.cancel();
    return workflowIdOf(job);
  },

  async 'job-completed-while-its-provider-was-away'(flow) {
    const job = await runningFlowJob(flow);
    await job.hears({ online: false, since: aMinuteAgo() });
    await job.asksFor('recordService');
    await job.podIs('succeeded', { endedAt: instantAt(Date.now()) });
    return await over(job);
  },

  async 'job-cancelled-while-its-loss-was-looked-at'(flow) {
    const job: FlowJob = await runningFlowJob(flow, {
      limits: { providerLossGraceS: 0 },
      steps: {
        checkLoss: () => flow.commands.cancel(job.order.jobId, 'its owner', 0).then(() => 'unclear' as const),
      },
    });
    await job.hears({ online: false, since: aMinuteAgo() });
    return await over(job);
  },

  async 'job-resumed-while-its-provider-was-away'(flow) {
    const steps: FlowJobOptions['steps'] = { checkLoss: () => Promise.resolve('lost') };
    const running = { provider: { ...awaySince(), drain: { untilMs: Date.now() + 600_000 } } };
    return await over(await startFlowJob(flow, { limits: { providerLossGraceS: 0.3 }, running, steps }));
  },

  async 'provider-that-never-joined'(flow) {
    const issued = { kind: 'issued', tokenId: 't', nodeName: 'its-node', newNode: true } as const;
    const expired = () => Promise.resolve({ ...issued, expiresAt: instantAt(Date.now()) });
    const provider = await startFlowProvider(flow, { steps: { answerRegistration: expired } });
    await provider.registers('first');
    await provider.asksFor('recordNeverJoined');
    await provider.becomes({ status: 'pending' });
    return provider.workflowId;
  },

  async 'provider-that-was-answered-before'(flow) {
    const provider = await startFlowProvider(flow);
    const answer = { kind: 'issued', tokenId: 't', nodeName: 'its-node', newNode: true } as const;
    await provider.registers('first', 'its owner', { kind: 'rejected', rejected: 'not this one' });
    await provider.becomes({ status: 'rejected' });
    await provider.registers('second', 'its owner', { ...answer, expiresAt: instantAt(Date.now() + 3_600_000) });
    await provider.asksFor('ensureReplyDelivered');
    await provider.isFound({ nodeName: 'its-node' });
    await provider.becomes({ status: 'available' });
    return provider.workflowId;
  },

  async 'provider-whose-certificate-was-renewed'(flow) {
    const provider = await startFlowProvider(flow);
    await provider.registers('first');
    await provider.becomes({ status: 'approved' });
    await provider.handle.signal(certificateRequested, { name: 'first', tokenId: 'token' });
    await provider.isFound({});
    await provider.becomes({ status: 'available' });
    await provider.handle.signal(certificateRequested, { name: 'renewed' });
    await provider.asksFor('approveNodeCertificate', 2);
    await provider.handle.signal(miningChanged);
    await provider.asksFor('syncMining', 2);
    return provider.workflowId;
  },

  async 'provider-that-lost-a-gpu-and-its-node'(flow) {
    const provider = await startFlowProvider(flow);
    await provider.isFound({});
    await provider.asksFor('tellJobs');
    await provider.isFound({ absence: 'gpu_lost', missingGpus: ['vendor/a'] });
    await provider.asksFor('tellJobs', 2);
    await provider.handle.signal(jobLeft);
    await provider.isFound({ nodeUid: 'another node' });
    await provider.asksFor('tellJobs', 4);
    return provider.workflowId;
  },

  async 'provider-out-of-placement-and-drained'(flow) {
    const provider = await startFlowProvider(flow);
    await provider.isFound({ out: { until: instantAt(Date.now() + 500) } });
    await provider.handle.signal(placementChanged);
    await provider.asksFor('assessProvider', 2);
    for (const action of ['drain', 'uncordon', 'cordon'] as const) {
      await provider.commands.order(provider.providerId, { action, by: 'an operator' });
    }
    return provider.workflowId;
  },

  async 'provider-that-registered-as-it-left'(flow) {
    const provider = await startFlowProvider(flow, {
      steps: { retireProvider: () => provider.registers('anew').then(() => ({ jobs: 0 })) },
    });
    await provider.isFound({});
    await provider.becomes({ status: 'available' });
    await provider.commands.order(provider.providerId, { action: 'retire', by: 'an operator' });
    await provider.asksFor('answerRegistration');
    await provider.becomes({ status: 'approved' });
    return provider.workflowId;
  },

  async 'fleet-reconciler-that-ended-a-job'(flow) {
    const order = testOrder();
    const job = { order, message: sentence('nobody looks after it'), servedUntil: instantAt(Date.now()) };
    flow.answers('', comparisons({ compareWorkflows: () => Promise.resolve({ ...nothing, abandoned: [job] }) }));
    flow.answers(order.jobId, {
      endAbandonedJob: () => Promise.resolve({ repairs: { job_abandoned: 1 }, failures: [] }),
    });
    return await once(flow, workflowTypes.fleetReconciler);
  },

  async 'fleet-reconciler-that-could-not-compare'(flow) {
    flow.answers('', comparisons({ comparePods: unreachable }));
    return await once(flow, workflowTypes.fleetReconciler);
  },

  async 'market-sampler'(flow) {
    flow.answers('', { sampleMarket: () => Promise.resolve({ written: 3, deleted: 0 }) });
    return await once(flow, workflowTypes.marketSampler);
  },

  async 'provider-series'(flow) {
    flow.answers('', { recordProviderSeries: () => Promise.resolve({ online: 1, samples: 1, pruned: 0 }) });
    return await once(flow, workflowTypes.providerSeries);
  },

  async 'job-reminders'(flow) {
    flow.answers('', { announceExpiries: () => Promise.resolve({ wallets: 1 }) });
    return await once(flow, workflowTypes.jobReminders);
  },

  async 'vault-watch'(flow) {
    const watchVault = () => Promise.resolve({ block: 7, events: 1, isBehind: false });
    return await withChain(flow, { watchVault }, () => once(flow, workflowTypes.vaultWatch));
  },

  async 'withdrawal-permit'(flow) {
    return await withChain(flow, { signWithdrawal: () => Promise.resolve() }, () =>
      once(flow, workflowTypes.withdrawalPermit, randomUUID()),
    );
  },

  async 'settlement-that-was-found-by-its-wait'(flow) {
    const looks: Advanced[] = [
      { is: 'under way', kind: 'gas', waitsFor: 'gas that costs less', since: new Date().toISOString(), againInS: 1 },
      { is: 'under way', kind: 'delay', waitsFor: 'the delay', since: new Date().toISOString(), againInS: 1 },
    ];
    const steps = {
      beginSettlement: () => Promise.resolve({ number: 7 }),
      advanceSettlement: () => Promise.resolve(looks.shift() ?? { is: 'void' as const, why: 'vetoed' }),
    };
    return await withChain(flow, steps, () => once(flow, workflowTypes.settlementBatch));
  },

  async 'settlement'(flow) {
    const looks: Advanced[] = [
      { is: 'under way', kind: 'propose', waitsFor: 'its proposal to be mined', againInS: 1 },
      { is: 'under way', kind: 'delay', waitsFor: 'the delay in which it can be vetoed', againInS: 2 },
      { is: 'under way', kind: 'execute', waitsFor: 'its execution to be mined', againInS: 1 },
    ];
    const steps = {
      beginSettlement: () => Promise.resolve({ number: 7 }),
      advanceSettlement: () => Promise.resolve(looks.shift() ?? { is: 'final' as const }),
    };
    return await withChain(flow, steps, () => once(flow, workflowTypes.settlementBatch));
  },
};

async function once(flow: Flow, workflowType: string, ...args: string[]): Promise<string> {
  const workflowId = `${workflowType}-${randomUUID()}`;
  const taskQueue = flow.config.TEMPORAL_TASK_QUEUE;
  await flow.temporal.client.workflow.execute(workflowType, { workflowId, taskQueue, args });
  return workflowId;
}

/** While `work` runs, these activities answer on the task queue of the chain. */
async function withChain<T>(flow: Flow, activities: Partial<ChainActivities>, work: () => Promise<T>): Promise<T> {
  const taskQueue = chainTaskQueue(flow.config.TEMPORAL_TASK_QUEUE);
  const stop = await flow.temporal.startWorker(activities, { taskQueue });
  return await work().finally(stop);
}
