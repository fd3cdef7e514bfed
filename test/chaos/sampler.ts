import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { awayMs, type Outage } from './kills.js';
import type { Live } from './live.js';
import type { PodLog } from './pod-log.js';
import { finalStatuses, rankOf } from './told.js';

/** Checks that are made during the run, and not only when all is over. */
export interface Sampler {
  /** Samples once more and stops. */
  stop(): Promise<void>;
  samples(): number;
  /** Whether a pod was seen as that of a running job: before that, the job may move elsewhere. */
  isServed(podUid: string): boolean;
  /** When a job was first seen ending or ended. */
  endingSeenMs(jobId: string): number | undefined;
  /** Providers that were ever seen out of service. */
  away: ReadonlySet<string>;
  /** Those that were out of service in the last sample. */
  awayNow: ReadonlySet<string>;
}

const everyMs = 500;
/** How long the broker may take to notice that a pod is gone, while no process is restarting. */
const goneForMs = 60_000;

interface JobSample {
  job_id: string;
  status: string;
  pod_uid: string | null;
  started_at: Date | null;
  expires_at: Date | null;
  ssh: string | null;
}

export function startSampler(postgres: string, pods: PodLog, outages: readonly Outage[], live: Live): Sampler {
  const pool = new pg.Pool({ connectionString: postgres, max: 1, connectionTimeoutMillis: 2_000 });
  pool.on('error', () => undefined);
  const before = new Map<string, JobSample>();
  const endingSeenMs = new Map<string, number>();
  const away = new Set<string>();
  const awayNow = new Set<string>();
  const served = new Set<string>();
  let samples = 0;
  let stopped = false;

  async function sample(): Promise<void> {
    const { rows } = await pool.query<JobSample>(
      `select job_id, status, pod_uid, started_at, expires_at, ssh_host || ':' || ssh_port || ' ' || ssh_host_key as ssh
         from jobs`,
    );
    const providers = await pool.query<{ provider_id: string; status: string; rented: boolean }>(
      `select p.provider_id, p.status, coalesce(bool_or(r.rented > r.total), false) as rented
         from providers p left join provider_resources r using (provider_id) group by p.provider_id`,
    );
    const nowMs = Date.now();
    samples++;
    for (const { provider_id, status, rented } of providers.rows) {
      if (status === 'offline') away.add(provider_id);
      if (status === 'offline') awayNow.add(provider_id);
      else awayNow.delete(provider_id);
      if (rented) live.report('rows', `${provider_id} has rented more than it has`);
    }
    for (const job of rows) compare(job, nowMs);
  }

  function compare(job: JobSample, nowMs: number): void {
    const { job_id: id, status } = job;
    if (rankOf(status) > rankOf('running') && !endingSeenMs.has(id)) endingSeenMs.set(id, nowMs);
    if (status === 'running') {
      if (job.pod_uid !== null) served.add(job.pod_uid);
      const pod = pods.ofJob(id).find(({ uid }) => uid === job.pod_uid);
      const overMs = pod?.overSeenMs ?? pod?.goneSeenMs ?? Infinity;
      if (overMs < nowMs && nowMs - overMs - awayMs(outages, overMs, nowMs) > goneForMs)
        live.report('rows', `${id} is running, and its pod was over a minute ago`);
    }
    const known = before.get(id);
    before.set(id, job);
    if (known === undefined) return;
    // Until it runs, a job may move elsewhere, and then waits for a machine again.
    if (rankOf(status) < rankOf(known.status) && known.status !== 'provisioning')
      live.report('rows', `${id} was ${known.status} and then ${status}`);
    if (finalStatuses.has(known.status) && status !== known.status)
      live.report('rows', `${id} ended as ${known.status} and then as ${status}`);
    if (known.started_at === null) return;
    if (job.started_at?.getTime() !== known.started_at.getTime()) live.report('rows', `${id} started twice`);
    if ((job.expires_at?.getTime() ?? 0) < (known.expires_at?.getTime() ?? 0))
      live.report('rows', `${id}: its expiry moved back`);
    if (job.ssh !== known.ssh) live.report('rows', `${id}: its address or host key changed`);
  }

  const running = (async () => {
    for (; !stopped; await sleep(everyMs)) {
      // The database may be killed.
      await sample().catch(() => undefined);
    }
  })();

  return {
    samples: () => samples,
    isServed: (podUid) => served.has(podUid),
    endingSeenMs: (jobId) => endingSeenMs.get(jobId),
    away,
    awayNow,
    async stop() {
      if (stopped) return;
      stopped = true;
      await running;
      await sample().finally(() => pool.end());
    },
  };
}
