import { randomUUID, createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config } from '../../config.js';
import { findBlockOf } from '../../db/blocks.js';
import { createEventBell } from '../../db/event-bell.js';
import { orderOfJob } from '../../db/job-row.js';
import { findJob, findJobByKey, type JobRow } from '../../db/jobs.js';
import { blockedError } from '../../domain/blocks.js';
import { BrokerError } from '../../domain/errors.js';
import { isFinal } from '../../domain/job.js';
import { extensionSchema } from '../../domain/job-extension.js';
import { jobRequestSchema, type JobRequest } from '../../domain/job-request.js';
import type { Logger } from '../../observability/logger.js';
import type { ImageResolver } from '../../registry/resolver.js';
import { answerEnd, endJob, retryAfterS } from '../end-job.js';
import { extendJob, isExtended } from '../extend-job.js';
import { insteadOf, requireKnownGpu } from '../gpu-names.js';
import type { JobCommands } from '../job-commands.js';
import { jobPolicyOf } from '../job-policy.js';
import { keysOfOrder } from '../order-keys.js';
import { programOfOrder } from '../order-program.js';
import { placeOrder, rehearseOrder } from '../place-order.js';
import { ownJob } from '../own-job.js';
import { ownJobReply } from '../own-job-reply.js';
import { waitHeaders, waitingOf, waitingWithinMs } from '../prefer.js';
import { principalOf } from '../principal.js';
import type { ApiContext, RouteRule } from '../route.js';
import { jobReply, jobReplyOf } from '../schemas/job.js';
import { jobReadRoutes } from './job-reads.js';
import { resolveImage } from '../resolve-image.js';
import type { ErrorCode } from '../../wire/error-codes.js';

interface Deps {
  config: Config;
  pool: Pool;
  jobs: JobCommands;
  logger: Logger;
  images: ImageResolver;
}

const createHeaders = waitHeaders.extend({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/, 'must be 1 to 255 printable ASCII characters')
    .optional()
    .describe('A repeat with the same key and the same body returns the same job'),
});

/** Errors of an accepted job that fails before SSH answers. */
const startFailures: ErrorCode[] = [
  'no_capacity',
  'unschedulable',
  'image_pull_failed',
  'container_not_created',
  'container_exited',
  'storage_exceeded',
  'pod_deleted',
  'pod_refused',
  'no_ports_left',
  'start_timeout',
  'ports_unreachable',
  'provider_lost',
  'provider_drained',
  'funds_withdrawn',
];

/** A customer's jobs. A caller sees only its own jobs; any other id is a 404. */
export function jobRoutes(deps: Deps): RouteRule[] {
  const { config, pool, jobs } = deps;
  const bell = createEventBell(pool);
  const policy = jobPolicyOf(config);

  return [...jobReadRoutes({ pool }), ...orders(), ...ofOne()];

  function orders(): RouteRule[] {
    return [
      {
        method: 'POST',
        path: '/api/v1/jobs',
        auth: 'any',
        scopes: ['jobs:write'],
        limit: 'jobs',
        summary: 'Rent GPUs, and wait until SSH answers',
        request: { body: jobRequestSchema(policy), headers: createHeaders },
        responses: {
          200: { description: 'The key was used before: its job, which is running or has ended', schema: jobReply },
          201: { description: 'The job is running; `ssh_command` logs in', schema: jobReply },
          202: { description: 'The job is still starting: poll its Location', schema: jobReply },
        },
        errors: [
          'idempotency_conflict',
          'quote_mismatch',
          'quote_expired',
          'spend_limit_exceeded',
          'monthly_cap_reached',
          'insufficient_funds',
          'exit_pending',
          'settlement_stalled',
          'quota_exceeded',
          'blocked',
          'image_not_found',
          'image_private',
          'image_platform',
          'image_unresolved',
          ...startFailures,
        ],
        answerWithinMs: waitingWithinMs,
        handler: createJob,
      },
    ];
  }

  function ofOne(): RouteRule[] {
    return [
      {
        method: 'DELETE',
        path: '/api/v1/jobs/:id',
        auth: 'any',
        scopes: ['jobs:write'],
        limit: 'write',
        summary: 'End a job, and wait until everything it held is released',
        request: { headers: waitHeaders },
        responses: {
          200: { description: 'The job has ended', schema: jobReply },
          202: { description: 'The job is ending: poll its Location', schema: jobReply },
        },
        errors: ['job_not_found'],
        answerWithinMs: waitingWithinMs,
        handler: endOwnJob,
      },
      {
        method: 'POST',
        path: '/api/v1/jobs/:id/extend',
        auth: 'any',
        scopes: ['jobs:write'],
        limit: 'write',
        summary: 'Extend a job',
        request: { body: extensionSchema, headers: createHeaders.omit({ prefer: true }) },
        responses: { 200: { description: 'The job with its new `expires_at`', schema: jobReply } },
        errors: [
          'job_not_found',
          'job_ended',
          'job_not_running',
          'idempotency_conflict',
          'extension_limit',
          'duration_limit',
          'provider_drained',
          'spend_limit_exceeded',
          'monthly_cap_reached',
          'insufficient_funds',
          'exit_pending',
          'blocked',
        ],
        handler: async (ctx) => {
          const job = await ownJob(pool, ctx);
          const { seconds } = ctx.state.body as { seconds: number };
          const requestId = extensionId(ctx);
          // A repeat does not reach the workflow, so it succeeds even after the workflow has ended.
          const wanted = { job, requestId, seconds, sessionId: principalOf(ctx).sessionId };
          if (!(await isExtended(pool, wanted))) {
            if (isFinal(job.status))
              throw new BrokerError('job_ended', `the job is ${job.status}`, { job_id: job.jobId });
            await requireUnblockedWallet(job.wallet);
            // The caller pays: a session without money left cannot spend from another session's limit.
            await extendJob(pool, jobs, wanted);
          }
          ctx.body = await ownJobReply(pool, principalOf(ctx), await ownJob(pool, ctx));
        },
      },
    ];
  }

  /** A blocked customer's jobs go on, but get no more time. */
  async function requireUnblockedWallet(wallet: string): Promise<void> {
    const block = await findBlockOf(pool, [{ kind: 'wallet', value: wallet }]);
    if (block !== undefined) throw blockedError(block);
  }

  async function createJob(ctx: ApiContext): Promise<void> {
    const key = ctx.get('idempotency-key');
    const request = ctx.state.body as JobRequest;
    const idempotencyKey = key === '' ? undefined : key;
    const by = { wallet: principalOf(ctx).wallet, idempotencyKey };
    await requireKnownGpu(pool, request.gpuType, by);
    const keptKeys = await keysOfOrder(pool, request.sshKeyIds ?? [], by);
    // A repeat finds its first job, whatever a registry says by now.
    const isKnown = await isRepeat(by);
    // Nobody whose order is refused anyway has the broker ask a registry.
    const mayAsk = () => rehearseOrder(deps, principalOf(ctx), request, idempotencyKey);
    const resolved = isKnown ? undefined : await resolveImage(deps, request, mayAsk);
    const program = isKnown ? undefined : programOfOrder(request, resolved);
    const { job, created } = await placeOrder(
      deps,
      principalOf(ctx),
      request,
      idempotencyKey,
      keptKeys,
      resolved,
      program,
    );
    if (created) bell.ring(job.wallet);
    ctx.set('location', `/api/v1/jobs/${job.jobId}`);
    if (!isFinal(job.status) && job.status !== 'running') await startAndWait(ctx, job);
    const now = await findJob(pool, job.wallet, job.jobId);
    await replyToStart(ctx, now ?? job, created);
  }

  /** A repeat answers its first job, whatever became of the image. */
  async function isRepeat({ wallet, idempotencyKey }: { wallet: string; idempotencyKey: string | undefined }) {
    return idempotencyKey !== undefined && (await findJobByKey(pool, wallet, idempotencyKey)) !== undefined;
  }

  async function startAndWait(ctx: ApiContext, job: JobRow): Promise<void> {
    const { waitMs, applied } = waitingOf(ctx.get('prefer'), config.JOB_WAIT_DEFAULT_S);
    if (applied !== undefined) ctx.set('preference-applied', applied);
    try {
      await jobs.startAndWait(orderOfJob(job), waitMs);
    } catch (error) {
      // The order is in the database: the client may read it, or repeat the request with its key.
      if (error instanceof BrokerError)
        throw new BrokerError(error.code, error.detail, { ...error.extra, job_id: job.jobId }, { cause: error });
      throw error;
    }
  }

  /** Reports how far the job came, from its row, as every later read does. */
  async function replyToStart(ctx: ApiContext, job: JobRow, created: boolean): Promise<void> {
    if (job.failure !== undefined && job.startedAt === undefined) throw await startFailed(job, job.failure);
    if (job.status === 'pending' || job.status === 'provisioning') {
      ctx.status = 202;
      ctx.set('retry-after', String(retryAfterS));
    } else {
      ctx.status = created && job.status === 'running' ? 201 : 200;
    }
    ctx.body = await ownJobReply(pool, principalOf(ctx), job);
  }

  async function startFailed(job: JobRow, failure: NonNullable<JobRow['failure']>): Promise<BrokerError> {
    const { job_id, failure_reason, failure_message, suggestion } = jobReplyOf(job);
    const extra = { job_id, failure_reason, failure_message, suggestion };
    if (failure.reason !== 'no_capacity') return new BrokerError(failure.reason, failure.message, extra);
    const instead = await insteadOf(pool, job.gpuType, config);
    return new BrokerError('no_capacity', failure.message, { ...extra, ...instead });
  }

  async function endOwnJob(ctx: ApiContext): Promise<void> {
    const job = await ownJob(pool, ctx);
    const ended = await endJob(jobs, ctx, job, { by: job.wallet, readAgain: () => ownJob(pool, ctx) });
    answerEnd(ctx, ended, `/api/v1/jobs/${job.jobId}`);
    ctx.body = await ownJobReply(pool, principalOf(ctx), ended);
  }
}

/** Identifies repeats of an extension. The client's own text must not go into workflow history. */
function extensionId(ctx: ApiContext): string {
  const key = ctx.get('idempotency-key');
  return key === '' ? randomUUID() : createHash('sha256').update(key).digest('hex').slice(0, 32);
}
