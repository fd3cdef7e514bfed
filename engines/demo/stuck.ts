import { logIn, newSshPublicKey } from './customer.js';
import { imageThatNeverComes } from './images.js';
import type { DemoWallet } from './keys.js';

/**
 * What a broker of a demo with a stuck job is started with: it waits longer for an image than the demo will last, so that
 * an operator has the time to find the job.
 */
export const patientStart = { JOB_STUCK_GRACE_S: '3600', JOB_START_TIMEOUT_S: '7200' };

/** Orders a job whose image never comes, unless an earlier run of the demo left one. @returns its id. */
export async function orderStuckJob(site: { api: string; audience: string }, wallet: DemoWallet): Promise<string> {
  const client = await logIn(site, wallet);
  for await (const { job_id } of client.jobs.list({ status: 'active' })) return job_id;
  const { job } = await client.jobs.create(
    {
      ...{ gpu_count: 1, cpu_cores: 2, memory_gb: 8, storage_gb: 10, duration_hours: 2 },
      ...{ job_name: 'stuck', image: imageThatNeverComes, ssh_public_keys: [newSshPublicKey()] },
    },
    { wait: 0 },
  );
  return job.job_id;
}
