import type { Client } from '@temporalio/client';
import type { Bill, RunLog } from './bills.js';
import type { Finding } from './invariant-names.js';

/**
 * A key has one job, by the counts of its rows, order charges, workflows and pods; and no job exists that no customer
 * was told about.
 */
export async function oneJobForAKey(
  { stories, pods }: RunLog,
  bills: ReadonlyMap<string, Bill>,
  temporal: Client,
): Promise<Finding> {
  const violations: string[] = [];
  const keys = new Map<string, string>();
  for (const { key, jobId } of stories) {
    if (jobId === undefined) violations.push(`${key} has no job`);
    else if (keys.has(jobId)) violations.push(`${key} and ${keys.get(jobId)} have the same job ${jobId}`);
    else keys.set(jobId, key);
  }
  const workflows = new Set<string>();
  for await (const { workflowId } of temporal.workflow.list({ query: `WorkflowType = 'jobLifecycle'` }))
    workflows.add(workflowId);
  for (const [jobId, key] of keys) {
    const bill = bills.get(jobId);
    const orders = bill?.charges.filter(({ is_order }) => is_order).length ?? 0;
    const ofJob = [...workflows].filter((id) => id.includes(jobId)).length;
    if (bill === undefined || orders !== 1 || ofJob !== 1)
      violations.push(`${key} ${jobId}: ${bill === undefined ? 0 : 1} rows, ${orders} charges, ${ofJob} workflows`);
  }
  const unknown = (what: string, ids: Iterable<string>, isKnown: (id: string) => boolean) => {
    for (const id of new Set(ids)) if (!isKnown(id)) violations.push(`nobody knows of the job of the ${what} ${id}`);
  };
  unknown('row', bills.keys(), (id) => keys.has(id));
  unknown('workflow', workflows, (id) => [...keys.keys()].some((jobId) => id.includes(jobId)));
  unknown(
    'pod',
    pods.all().map(({ jobId }) => jobId),
    (id) => keys.has(id),
  );
  return { invariant: 'orders', violations, isLasting: true };
}
