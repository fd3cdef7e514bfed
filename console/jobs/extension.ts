import type { Job, Site } from '../../src/client/shapes.js';
import { intentionOf, type Once } from '../live/once.js';
import { rateOf } from './spending.js';

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
  const rate = rateOf(job.cost);
  // A field that was emptied names no time.
  const isPriced = rate !== undefined && Number.isFinite(seconds);
  // Upwards, as the broker reserves it.
  const price = isPriced ? (rate * BigInt(Math.ceil(seconds)) + 3_599n) / 3_600n : undefined;
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
 * Extends jobs, each as often as it is meant. A second click while the first is under way, a repeat after a lost answer
 * and one after a new login all mean the same extension, wherever the end of the job is by then. So does a click on a page
 * that does not show yet that the end has moved.
 */
export function createExtensions(send: (jobId: string, seconds: number, key: string) => Promise<Job>, parts: Parts) {
  const { once, newKey, wallet } = parts;
  const last = new Map<string, { from: string | undefined; extended: Job }>();
  /** @throws WorldLandError */
  return async ({ job_id: id, expires_at: from }: Extended, seconds: number): Promise<Job> => {
    const intention = intentionOf(wallet(), 'extend', id, seconds);
    const done = last.get(intention);
    if (done !== undefined && done.from === from) return done.extended;
    const extended = (await once.run(intention, newKey, async (key) => await send(id, seconds, key)))!;
    // Where an earlier attempt had moved the end already, the page shows it: the next click is meant.
    if (extended.expires_at !== from) last.set(intention, { from, extended });
    return extended;
  };
}

type Extended = Pick<Job, 'job_id' | 'expires_at'>;

interface Parts {
  once: Once<string>;
  newKey(): string;
  /** Who pays. */
  wallet(): string | undefined;
}
