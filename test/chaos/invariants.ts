import { KubeConfig, CoreV1Api } from '@kubernetes/client-node';
import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Endpoints } from '../../engines/engine.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { fieldsByName } from '../../src/wire/stream-entry.js';
import { billViolations, readBills, type RunLog } from './bills.js';
import { isOfPaid, type JobStory } from './customers.js';
import type { Finding } from './invariant-names.js';
import { oneJobForAKey } from './orders.js';
import { schedulesGoOn, upkeepOf } from './temporal-checks.js';
import { receiptViolations } from './receipts.js';

/** Checks Postgres, Kubernetes, Temporal and Redis directly, not what the broker says about them. */
export async function checkInvariants(
  endpoints: Endpoints,
  log: RunLog,
  site: { hasChain: boolean },
): Promise<Finding[]> {
  const { stories, deaths } = log;
  const database = new pg.Client(endpoints.postgres);
  await database.connect();
  const connection = await Connection.connect({ address: endpoints.temporal! });
  const redis = new Redis(endpoints.operator_redis!);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(endpoints.kubeconfig!);
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const temporal = new Client({ connection, namespace: endpoints.temporal_namespace! });
  const rows = async (sql: string) =>
    (await database.query<Record<string, unknown>>(sql)).rows.map((row) => JSON.stringify(row));
  try {
    const bills = await readBills(database);
    return [
      {
        invariant: 'wanted',
        violations: stories.flatMap((story) => {
          const wrong = story.complaint !== '' || !isAcceptable(story, log);
          const { key, plan, jobId = 'no job', status, failureReason = '', complaint } = story;
          const hit = log.hits.find((each) => each.jobId === jobId);
          return wrong ? [`${key} (${plan}) ${jobId}: ${status} ${failureReason} ${complaint} ${hit?.name ?? ''}`] : [];
        }),
        isLasting: true,
      },
      {
        invariant: 'starts',
        violations: stories
          .filter(({ failureReason }) => failureReason !== undefined && startFailures.has(failureReason))
          .map(
            ({ key, jobId, failureReason, told }) =>
              `${key} ${jobId!}: ${failureReason!} at ${told.providerId ?? 'none'}`,
          ),
        isLasting: true,
      },
      {
        invariant: 'out',
        violations: await outViolations(rows, log),
        isLasting: true,
      },
      {
        invariant: 'insistent',
        violations: await rows(`
          select p.provider_id, r.price_per_hour, m.kept, m.untold, m.unread
            from providers p
            join provider_resources r on r.provider_id = p.provider_id and r.kind = 'gpu',
                 lateral (select count(*) as kept, count(*) filter (where m.signalled_at is null) as untold,
                                 count(*) filter (where m.taken_at is null) as unread
                            from provider_registrations m where m.provider_id = p.provider_id) m
           where p.provider_id = '${log.insistent.providerId}'
             and (r.price_per_hour <> ${log.insistent.lastPrice} or m.kept > ${mostRegistrationsKept})`),
      },
      {
        invariant: 'rented',
        violations: await rows(`
          select r.provider_id, r.kind, r.name, r.total, r.rented, coalesce(sum(held.amount), 0) as held
            from provider_resources r
            left join lateral (
              select case r.kind when 'gpu' then a.gpu_count when 'cpu' then a.cpu_cores
                                 when 'memory' then a.memory_mb when 'pods' then a.pods else a.storage_gb end as amount
                from allocations a
               where a.provider_id = r.provider_id and a.released_at is null
                 and (r.kind <> 'gpu' or a.gpu_type = r.name)) held on true
           group by r.provider_id, r.kind, r.name, r.total, r.rented
          having r.rented <> coalesce(sum(held.amount), 0) or r.rented > r.total`),
      },
      {
        invariant: 'allocations',
        violations: await rows(`
          select job_id, j.status, a.released_at
            from jobs j full join allocations a using (job_id)
           where j.job_id is null or (j.ended_at is not null and a.released_at is null) or j.ended_at is null`),
      },
      {
        invariant: 'events',
        violations: await rows(`
          select j.job_id, j.status, j.event_count, string_agg(e.kind, ' ' order by e.seq) as told
            from jobs j left join job_events e using (job_id)
           group by j.job_id
          having j.event_count <> count(e.seq) or j.event_count <> coalesce(max(e.seq), 0)
              or count(*) filter (where e.kind = 'ordered' and e.seq = 1) <> 1
              or count(*) filter (where e.kind = 'ended') <> (j.ended_at is not null)::integer
              or count(*) filter (where e.kind = 'ssh_ready') <> (j.started_at is not null)::integer
              or (j.ended_at is not null and max(e.seq) filter (where e.kind = 'ended') <> max(e.seq))`),
      },
      await oneJobForAKey(log, bills, temporal),
      {
        invariant: 'ledger',
        violations: await rows(`
          select s.id, s.reserved, s.spent, sum(c.spent) as charged, count(*) filter (where c.settled_at is null) as open
            from auth_sessions s full join auth_charges c on c.session_id = s.id
           group by s.id
          having s.id is null or s.reserved <> 0 or s.spent <> coalesce(sum(c.spent), 0)
              or bool_or(c.job_id is not null and c.settled_at is null)`),
      },
      { invariant: 'books', violations: await booksViolations(database, rows) },
      { invariant: 'receipts', violations: await receiptViolations(database, rows) },
      {
        invariant: 'bills',
        violations: stories.flatMap((story) => billViolations(story, bills.get(story.jobId ?? ''), log)),
        isLasting: true,
      },
      { invariant: 'cluster', violations: await leftInCluster(core) },
      {
        invariant: 'workflows',
        violations: await workflows(temporal, `WorkflowType = 'jobLifecycle' and ExecutionStatus = 'Running'`),
      },
      {
        invariant: 'failed',
        // A reading of the vault fails while a node is away or lies, and the next one does the same.
        violations: await workflows(
          temporal,
          `ExecutionStatus in ('Failed', 'Terminated', 'TimedOut') and WorkflowType != 'vaultWatch'`,
        ),
      },
      await schedulesGoOn(temporal, site),
      { invariant: 'messages', violations: await unread(redis) },
      {
        invariant: 'service',
        violations: (await rows(`select provider_id, status from providers where status <> 'available'`)).filter(
          (row) => !deaths.has((JSON.parse(row) as { provider_id: string }).provider_id),
        ),
      },
      {
        invariant: 'tokens',
        violations: (await core.listNamespacedSecret({ namespace: 'kube-system' })).items
          .filter(({ type }) => type === 'bootstrap.kubernetes.io/token')
          .flatMap(({ metadata }) => metadata?.labels?.['worldland.io/provider-id'] ?? [])
          // A provider that registers again may want to join again, and holds a join command until it expires; one, not
          // a thousand.
          .filter((id, index, all) => id !== log.insistent.providerId || all.indexOf(id) !== index),
      },
    ];
  } finally {
    await database.end();
    await connection.close();
    redis.disconnect();
  }
}

/** There is more than enough capacity for all customers: no order may be refused. */
function isAcceptable(story: JobStory, { hits, deaths }: RunLog): boolean {
  const { plan, jobId, status, failureReason, told, cancelledMs } = story;
  const end = hits.find((hit) => hit.jobId === jobId)?.end;
  if (end !== undefined && end.status === status && end.reason === failureReason) return true;
  if (status === 'provider_lost') return deaths.has(told.providerId ?? '');
  // He asked for all of his money back, while the job ran or before it had a machine.
  if (failureReason === 'funds_withdrawn' || failureReason === 'exit_pending') return isOfPaid(plan);
  if (failureReason !== undefined || plan === 'be on a machine that dies') return false;
  // A job that was cancelled late may have expired first; its bill shows whether it really had.
  return status === 'expired' || (status === 'cancelled' && cancelledMs !== undefined);
}

/** The failures of an order that found no machine, or none that started it. */
const startFailures: ReadonlySet<string> = new Set([
  ...[
    'no_capacity',
    'unschedulable',
    'start_timeout',
    'ports_unreachable',
    'image_pull_failed',
    'container_not_created',
    'pod_refused',
  ],
]);
/** Six a minute are answered, so after some minutes far fewer than a thousand are kept. */
const mostRegistrationsKept = 100;

/** The ledger against everything else that says something about the same money. */
async function booksViolations(database: pg.Client, rows: (sql: string) => Promise<string[]>): Promise<string[]> {
  const differing = await differingMoney(database, 'everything');
  return [
    ...differing.map(({ invariant, count, examples }) => `${invariant}: ${count} differ: ${examples.join(', ')}`),
    ...(await rows(`
      select j.job_id, j.status, count(e.id)::int as settlements
        from jobs j left join ledger_entries e on e.job_id = j.job_id and e.kind = 'settle'
       where j.ended_at is not null group by 1, 2 having count(e.id) <> 1`)),
    ...(await rows(`select kind, owner, balance::text from ledger_accounts where kind = 'reserved' and balance <> 0`)),
  ];
}

async function outViolations(
  rows: (sql: string) => Promise<string[]>,
  { brokenMachines, brokenThroughout, deaths }: RunLog,
): Promise<string[]> {
  const list = (ids: Iterable<string>) => `array[${[...ids].map((id) => `'${id}'`).join(', ')}]::text[]`;
  return [
    ...(await rows(`
      select provider_id, reason, count(*) as failures from provider_failures
       where provider_id <> all (${list([...brokenMachines, ...deaths.keys()])}) group by 1, 2`)),
    // A repaired machine may have had no customer since.
    ...(await rows(`
      select broken.id, 'failed nobody' as complaint from unnest(${list(brokenThroughout)}) broken (id)
       where not exists (select from provider_failures f where f.provider_id = broken.id)`)),
  ];
}

async function leftInCluster(core: CoreV1Api): Promise<string[]> {
  const mine = ({ metadata }: { metadata?: { namespace?: string; name?: string } }) =>
    metadata?.namespace?.startsWith('tenant-') === true && metadata.name?.startsWith('job-') === true;
  const [pods, services, secrets] = await Promise.all([
    core.listPodForAllNamespaces(),
    core.listServiceForAllNamespaces(),
    core.listSecretForAllNamespaces(),
  ]);
  return [
    ...pods.items.filter(mine).map(({ metadata }) => `pod ${metadata!.name!}`),
    ...services.items.filter(mine).map(({ metadata }) => `service ${metadata!.name!}`),
    ...secrets.items.filter(mine).map(({ metadata }) => `secret ${metadata!.name!}`),
  ];
}

async function workflows(temporal: Client, query: string): Promise<string[]> {
  const found: string[] = [];
  for (const { workflow } of [temporal, upkeepOf(temporal)]) {
    for await (const { workflowId, status } of workflow.list({ query })) found.push(`${workflowId} ${status.name}`);
  }
  return found;
}

/** How long an entry may stay unread while a relay is running. */
const unreadForMs = 5_000;

async function unread(redis: Redis): Promise<string[]> {
  const found: string[] = [];
  for (const stream of ['provider:registration', 'provider:heartbeat', 'provider:capacity']) {
    const groups = (await redis.xinfo('GROUPS', stream).catch(() => [])) as unknown[][];
    for (const group of groups) {
      const pending = Number(group[group.indexOf('pending') + 1]);
      if (pending > 0) found.push(`${stream}: ${pending} pending`);
      const last = String(group[group.indexOf('last-delivered-id') + 1]);
      const [unread] = await redis.xrange(stream, `(${last}`, '+', 'COUNT', 1);
      // An entry that has just arrived is still on its way.
      if (unread !== undefined && Number(unread[0].split('-')[0]) < Date.now() - unreadForMs)
        found.push(`${stream}: ${unread[0]} was never read`);
    }
    const reasons = new Map<string, number>();
    for (const [, fields] of await redis.xrange(`${stream}:dlq`, '-', '+')) {
      const reason = fieldsByName(fields)['reason'] ?? '';
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    for (const [reason, count] of reasons) found.push(`${stream}:dlq has ${count} × ${reason}`);
  }
  return found;
}
