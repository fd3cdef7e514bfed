import type { Job } from '../../src/client/shapes.js';
import { shortIds } from '../../src/words/short-ids.js';
import { plain } from '../parts/words.js';

/** What a job is called: by its name, else by the last letters of its id. Names are a person's words, made plain. */
export function nameOf({
  job_id: id,
  job_name: name,
}: Pick<Job, 'job_id'> & { job_name?: string | undefined }): string {
  const named = plain(name, 60);
  return named === '' ? `…${shortIds([id]).get(id)!}` : named;
}
