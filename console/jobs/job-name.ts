import type { Job } from '../../src/client/shapes.js';
import { shortIds } from '../../src/words/short-ids.js';
import { isAliasName } from '../../src/words/ssh-target.js';
import { plain } from '../parts/words.js';

/** What a job is called: by its name, else by the last letters of its id. Names are a person's words, made plain. */
export function nameOf({
  job_id: id,
  job_name: name,
}: Pick<Job, 'job_id'> & { job_name?: string | undefined }): string {
  const named = plain(name, 60);
  return named === '' ? `…${shortIds([id]).get(id)!}` : named;
}

/** What `wl` takes for it on a command line. */
export function nameForWl({ job_id: id, job_name: name }: Pick<Job, 'job_id' | 'job_name'>): string {
  return isAliasName(name) ? name : shortIds([id]).get(id)!;
}
