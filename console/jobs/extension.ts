import type { Job, Site } from '../../src/client/shapes.js';

/** One more time that a job may run, and what it costs. */
export interface Extension {
  seconds: number;
  /** Base units; undefined before the job has a price. */
  price: bigint | undefined;
  /** Why it cannot be had, as a sentence. */
  refused?: string;
}

/** The hours that have a button of their own. */
export const usualHours = [1, 4] as const;
/** The least that is worth a button of its own. */
const leastS = 60;

/** What so many more seconds cost, and whether the site allows them. */
export function extensionOf(job: Job, seconds: number, site: Pick<Site, 'jobs'> | undefined): Extension {
  const perSecond = job.cost?.per_second ?? '';
  // A field that was emptied names no time.
  const isPriced = /^\d+$/.test(perSecond) && Number.isFinite(seconds);
  const price = isPriced ? BigInt(perSecond) * BigInt(Math.ceil(seconds)) : undefined;
  const refused = refusalOf(job, seconds, site);
  return { seconds, price, ...(refused === undefined ? {} : { refused }) };
}

function refusalOf(job: Job, seconds: number, site: Pick<Site, 'jobs'> | undefined): string | undefined {
  if (job.status !== 'running') return 'Only a running job can be extended.';
  if (!Number.isFinite(seconds) || seconds < leastS) return 'Choose a time after the present end.';
  const most = site?.jobs.max_duration_s;
  const { started_at: from, expires_at: to } = job;
  if (most === undefined || from === undefined || to === undefined) return undefined;
  const rentedS = (Date.parse(to) - Date.parse(from)) / 1000;
  return rentedS + seconds > most ? `A job may run for ${Math.floor(most / 3600)} hours at most here.` : undefined;
}

/** Seconds from the present end of a job until a time, whole and upwards, as the broker counts. */
export function secondsUntil(job: Job, until: Date): number {
  return job.expires_at === undefined ? Number.NaN : Math.ceil((until.getTime() - Date.parse(job.expires_at)) / 1000);
}

/**
 * A key for each intention to extend. A second click on the same button, a repeat after a lost answer and one after a
 * new login all mean the same extension, as long as the end of the job has not moved: so they get the same key, and the
 * broker extends once.
 */
export function createExtensionKeys(newKey: () => string) {
  const keys = new Map<string, string>();
  return {
    keyFor({ job_id: id, expires_at: end }: Pick<Job, 'job_id' | 'expires_at'>, seconds: number): string {
      const intention = `${id} ${end ?? ''} ${seconds}`;
      const key = keys.get(intention) ?? newKey();
      keys.set(intention, key);
      return key;
    },
  };
}
