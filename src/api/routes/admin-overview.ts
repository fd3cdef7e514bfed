import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config } from '../../config.js';
import { readOverview } from '../../db/overview.js';
import { adviceFor } from '../../domain/stuck-advice.js';
import { readStreamFigures } from '../../redis/streams/figures.js';
import type { jobStatuses } from '../../wire/statuses.js';
import { providerStatuses } from '../../wire/statuses.js';
import type { Oversight, WaitingWorkflow } from '../oversight.js';
import { remembered } from '../remembered.js';
import type { RouteRule } from '../route.js';
import { workflowLink, type WorkflowLinkConfig } from '../workflow-link.js';
import type { Health } from './health.js';

/** However many operators look, each process reads at most this often. */
const overviewAgeMs = 5_000;
const stuckAgeMs = 15_000;

const seconds = z.number();
const count = z.int();
const running = [
  'running',
  'provisioning',
  'pending',
  'ending',
] as const satisfies readonly (typeof jobStatuses)[number][];

const overviewReply = z
  .object({
    at: z.iso.datetime(),
    jobs: z
      .object({ running: count, provisioning: count, pending: count, ending: count })
      .nullable()
      .describe('Jobs that have not ended. Null, here and below: the system that knows does not answer'),
    providers: z.record(z.enum(providerStatuses), count).nullable().describe('By status'),
    gpus: z.object({ total: count, rented: count }).nullable(),
    revenue: z
      .object({ today: z.string(), '30d': z.string() })
      .nullable()
      .describe('Base units that ended jobs cost; today begins at 0:00 UTC'),
    time_to_ssh_s: z
      .object({ p50: seconds, p95: seconds })
      .nullable()
      .describe('From the order to SSH, over a day; null without a start, too'),
    streams: z
      .array(
        z.object({
          name: z.string(),
          lag: count.nullable().describe('Entries that no relay has read; null if Redis cannot tell'),
          oldest_pending_s: seconds,
          dead_letters: count,
        }),
      )
      .nullable(),
    reconciler: z.object({ last_at: z.iso.datetime().nullable(), repairs_1h: count, failures_1h: count }).nullable(),
    ready: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
    temporal_ui: z.string().nullable(),
  })
  .meta({ id: 'Overview' });

const stuckReply = z
  .object({
    at: z.iso.datetime(),
    items: z.array(
      z.object({
        kind: z.enum(['job', 'provider']),
        id: z.string(),
        state: z.string(),
        since: z.iso.datetime(),
        age_s: count,
        waits_for: z.string(),
        attempts: count.describe('Of the step that is repeated; 0 if none is'),
        last_error: z.string().optional(),
        suggest: z.string(),
        workflow_url: z.string().optional(),
      }),
    ),
    count: count,
    has_more: z.boolean().describe('There are more than one answer has'),
  })
  .meta({ id: 'Stuck' });

interface AdminOverviewDeps {
  config: WorkflowLinkConfig & Pick<Config, 'JOB_START_TIMEOUT_S'>;
  pool: Pool;
  redis: Redis;
  health: Health;
  oversight: Oversight;
}

/** How the site does, and what does not go on. */
export function adminOverviewRoutes(deps: AdminOverviewDeps): RouteRule[] {
  const overview = remembered(overviewAgeMs, () => readAll(deps));
  const stuck = remembered(stuckAgeMs, () => readStuck(deps));
  const operators = { method: 'GET', auth: 'signed', scopes: ['admin'], limit: 'read' } as const;
  return [
    {
      ...operators,
      path: '/api/v1/admin/overview',
      summary: 'How the site does: jobs, providers, revenue, streams, the reconciler',
      responses: { 200: { description: 'As of at most five seconds ago', schema: overviewReply } },
      errors: [],
      handler: async (ctx) => {
        ctx.body = await overview();
      },
    },
    {
      ...operators,
      path: '/api/v1/admin/stuck',
      summary: 'Jobs and providers that wait longer than usual, what for, and what may help',
      responses: { 200: { description: 'As of at most 15 seconds ago', schema: stuckReply } },
      errors: [],
      handler: async (ctx) => {
        ctx.body = await stuck();
      },
    },
  ];
}

/** One system that does not answer leaves its own part out, and no other. */
async function readAll(deps: AdminOverviewDeps): Promise<z.infer<typeof overviewReply>> {
  const { config, pool, redis, health, oversight } = deps;
  const [site, streams, reconciler, ready] = await Promise.all([
    orNull(readOverview(pool)),
    orNull(readStreamFigures(redis)),
    orNull(oversight.reconcilerRuns()),
    health(),
  ]);
  return {
    at: new Date().toISOString(),
    jobs: site && countsOf(running, site.jobs),
    providers: site && countsOf(providerStatuses, site.providers),
    gpus: site && site.gpus,
    revenue: site && { today: site.revenue.today, '30d': site.revenue.days30 },
    time_to_ssh_s: site?.timeToSshS ?? null,
    streams:
      streams &&
      streams.map(({ name, lag, oldestPendingS, deadLetters }) => ({
        ...{ name, lag: lag ?? null, oldest_pending_s: oldestPendingS, dead_letters: deadLetters },
      })),
    reconciler: reconciler && {
      last_at: reconciler.lastAt?.toISOString() ?? null,
      repairs_1h: reconciler.repairs,
      failures_1h: reconciler.failures,
    },
    ready,
    temporal_ui: config.TEMPORAL_UI_URL ?? null,
  };
}

/** The count of each status, also of those that nothing has. */
function countsOf<Status extends string>(statuses: readonly Status[], counts: Partial<Record<Status, number>>) {
  return Object.fromEntries(statuses.map((status) => [status, counts[status] ?? 0])) as Record<Status, number>;
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  return await reading.catch(() => null);
}

async function readStuck({ config, oversight }: AdminOverviewDeps): Promise<z.infer<typeof stuckReply>> {
  const now = new Date();
  const { workflows, hasMore } = await oversight.waiting(now);
  const items = workflows.map((waiting) => stuckItem(waiting, now, config));
  return { at: now.toISOString(), items, count: items.length, has_more: hasMore };
}

function stuckItem(waiting: WaitingWorkflow, now: Date, config: AdminOverviewDeps['config']) {
  const { kind, id, state, waitsFor, activity, attempts, lastError, codeFails, isUnserved, startedAt } = waiting;
  const since = waiting.since ?? startedAt;
  const isStarting = kind === 'job' && (state === 'pending' || state === 'provisioning');
  const endsAt = new Date(startedAt.getTime() + config.JOB_START_TIMEOUT_S * 1000).toISOString();
  return {
    ...{ kind, id, state, since: since.toISOString(), attempts },
    age_s: Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000)),
    waits_for: waitsFor ?? (activity === undefined ? 'its workflow does not say' : `the step ${activity}`),
    ...(lastError === undefined ? {} : { last_error: lastError }),
    suggest: adviceFor({
      ...{ kind, state, codeFails, isUnserved },
      ...(waitsFor === undefined ? {} : { waitsFor }),
      ...(activity === undefined ? {} : { activity }),
      ...(isStarting ? { endsAt } : {}),
    }),
    ...workflowLink(config, waiting.workflowId),
  };
}
