import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { argumentsOf, endWith } from '../../engines/cli/arguments.js';
import { readConfig } from '../../src/config.js';
import { jobObjectName, jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { packageRoot } from '../../engines/paths.js';
import { startSimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { startRelay } from '../../src/roles/relay/relay.js';
import { connectTemporal } from '../../src/temporal/client.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { createFlow } from '../support/flow.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { trusting } from '../support/relay.js';
import { beginRun } from '../support/run.js';
import { decidedWithinMs, until } from '../support/until.js';
import { branches } from './branches.js';
import { toText } from './kept.js';
import { namespaceOf } from '../support/tenants.js';

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };

/** Each lives one workflow through, and answers its id. */
const lives: Record<string, (world: FleetWorld) => Promise<string>> = {
  async 'job-expired'(world) {
    const order = await world.running({ providerId: await world.joined(), durationSeconds: 2 });
    await world.jobBecomes(order, 'expired');
    return jobWorkflowId(order.jobId);
  },

  async 'job-extended-and-cancelled'(world) {
    const order = await world.running({ providerId: await world.joined() });
    await world.commands.extend(order.jobId, 'first', 600);
    await world.commands.extend(order.jobId, 'second', 600);
    await world.commands.cancel(order.jobId, 'its owner', 30_000);
    return jobWorkflowId(order.jobId);
  },

  async 'job-cancelled-while-starting'(world) {
    const order = await world.order({ providerId: await world.joined(), image: 'docker.io/library/does-not-exist:1' });
    await world.commands.startAndWait(order, 0);
    await until(async () => (await world.job(order)).status === 'provisioning');
    await world.commands.cancel(order.jobId, 'its owner', 30_000);
    return jobWorkflowId(order.jobId);
  },

  'job-without-capacity': async (world) => await failed(world, { gpuCount: 9 }),
  'job-without-image': async (world) => await failed(world, { image: 'docker.io/library/does-not-exist:1' }),

  async 'job-whose-pod-was-deleted'(world) {
    const order = await world.running({ providerId: await world.joined() });
    const names = { name: jobObjectName(order.jobId), namespace: namespaceOf(order.wallet) };
    await world.kubernetes.core.deleteNamespacedPod({ ...names, gracePeriodSeconds: 0 });
    await world.jobBecomes(order, 'failed');
    return jobWorkflowId(order.jobId);
  },

  async 'job-whose-provider-was-lost'(world) {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.setNodeReady(providerId, false);
    await world.jobBecomes(order, 'provider_lost');
    return jobWorkflowId(order.jobId);
  },

  async 'job-whose-provider-came-back'(world) {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.setNodeReady(providerId, false);
    await world.becomes(providerId, 'offline');
    await world.setNodeReady(providerId, true);
    await world.becomes(providerId, 'available');
    await world.commands.cancel(order.jobId, 'its owner', 30_000);
    return jobWorkflowId(order.jobId);
  },

  /** Temporal has lost its workflow, and the reconciler starts it anew from what its row says. */
  async 'job-resumed'(world) {
    const order = await world.running({ providerId: await world.joined() });
    const { client } = world.temporal;
    const { namespace } = client.options;
    const handle = client.workflow.getHandle(jobWorkflowId(order.jobId));
    await client.workflowService.deleteWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: handle.workflowId },
    });
    await until(
      () =>
        handle.describe().then(
          () => false,
          () => true,
        ),
      { name: 'the workflow is deleted' },
    );
    await makeOld(world, order);
    await once(world, workflowTypes.fleetReconciler);
    await world.commands.cancel(order.jobId, 'its owner', 30_000);
    return handle.workflowId;
  },

  async 'provider-joined-lost-returned-retired'(world) {
    const { config, database, temporal, redis } = world;
    const logger = pino({ level: 'silent' });
    const relay = startRelay({
      config,
      pool: database.pool,
      temporal: temporal.client,
      logger,
      verifier: trusting,
      redisDb: redis.db,
    });
    const redisUrl = `redis://${config.REDIS_HOST}:${config.REDIS_PORT}/${redis.db}`;
    const providerId = `recorded-${randomUUID().slice(0, 8)}`;
    const machine = startSimulatedProvider({ redisUrl, providerId, heartbeatIntervalMs: 0 });
    try {
      await machine.joined;
      await world.becomes(providerId, 'available');
      await world.silent(providerId);
      await world.sweep();
      await world.becomes(providerId, 'offline');
      await world.heard(providerId);
      await world.sweep();
      await world.becomes(providerId, 'available');
      await world.providers.order(providerId, { action: 'cordon', by: 'an operator' });
      await world.providers.order(providerId, { action: 'uncordon', by: 'an operator' });
      const order = await world.running({ providerId });
      await world.providers.order(providerId, { action: 'retire', by: 'an operator' });
      await world.commands.cancel(order.jobId, 'its owner', 30_000);
      await world.becomes(providerId, 'retired');
    } finally {
      await machine.stop();
      await relay.stop();
      await unlessNotFound(world.kubernetes.core.deleteNode({ name: providerId }));
    }
    return providerWorkflowId(providerId);
  },

  async 'heartbeat-sweep'(world) {
    const providerId = await world.joined();
    await world.silent(providerId);
    return await once(world, workflowTypes.heartbeatSweep);
  },

  async 'fleet-reconciler'(world) {
    const order = await world.running({ providerId: await world.joined() });
    await world.temporal.client.workflow.getHandle(jobWorkflowId(order.jobId)).terminate('by an operator');
    await makeOld(world, order);
    return await once(world, workflowTypes.fleetReconciler);
  },
};

async function keep(client: Client, workflowId: string, name: string): Promise<void> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  writeFileSync(join(import.meta.dirname, `${name}.json`), `${toText(history)}\n`);
  console.log(`${name}: ${history.events?.length} events`);
}

/** Older than what the reconciler leaves alone. */
async function makeOld(world: FleetWorld, { jobId }: JobOrder): Promise<void> {
  await world.database.pool.query(`update jobs set created_at = now() - interval '1 hour' where job_id = $1`, [jobId]);
}

async function failed(world: FleetWorld, changes: Partial<JobOrder>): Promise<string> {
  const order = await world.order({ providerId: await world.joined(), ...changes });
  await world.commands.startAndWait(order, decidedWithinMs);
  await world.jobBecomes(order, 'failed');
  return jobWorkflowId(order.jobId);
}

async function once(world: FleetWorld, workflowType: string): Promise<string> {
  const workflowId = `${workflowType}-${randomUUID()}`;
  await world.temporal.client.workflow.execute(workflowType, {
    workflowId,
    taskQueue: world.config.TEMPORAL_TASK_QUEUE,
  });
  return workflowId;
}

const usage = `Usage: npm run histories -- [branches [NAME] | WORKFLOW_ID]

Runs jobs and providers on real engines and keeps the histories of their workflows, under the version in package.json. Those
of earlier versions stay: what began under them may still run.

  branches        records only those that need no cluster: their activities are functions of ours
  branches NAME   records only that one of them, and leaves the others as they are
  WORKFLOW_ID     keeps that of one workflow of the broker whose environment this is
  --help          show this text
`;

const {
  positionals: [wanted, only],
} = argumentsOf(usage, { allowPositionals: true, options: {} });
if (only !== undefined && !(only in branches)) endWith(usage, `there is no ${only}; there are ${Object.keys(branches).join(', ')}`);
if (wanted !== undefined && wanted !== 'branches') {
  const client = await connectTemporal(readConfig());
  await keep(client, wanted, wanted.replace(/[^\w-]/g, '-'));
  process.exit(0);
}
const withoutCluster = `${join('test', 'flow')}${sep}`;
const end = await beginRun((file) =>
  wanted === undefined ? !file.includes('/test/console/') : file.includes(withoutCluster),
);
try {
  const flow = await createFlow();
  for (const [name, live] of Object.entries(branches)) {
    if (only !== undefined && only !== name) continue;
    await keep(flow.temporal.client, await live(flow), `${name}-${version}`);
  }
  await flow.close();
  if (wanted === undefined) await recordLives();
} finally {
  await end();
}
process.exit(0);

async function recordLives(): Promise<void> {
  const world = await createFleetWorld({ PROVIDER_AUTH_MODE: 'off', JOB_STUCK_GRACE_S: 1 });
  for (const [name, live] of Object.entries(lives)) {
    await keep(world.temporal.client, await live(world), `${name}-${version}`);
  }
  await world.close();
}
