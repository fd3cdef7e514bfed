import { expect } from '@jest/globals';
import { jobObjectName, type JobOrder } from '../../src/domain/job.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { heldNothing, type FleetWorld } from './fleet-world.js';
import { namespaceOf } from './tenants.js';
import { decidedWithinMs, until } from './until.js';
import { chargeFor } from '../../src/wire/charge.js';

/** The pod of a job, for the Kubernetes client. */
export const podOf = (order: JobOrder) => ({ name: jobObjectName(order.jobId), namespace: namespaceOf(order.wallet) });

/** Ends jobs of a world, and reads what they left. The world may be created after this. */
export function jobEndings(worldOf: () => FleetWorld) {
  return {
    cancel: (order: JobOrder) => worldOf().commands.cancel(order.jobId, 'its owner', decidedWithinMs),

    /** Writes a pod's status as the kubelet of its machine would. */
    async kubeletSays(order: JobOrder, status: object): Promise<void> {
      await worldOf().kubernetes.core.patchNamespacedPodStatus({ ...podOf(order), body: { status } }, mergePatch);
    },

    /** Waits until a job has ended and holds nothing. @returns its row and its bill. */
    async over(order: JobOrder) {
      const world = worldOf();
      await until(async () => (await world.job(order)).endedAt !== undefined, {
        timeoutMs: 60_000,
        name: 'the job is over',
      });
      await until(async () => !(await world.heldBy(order)).service, { timeoutMs: 60_000, name: 'its Service is gone' });
      expect(await world.heldBy(order)).toEqual(heldNothing);
      return { job: await world.job(order), ...(await bill(world, order)) };
    },
  };
}

/** The settled charge of a job that has ended. */
async function bill(world: FleetWorld, order: JobOrder) {
  const { rows } = await world.database.pool.query<{
    rate: string;
    billed_ms: number;
    served_until: Date;
    spent: string;
    reserved: string;
    settlements: number;
  }>(
    `select coalesce(j.rate, trunc(j.price_per_hour * 10::numeric ^ 18))::text as rate, j.billed_ms, j.served_until,
            sum(c.spent)::text as spent, sum(c.reserved)::text as reserved, count(c.settled_at)::int as settlements
       from jobs j join auth_charges c using (job_id) where job_id = $1 group by j.job_id`,
    [order.jobId],
  );
  const { rate, billed_ms, served_until, spent, reserved, settlements } = rows[0]!;
  const { startedAt } = await world.job(order);
  expect(settlements).toBe(1);
  expect(BigInt(spent)).toBe(chargeFor(BigInt(rate), billed_ms));
  expect(BigInt(spent)).toBeLessThanOrEqual(BigInt(reserved));
  return { billedMs: billed_ms, servedUntil: served_until, startedAt: startedAt! };
}
