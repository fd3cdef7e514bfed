import type { WorldLand as Client } from '../client/index.js';
import type { Job } from '../client/shapes.js';
import { isUuid } from '../domain/uuid.js';
import { exitCodes, Failure, usage } from './failure.js';
import { idsMeant, shortIds } from '../words/short-ids.js';
import { clean } from '../words/clean.js';

/** Enough for anybody who still types names. */
const mostJobs = 500;

export async function activeJobs(client: Client): Promise<Job[]> {
  return await client.jobs.list({ status: 'active', limit: 100 }).all(mostJobs);
}

export interface Meant {
  job: Job;
  /** All that run or start, where they were read. */
  active: Job[];
}

/**
 * The job that a word means: an id, a name, or the last four letters or more of an id. Jobs that run or start come before
 * those that have ended.
 *
 * @throws Failure if there is none, or if there are several.
 */
export async function jobMeant(client: Client, word: string): Promise<Meant> {
  const active = await activeJobs(client);
  const among = oneOf(word, active);
  if (among !== undefined) return { job: among, active };
  if (isUuid(word)) return { job: await client.jobs.get(word.toLowerCase()), active };
  if (isName(word)) {
    // The newest of those that have ended: lists begin with it.
    const [named] = await client.jobs.list({ name: word, limit: 1 }).all(1);
    if (named !== undefined) return { job: named, active };
  }
  const ended = idsMeant(word, ['']).length === 0 && !/^[0-9a-f-]{4,36}$/i.test(word) ? [] : await lately(client);
  const found = oneOf(word, ended);
  if (found !== undefined) return { job: found, active };
  throw new Failure(exitCodes.notFound, `you have no job "${clean(word)}"`, 'wl ls -a shows your jobs');
}

/** The newest jobs, ended ones among them. */
async function lately(client: Client): Promise<Job[]> {
  return await client.jobs.list({ limit: 100 }).all(mostJobs);
}

function isName(word: string): boolean {
  return word.length <= 128 && clean(word) === word;
}

/** Exactly one of these, or none. */
function oneOf(word: string, jobs: readonly Job[]): Job | undefined {
  const byName = jobs.filter(({ job_name }) => job_name === word);
  const meant =
    byName.length > 0
      ? byName
      : jobs.filter(({ job_id }) => job_id === word.toLowerCase() || idsMeant(word, [job_id]).length > 0);
  if (meant.length < 2) return meant[0];
  const ids = [...shortIds(meant.map(({ job_id }) => job_id)).values()].slice(0, 8).join(', ');
  throw usage(`"${clean(word)}" means ${meant.length} jobs`, `say which: ${ids}`);
}
