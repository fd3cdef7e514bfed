import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';
import { recordAudit } from '../../db/audit-log.js';
import { createEventBell } from '../../db/event-bell.js';
import { addJobKey, lockJobKeys } from '../../db/job-keys.js';
import type { Told } from '../../db/job-events.js';
import { withTransaction } from '../../db/pool.js';
import { BrokerError } from '../../domain/errors.js';
import { isSameSshKey, maxKeysOfAJob } from '../../domain/job-keys.js';
import { actorOf } from '../audited.js';
import { ownJob } from '../own-job.js';
import type { ApiContext, RouteRule } from '../route.js';
import { sshKeyBody } from '../schemas/ssh-key.js';
import { sshFingerprint } from '../ssh-fingerprint.js';

const jobKeyBody = sshKeyBody
  .pick({ public_key: true })
  .strict()
  .meta({
    inputExamples: [
      { public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@laptop' },
    ],
  });

const jobKeyReply = z
  .object({
    job_id: z.uuid(),
    public_key: z.string().describe('As the job has it'),
    fingerprint: z.string().describe('As `ssh-keygen -l` prints it: `SHA256:…`'),
    keys: z.number().int().describe('How many keys may log in to the job now'),
    takes_effect: z
      .enum(['at_start', 'within_two_minutes'])
      .describe('When it may log in: with the start of the job, or when its machine has taken the key'),
  })
  .meta({ id: 'JobSshKey' });

export interface JobKeyDeps {
  pool: Pool;
  logger: Pick<Logger, 'warn'>;
  /** Tells the job that its row has so many keys now. */
  announceKeys: (jobId: string, keys: number) => Promise<void>;
}

/** Public keys that are let in to a job after its order. */
export function jobKeyRoutes({ pool, logger, announceKeys }: JobKeyDeps): RouteRule[] {
  const bell = createEventBell(pool);
  return [
    {
      method: 'POST',
      path: '/api/v1/jobs/:id/ssh-keys',
      auth: 'any',
      scopes: ['jobs:write'],
      limit: 'write',
      summary: 'Let another SSH key in to a job',
      request: { body: jobKeyBody },
      responses: {
        200: { description: 'The job has this key already', schema: jobKeyReply },
        201: { description: 'It is added', schema: jobKeyReply },
      },
      errors: ['job_not_found', 'job_ended', 'quota_exceeded', 'ssh_keys_final'],
      handler: async (ctx) => {
        const job = await ownJob(pool, ctx);
        const { public_key: wanted } = ctx.state.body as z.output<typeof jobKeyBody>;
        const { key, keys, told } = await addKey(ctx, job, wanted);
        bell.ring(told);
        // The row has it: the reconciler tells a job that did not hear of it.
        await announceKeys(job.jobId, keys).catch((error: unknown) => {
          logger.warn({ err: error, jobId: job.jobId }, 'a job could not be told of its new key');
        });
        ctx.status = told === undefined ? 200 : 201;
        ctx.body = {
          job_id: job.jobId,
          public_key: key,
          fingerprint: sshFingerprint(key),
          keys,
          takes_effect: job.status === 'running' ? 'within_two_minutes' : 'at_start',
        } satisfies z.infer<typeof jobKeyReply>;
      },
    },
  ];

  /** Writes the key into the job's row, from where it is brought to the machine; a key that is there is no change. */
  async function addKey(
    ctx: ApiContext,
    { jobId, wallet }: { jobId: string; wallet: string },
    wanted: string,
  ): Promise<{ key: string; keys: number; told: Told }> {
    return await withTransaction(pool, async (tx) => {
      const job = await lockJobKeys(tx, wallet, jobId);
      if (job === undefined) throw new BrokerError('job_not_found', 'you have no job with this id');
      if (job.hasEnded) throw new BrokerError('job_ended', 'nobody can log in to this job any more', { job_id: jobId });
      const known = job.keys.find((key) => isSameSshKey(key, wanted));
      if (known !== undefined) return { key: known, keys: job.keys.length, told: undefined };
      if (!job.takesMore) {
        throw new BrokerError('ssh_keys_final', 'the keys of this job cannot be changed any more; order another one');
      }
      if (job.keys.length >= maxKeysOfAJob) {
        throw new BrokerError('quota_exceeded', `a job has ${maxKeysOfAJob} keys at most`);
      }
      const fingerprint = sshFingerprint(wanted);
      await recordAudit(tx, { ...actorOf(ctx), action: 'job.add_ssh_key', target: jobId, detail: { fingerprint } });
      const told = await addJobKey(tx, jobId, wanted, fingerprint);
      return { key: wanted, keys: job.keys.length + 1, told };
    });
  }
}
