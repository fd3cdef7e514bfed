import { afterAll, expect } from '@jest/globals';
import type { SimulatedProvider } from '../../engines/simulated-provider/provider.js';
import type { Session } from '../../src/client/session.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';
import { isKeptFree, startSite, type Site, type ToldJob } from './site.js';

let site: Site;
afterAll(() => site?.stop(), 120_000);

interface RestoreRow {
  why: string;
  known_until: Date | null;
  steps_written_at: Date | null;
  kept: { jobId: string; namespace: string; workflow: boolean }[];
}
interface JobFigures {
  status: string;
  failure_reason: string | null;
  expires_at: Date;
  ended_at: Date | null;
  reserved: string;
  spent: string | null;
}

const readJob = async (jobId: string): Promise<JobFigures> => {
  const [row] = await site.ask<JobFigures>(
    `select j.status, j.failure_reason, j.expires_at, j.ended_at, sum(c.reserved)::text as reserved, sum(c.spent)::text as spent
       from jobs j join auth_charges c on c.job_id = j.job_id where j.job_id = $1 group by j.job_id`,
    [jobId],
  );
  return row!;
};
/** As docs/operate.md has an operator look. */
const openRestore = async () =>
  (
    await site.ask<RestoreRow>('select why, known_until, steps_written_at, kept from restores where over_at is null')
  )[0];
/** What a later look would show to differ, if anything were lost. */
const everything = async () => {
  const [row] = await site.ask<Record<'jobs' | 'charges' | 'ledger' | 'receipts' | 'sessions', string>>(
    `select (select string_agg(j::text, ',' order by job_id) from (select job_id, status, expires_at from jobs) j) as jobs,
            (select string_agg(c::text, ',' order by job_id, request_id) from auth_charges c) as charges,
            (select string_agg(l::text, ',' order by l::text) from ledger_lines l) as ledger,
            (select string_agg(job_id::text, ',' order by job_id) from receipts) as receipts,
            (select string_agg(id::text, ',' order by id) from auth_sessions where revoked_at is null) as sessions`,
  );
  // An empty one would be the same as any other.
  for (const found of Object.values(row!)) expect(found).toBeTruthy();
  return row!;
};
/** An operator stops the broker, puts back what he has, and starts the broker. */
const whileStopped = async (work: () => Promise<void>) => {
  await site.stack.halt('broker');
  await work();
  await site.stack.resume('broker');
};

const chapter = story(
  'a site comes back from its backups: nothing is paid twice, and no pod of a customer is removed',
  900_000,
);

let customer: Session;
let revoked: Session;
let stays: ToldJob;
let ends: ToldJob;
let grows: ToldJob;
let later: ToldJob;
let laterNode: string;
let joined: SimulatedProvider;
let backedUpAt: Date;
const pods = new Map<string, string>();
/** Of the job that ends after the backup. */
let paid: JobFigures;
let extended: JobFigures;

const podsAreThere = async (...jobs: ToldJob[]) => {
  for (const { job_id: jobId } of jobs) expect([jobId, await site.podOf(jobId)]).toEqual([jobId, pods.get(jobId)]);
};

chapter('a backup is taken while jobs run', async () => {
  site = await startSite();
  await site.machine('atlas').joined;
  [customer, revoked] = [await site.customer(), await site.customer()];
  [stays, ends, grows] = [await site.rent(customer), await site.rent(customer), await site.rent(customer)];
  expect((await site.reconcile()).failures).toEqual([]);
  expect(await openRestore()).toBeUndefined();
  expect(await site.metric('broker_restore_open')).toBe(0);
  await whileStopped(() => site.backUpTemporal());
  await site.backups.take();
  backedUpAt = new Date();
});

chapter(
  'after it, a job ends and is paid, another is extended, one is ordered, a machine joins and a session is revoked',
  async () => {
    await customer.request('DELETE', `/api/v1/jobs/${ends.job_id}`, undefined, { prefer: 'wait=60' });
    paid = await until(
      async () => {
        const job = await readJob(ends.job_id);
        return job.ended_at === null ? undefined : job;
      },
      { timeoutMs: 60_000, name: 'the job has ended' },
    );
    expect(paid.status).toBe('cancelled');
    const extension = { additional_hours: 1 };
    const { status } = await customer.request('POST', `/api/v1/jobs/${grows.job_id}/extend`, extension, {
      'idempotency-key': 'one-more-hour',
    });
    expect(status).toBe(200);
    extended = await readJob(grows.job_id);
    expect(extended.expires_at.getTime()).toBe(Date.parse(grows.expires_at) + 3_600_000);
    const newcomer = await site.customer();
    later = await site.rent(newcomer);
    joined = site.machine('borealis');
    laterNode = (await joined.joined).nodeName;
    await revoked.request('DELETE', `/api/v1/auth/sessions/${revoked.sessionId}`);
    expect((await revoked.request('GET', '/api/v1/jobs')).status).toBe(401);
    for (const { job_id: jobId } of [stays, grows, later]) pods.set(jobId, (await site.podOf(jobId))!);
    // The cluster has now seen more than the backup has.
    expect((await site.reconcile()).failures).toEqual([]);
  },
);

chapter(
  'Postgres, restored by its log to the last moment, has lost nothing, and the broker says that it was restored',
  async () => {
    await whileStopped(async () => {
      const before = await everything();
      await site.backups.restore('the last moment');
      expect(await everything()).toEqual(before);
    });
    expect(await site.reconcile()).toMatchObject({ failures: [] });
    expect(site.hasLogged('the database was restored')).toBe(true);
    await podsAreThere(stays, grows, later);
    expect(await openRestore()).toMatchObject({ why: 'timeline', kept: [] });
    expect(await site.metric('broker_restore_open')).toBe(1);
    await site.ask("select restore_is_over('0xoperator', 'nothing is missing')");
    expect(await openRestore()).toBeUndefined();
    await site.reconcile();
    expect(await openRestore()).toBeUndefined();
    expect(await site.metric('broker_restore_open')).toBe(0);
    await site.backups.forgetRestore();
  },
);

chapter('Postgres, restored to the backup, learns from Temporal and the cluster what they know', async () => {
  await whileStopped(() => site.backups.restore('the backup'));
  expect((await readJob(ends.job_id)).status).toBe('running');
  const report = await site.reconcile();
  // Another run may have come first: the broker starts one by itself.
  expect(report.failures).toEqual([]);
  const restored = await until(
    async () => {
      const open = await openRestore();
      return open !== undefined && open.steps_written_at !== null && open;
    },
    { timeoutMs: 60_000, name: 'what workflows remember is written again' },
  );
  expect(restored.why).toBe('older');
  expect(restored.known_until!.getTime()).toBeLessThan(backedUpAt.getTime());

  // The job that ended: in the same way, for the same money, once.
  const again = await until(
    async () => {
      const job = await readJob(ends.job_id);
      return job.ended_at === null ? undefined : job;
    },
    { timeoutMs: 60_000, name: 'the job has ended again' },
  );
  expect(again).toMatchObject({ status: paid.status, spent: paid.spent, reserved: paid.reserved });
  // The extension: bought again, by the same key.
  expect(await readJob(grows.job_id)).toMatchObject({ expires_at: extended.expires_at, reserved: extended.reserved });

  // The job that the database does not know goes on, and an operator sees it.
  await site.reconcile();
  await podsAreThere(stays, grows, later);
  expect((await openRestore())!.kept).toMatchObject([{ jobId: later.job_id, workflow: true }]);
  expect(await site.metric('broker_kept_pods')).toBe(1);
  // Machines served all the time, though the database has not heard them since the backup.
  expect(await site.ask('select job_id, from_at, to_at, cause from job_gaps')).toEqual([]);
  // The machine that it does not know gets no jobs.
  await until(() => isKeptFree(site.core, laterNode), { timeoutMs: 60_000, name: 'the unknown node is kept free' });
  expect(await site.money()).toEqual([]);

  // Whoever was logged out is logged in again, until an operator ends all sessions.
  expect((await revoked.request('GET', '/api/v1/jobs')).status).toBe(200);
  await site.ask('select end_all_sessions()');
  expect((await revoked.request('GET', '/api/v1/jobs')).status).toBe(401);
  expect((await customer.request('GET', '/api/v1/jobs')).status).toBe(401);
  await podsAreThere(stays, grows, later);
});

/** Of a site that has nothing but the backup, and its cluster. */
const knowsOnlyTheBackup = async (reason: string) => {
  const ended = await until(
    async () => {
      await site.reconcile();
      const job = await readJob(ends.job_id);
      return job.ended_at === null ? undefined : job;
    },
    { timeoutMs: 120_000, everyMs: 1_000, name: 'the job whose pod is gone has ended' },
  );
  expect(ended).toMatchObject({ status: 'failed', failure_reason: reason });
  // It is paid for until the backup, and so no longer than its customer has had it.
  expect(BigInt(ended.spent!)).toBeLessThanOrEqual(BigInt(paid.spent!));
  await podsAreThere(stays, grows, later);
  // The extension is lost, and not paid.
  for (const { job_id: jobId, expires_at: expiresAt } of [stays, grows])
    expect(await readJob(jobId)).toMatchObject({ status: 'running', ended_at: null, expires_at: new Date(expiresAt) });
  expect((await openRestore())!.kept).toMatchObject([{ jobId: later.job_id, workflow: false }]);
  expect(await site.money()).toEqual([]);
  expect(await site.ask('select job_id, from_at, to_at, cause from job_gaps')).toEqual([]);
  // Their customer reaches them as before.
  expect((await customer.request('GET', `/api/v1/jobs/${stays.job_id}`)).body).toMatchObject({ status: 'running' });
};

chapter(
  'with Temporal put back besides, as on one server, nothing is removed before an operator has looked',
  async () => {
    await whileStopped(async () => {
      await site.backups.restore('the backup');
      await site.restoreTemporal('the backup');
    });
    await knowsOnlyTheBackup('pod_deleted');
  },
);

chapter(
  'with Temporal lost besides, jobs get workflows again, and nothing is removed before an operator has looked',
  async () => {
    await whileStopped(async () => {
      await site.backups.restore('the backup');
      await site.restoreTemporal('nothing');
    });
    await knowsOnlyTheBackup('internal_error');
  },
);

chapter(
  'Temporal, lost and empty while Postgres is at hand, costs nothing: jobs and machines get workflows again',
  async () => {
    const before = await everything();
    await whileStopped(() => site.restoreTemporal('nothing'));
    expect((await site.reconcile()).failures).toEqual([]);
    expect(await everything()).toEqual(before);
    await podsAreThere(stays, grows, later);
    // Workflows are there and take commands.
    const extension = { additional_hours: 1 };
    const { status } = await customer.request('POST', `/api/v1/jobs/${grows.job_id}/extend`, extension, {
      'idempotency-key': 'an-hour-after-all',
    });
    expect(status).toBe(200);
    expect(await readJob(grows.job_id)).toMatchObject({ expires_at: extended.expires_at, reserved: extended.reserved });
    expect(await site.money()).toEqual([]);
  },
);

chapter('Redis, lost and empty, costs nothing but what was on its way', async () => {
  await site.emptyRedis();
  await until(async () => (await customer.request('GET', '/api/v1/jobs')).status === 200, {
    timeoutMs: 60_000,
    name: 'requests are taken again',
  });
  const since = new Date();
  const heard = async () =>
    (await site.ask('select from provider_heartbeats where provider_id = $1 and last_heartbeat > $2', ['atlas', since]))
      .length > 0;
  await until(heard, { timeoutMs: 120_000, name: 'the machine is heard again' });
  const next = await site.rent(customer);
  pods.set(next.job_id, (await site.podOf(next.job_id))!);
  await podsAreThere(stays, grows, later, next);
});

chapter('a machine that joined after the backup joins again, once its node was deleted', async () => {
  await until(() => isKeptFree(site.core, laterNode), { timeoutMs: 60_000, name: 'the unknown node is kept free' });
  await joined.stop();
  await site.core.deleteNode({ name: laterNode });
  const { nodeName } = await site.machine('borealis').joined;
  expect((await site.reconcile()).failures).toEqual([]);
  expect(await isKeptFree(site.core, nodeName)).toBe(false);
  await podsAreThere(stays, grows, later);
});

chapter('when an operator has looked, what nobody will claim is removed, and only that', async () => {
  const { namespace } = (await openRestore())!.kept[0]!;
  await site.ask("select restore_is_over('0xoperator', 'the customer of the kept pod was told')");
  const removed = async () => {
    await site.reconcile();
    return (await site.podOf(later.job_id)) === undefined;
  };
  await until(removed, { timeoutMs: 60_000, everyMs: 1_000, name: 'the pod that no job needs is removed' });
  await podsAreThere(stays, grows);
  expect(await site.metric('broker_restore_open')).toBe(0);
  // That of a customer whom the database does not know: `kubectl delete namespace`.
  const isThere = async () => (await unlessNotFound(site.core.readNamespace({ name: namespace }))) !== undefined;
  await site.reconcile();
  expect(await isThere()).toBe(true);
  await site.core.deleteNamespace({ name: namespace });
  await until(async () => !(await isThere()), { timeoutMs: 60_000, name: 'the namespace is gone' });
  expect(await site.money()).toEqual([]);
});
