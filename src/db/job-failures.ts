import type { Queryable } from './pool.js';

/** Why a job failed, with the message of Kubernetes, which its customer must not see. */
interface JobFailureFacts {
  jobId: string;
  wallet: string;
  providerId?: string;
  image: string;
  failure?: { reason: string; message: string; words: string };
}

export async function jobFailureFacts(db: Queryable, jobId: string): Promise<JobFailureFacts | undefined> {
  const { rows } = await db.query<{
    wallet: string;
    provider_id: string | null;
    image: string;
    failure_reason: string | null;
    failure_message: string | null;
    failure_words: string | null;
  }>(`select wallet, provider_id, image, failure_reason, failure_message, failure_words from jobs where job_id = $1`, [
    jobId,
  ]);
  const row = rows[0];
  if (row === undefined) return undefined;
  const message = row.failure_message ?? '';
  return {
    jobId,
    wallet: row.wallet,
    ...(row.provider_id === null ? {} : { providerId: row.provider_id }),
    image: row.image,
    ...(row.failure_reason === null
      ? {}
      : { failure: { reason: row.failure_reason, message, words: row.failure_words ?? message } }),
  };
}
