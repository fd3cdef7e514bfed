import type { Queryable } from './pool.js';

/** Why a job failed, with what Kubernetes said of it: whoever asks must not be its customer. */
export interface FailedJob {
  jobId: string;
  wallet: string;
  providerId?: string;
  image: string;
  reason: string;
  message: string;
  words: string;
}

export async function findFailedJob(db: Queryable, jobId: string): Promise<FailedJob | undefined> {
  const { rows } = await db.query<{
    wallet: string;
    provider_id: string | null;
    image: string;
    failure_reason: string;
    failure_message: string | null;
    failure_words: string | null;
  }>(
    `select wallet, provider_id, image, failure_reason, failure_message, failure_words
       from jobs where job_id = $1 and failure_reason is not null`,
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const message = row.failure_message ?? '';
  return {
    jobId,
    wallet: row.wallet,
    ...(row.provider_id === null ? {} : { providerId: row.provider_id }),
    image: row.image,
    reason: row.failure_reason,
    message,
    words: row.failure_words ?? message,
  };
}
