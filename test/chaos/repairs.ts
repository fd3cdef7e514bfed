import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import type pg from 'pg';
import type { RepairKind } from '../../activities/reconciler/repairs.js';
import { jobPodSelector, labels } from '../../src/kubernetes/names.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import type { Finding } from './invariant-names.js';
import type { Outage } from './kills.js';
import { upkeepOf } from './temporal-checks.js';

/**
 * The repairs that a kill may leave to the reconciler, and which kill. Any other difference has to be removed by the
 * broker's own steps, which continue after every kill.
 */
const explained: Partial<Record<RepairKind, { by: RegExp; why: string }>> = {
  job_not_started: {
    by: /^(api|temporal|postgres)/,
    why: 'the API wrote the order down and could not start the workflow any more; the customer repeats himself later',
  },
  job_without_pod: {
    by: /^(watcher|kube-apiserver|temporal|postgres|worker)/,
    why: 'the pod went while nobody watched; the reconciler compared before the watcher, or the workflow, was back',
  },
  ssh_keys_differ: {
    by: /^(api|temporal|postgres|worker|kube-apiserver)/,
    why: 'the key was written down, and the API could not tell the workflow, or the workflow the cluster',
  },
  node_differs: {
    by: /^(watcher|kube-apiserver|temporal|postgres|worker)/,
    why: 'the node changed while nobody watched; the reconciler compared before the watcher, or the workflow, was back',
  },
};

/** Something put wrong on purpose, which the reconciler has to find. */
export interface Planted {
  kind: RepairKind;
  sinceMs: number;
  /** Whether it is still wrong. */
  isThere(): Promise<boolean>;
}

/** Younger objects may still be under way: RECONCILER_GRACE_S. */
const graceMs = 30_000;

/** As soon as there is a job: a Service of another one that nobody ordered. */
export async function plantServiceSoon(kubeConfigPath: string, ended: AbortSignal): Promise<Planted | undefined> {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeConfigPath);
  const core = kubeConfig.makeApiClient(CoreV1Api);
  while (!ended.aborted) {
    await sleep(500);
    // The API server may be killed.
    const planted = await plantService(core).catch(() => undefined);
    if (planted !== undefined) return planted;
  }
  return undefined;
}

/** Plants a Service next to a job's; undefined while there is no job. */
async function plantService(core: CoreV1Api): Promise<Planted | undefined> {
  const { items } = await core.listServiceForAllNamespaces({ labelSelector: jobPodSelector });
  const [model] = items;
  const namespace = model?.metadata?.namespace;
  if (namespace === undefined) return undefined;
  const name = `planted-${randomUUID()}`;
  const metadata = { name, labels: { ...model!.metadata!.labels, [labels.jobId]: randomUUID() } };
  const spec = { type: 'ClusterIP', ports: [{ port: 22 }], selector: { planted: name } };
  const made = await core.createNamespacedService({ namespace, body: { metadata, spec } });
  return {
    kind: 'service_orphaned',
    sinceMs: Date.now(),
    isThere: async () =>
      (await core.listNamespacedService({ namespace })).items.some(
        ({ metadata }) => metadata?.uid === made.metadata!.uid,
      ),
  };
}

/** Plants a counter that says that more is rented than is. */
async function plantCounter(database: pg.Client, providerId: string): Promise<Planted> {
  const where = `where provider_id = $1 and kind = 'cpu'`;
  const { rows } = await database.query<{ rented: string }>(
    `update provider_resources set rented = rented + 1 ${where} returning rented`,
    [providerId],
  );
  const isThere = async () => {
    const now = await database.query<{ rented: string }>(`select rented from provider_resources ${where}`, [
      providerId,
    ]);
    return now.rows[0]?.rented === rows[0]?.rented;
  };
  return { kind: 'rented_differs', sinceMs: Date.now(), isThere };
}

/** How long after an outage a connection may still be found broken. */
const noticedMs = 10_000;

interface Run {
  startedMs: number;
  closedMs: number;
  report: ReconcilerReport;
}

interface RepairCheck {
  temporal: Client;
  database: pg.Client;
  planted: Planted | undefined;
  /** A machine in service. */
  providerId: string;
  outages: readonly Outage[];
  /** Whether a machine died: then its node differs from its row without a fault of the broker. */
  withLoss: boolean;
}

/**
 * Plants differences and runs the reconciler twice: it repairs them, and then finds nothing. Each repair and each
 * failure of its earlier runs needs a kill that explains it.
 */
export async function checkRepairs(check: RepairCheck): Promise<Finding> {
  const { temporal, database, planted, providerId, outages, withLoss } = check;
  const wrong: string[] = [];
  if (planted === undefined) wrong.push('there never was a job to put a Service beside');
  else await sleep(Math.max(0, planted.sinceMs + graceMs + 2_000 - Date.now()));
  const all = [...(planted === undefined ? [] : [planted]), await plantCounter(database, providerId)];
  await reconcile(temporal);
  for (const { kind, isThere } of all) if (await isThere()) wrong.push(`${kind}: what was put wrong is still so`);
  const last = await reconcile(temporal);
  wrong.push(...told(last).map((what) => `all is over, and it says: ${what}`));

  const runs = await reconcilerRuns(temporal);
  const sums = new Map<string, number>();
  for (const { startedMs, closedMs, report } of runs) {
    const { repairs, failures } = report;
    for (const [kind, count] of Object.entries(repairs) as [RepairKind, number][]) {
      sums.set(kind, (sums.get(kind) ?? 0) + count);
      const isPlanted = all.some((each) => each.kind === kind && each.sinceMs < closedMs);
      const by = explained[kind]?.by;
      // The effects of an outage may last a minute longer.
      const isExplained = by !== undefined && outages.some(({ name, fromMs }) => by.test(name) && fromMs < closedMs);
      const isLoss = withLoss && kind === 'node_differs';
      if (count > 0 && !isPlanted && !isExplained && !isLoss) wrong.push(`${count} × ${kind}, and no kill explains it`);
    }
    const wasDisturbed = outages.some(({ fromMs, toMs }) => fromMs < closedMs && toMs + noticedMs > startedMs);
    if (failures.length > 0 && !wasDisturbed)
      wrong.push(`nobody was killed meanwhile, and a run says: ${failures.join('; ')}`);
  }
  for (const { kind, sinceMs } of all) {
    // If a worker dies between a repair and its report, the repair is never reported.
    const mayBeUntold = outages.some(({ toMs }) => toMs > sinceMs);
    const count = sums.get(kind) ?? 0;
    if (count > 1 || (count === 0 && !mayBeUntold)) wrong.push(`one ${kind} was put there, and ${count} were repaired`);
  }
  return { invariant: 'repairs', violations: wrong, isLasting: true };
}

async function reconcile(temporal: Client): Promise<ReconcilerReport> {
  return await temporal.workflow.execute<() => Promise<ReconcilerReport>>(workflowTypes.fleetReconciler, {
    workflowId: `chaos-reconciler-${randomUUID()}`,
    taskQueue: 'broker',
    args: [],
  });
}

function told({ repairs, failures }: ReconcilerReport): string[] {
  return [...Object.entries(repairs).flatMap(([kind, n]) => (n > 0 ? [`${n} × ${kind}`] : [])), ...failures];
}

/** All runs that are over; a failed one is found among the failed workflows. */
async function reconcilerRuns(temporal: Client): Promise<Run[]> {
  const runs: Run[] = [];
  const query = `WorkflowType = '${workflowTypes.fleetReconciler}' and ExecutionStatus = 'Completed'`;
  // Those of the Schedule, and those that the tests started beside the jobs.
  for (const { workflow } of [upkeepOf(temporal), temporal]) {
    for await (const { workflowId, runId, startTime, closeTime } of workflow.list({ query })) {
      const report = (await workflow.getHandle(workflowId, runId).result()) as ReconcilerReport;
      runs.push({ startedMs: startTime.getTime(), closedMs: closeTime?.getTime() ?? Date.now(), report });
    }
  }
  return runs;
}
