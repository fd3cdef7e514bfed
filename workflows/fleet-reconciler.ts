/**
 * Compares what Postgres, Temporal and Kubernetes say about the same jobs and providers, and repairs what differs.
 *
 * **Flow.** A Schedule starts it every minute. It makes its comparisons one after the other: workflows, ledger, money, pods,
 * tenants, nodes, miners, what can be tidied away, receipts without a signature, and jobs that are no longer paid for. A comparison that takes longer than
 * `headStartS` no longer holds up the next one. Abandoned jobs are ended concurrently with the rest. Its result is the
 * report that operators read.
 *
 * **Why durable.** It is the last resort for every message that another workflow missed. It has to run once a minute,
 * on whichever broker is up, and its report has to be there to read afterwards.
 *
 * **Retries.** Each comparison has three minutes and two attempts. A comparison that fails is named in the report and
 * does not stop the others; the next minute's run finds the remaining differences again.
 *
 * **End.** It completes when all comparisons are over, or its Schedule's limit of ten minutes for a run ends it.
 */
import { ActivityFailure, patched, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { Comparison } from '../activities/reconciler/repairs.js';
import { changedBefore, summarized } from './summaries.js';

/** What one run found; in a healthy system there are no repairs and no failures. */
export interface ReconcilerReport extends Comparison {
  /** Rows and objects that had done their work and were removed, as a matter of routine. */
  tidied: { namespaces: number; joinTokens: number; registrations: number; delegations: number };
  /** Jobs booked that a version without the ledger had charged. Absent in reports of such versions. */
  booked?: number;
  /** Providers whose miners were changed to match the configuration. */
  mining: number;
}

/**
 * How long a comparison may hold up the next one. All of them together, each tried twice, fit into a run's ten minutes.
 */
const headStartS = 15;

const nothing: Comparison = { repairs: {}, failures: [] };

const comparisons = summarized<
  Pick<
    Activities,
    | 'compareWorkflows'
    | 'compareLedger'
    | 'compareMoney'
    | 'compareFunds'
    | 'comparePods'
    | 'compareTenants'
    | 'compareNodes'
    | 'resyncMining'
    | 'tidy'
    | 'signReceipts'
  >
>(proxyActivities({ startToCloseTimeout: '3 minutes', heartbeatTimeout: '30s', retry: { maximumAttempts: 2 } }), {
  compareWorkflows: 'jobs and providers without a workflow',
  compareLedger: 'GPUs that are allocated to nobody',
  compareMoney: 'charges against bookings',
  compareFunds: 'jobs that nobody pays for any more',
  comparePods: 'pods against jobs',
  compareTenants: 'namespaces of customers',
  compareNodes: 'nodes against providers',
  resyncMining: 'miners against what is configured',
  tidy: 'remove what has expired',
  signReceipts: 'sign receipts',
});

/** Waits until a pod is gone, which takes half a minute on a node that does not answer. */
const ending = summarized<Pick<Activities, 'endAbandonedJob'>>(
  proxyActivities({ startToCloseTimeout: '2 minutes', heartbeatTimeout: '30s', retry: { maximumAttempts: 2 } }),
  { endAbandonedJob: ({ order }) => `end job ${order.jobId}, which lost its workflow` },
);

/** Makes all comparisons once. */
export async function fleetReconciler(): Promise<ReconcilerReport> {
  const report: ReconcilerReport = {
    repairs: {},
    failures: [],
    tidied: { namespaces: 0, joinTokens: 0, registrations: 0, delegations: 0 },
    mining: 0,
  };

  const endings: Promise<unknown>[] = [];
  const steps = [
    async () => {
      const workflows = await run('workflows', comparisons.compareWorkflows);
      // Concurrently with the rest: a pod that is slow to terminate must not hold up the comparisons.
      for (const job of workflows?.abandoned ?? []) {
        endings.push(run(`end of job ${job.order.jobId}`, () => ending.endAbandonedJob(job)));
      }
    },
    async () => void (await run('ledger', comparisons.compareLedger)),
    async () => {
      if (!patched('compare-money')) return;
      const money = await run('money', comparisons.compareMoney);
      if (money !== undefined && money.booked > 0) report.booked = money.booked;
    },
    async () => void (await run('pods', comparisons.comparePods)),
    async () => {
      const tenants = await run('tenants', comparisons.compareTenants);
      report.tidied.namespaces = tenants?.namespacesRemoved ?? 0;
    },
    async () => void (await run('nodes', comparisons.compareNodes)),
    async () => {
      const mining = await run('miners', async () => ({ ...nothing, ...(await comparisons.resyncMining()) }));
      report.mining = mining?.synced.length ?? 0;
    },
    async () => {
      const tidied = await run('tidy', async () => ({ ...nothing, ...(await comparisons.tidy()) }));
      report.tidied.joinTokens = tidied?.joinTokens ?? 0;
      report.tidied.registrations = tidied?.registrations ?? 0;
      report.tidied.delegations = tidied?.delegations ?? 0;
    },
  ];
  const sign = async () => ({ ...nothing, ...(await comparisons.signReceipts()) });
  if (patched('receipts-are-signed')) steps.push(async () => void (await run('receipts', sign)));
  if (patched('jobs-without-funds-end')) steps.push(async () => void (await run('funds', comparisons.compareFunds)));
  if (patched('slow-comparison-holds-up-none')) await inTurn(steps);
  else for (const step of steps) await step();
  await Promise.all(endings);
  setCurrentDetails(summary(report));
  return report;

  async function run<T extends Comparison>(what: string, compare: () => Promise<T>): Promise<T | undefined> {
    setCurrentDetails(`comparing: ${what}`);
    try {
      const found = await compare();
      for (const [kind, count] of Object.entries(found.repairs) as [keyof Comparison['repairs'], number][]) {
        report.repairs[kind] = (report.repairs[kind] ?? 0) + count;
      }
      report.failures.push(...found.failures);
      return found;
    } catch (error) {
      report.failures.push(`${what}: ${reasonOf(error)}`);
      return undefined;
    }
  }
}

/** Starts each step when the one before it is over, or after `headStartS`; from then on the two run concurrently. */
async function inTurn(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const begun: Promise<void>[] = [];
  for (const step of steps) {
    let isOver = false;
    begun.push(step().finally(() => (isOver = true)));
    const next = { atMs: Date.now() + headStartS * 1_000, why: `begin the next comparison after ${headStartS} s` };
    await changedBefore(next, () => isOver);
  }
  await Promise.all(begun);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message.slice(0, 200) : 'failed';
}

function summary({ repairs, failures }: ReconcilerReport): string {
  const made = Object.entries(repairs).map(([kind, count]) => `${count} × ${kind}`);
  const failed = failures.length === 0 ? '' : `; ${failures.length} failed`;
  return (made.length === 0 ? 'nothing to repair' : `repaired ${made.join(', ')}`) + failed;
}
