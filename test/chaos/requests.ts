import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply, Session } from '../../src/auth/client.js';

/** How long a customer goes on asking while nothing answers. */
export const patienceMs = 240_000;

/** What a customer reads about his job, and about what was refused. */
export interface JobBody {
  job_id: string;
  status: string;
  provider_id?: string;
  price_per_hour?: number;
  started_at?: string;
  expires_at?: string;
  failure_reason?: string;
  code?: string;
}

/**
 * Sends a request until something answers that is not an outage.
 *
 * @throws Error for a server error other than "not now": nothing that a client does, and no kill, may show one.
 */
export async function insist(
  session: Session,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Reply & { body: JobBody }> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(400)) {
    const reply = await session.request(method, path, body, headers).catch(() => undefined);
    // Without a reply nobody listens, or the connection broke: the process was killed.
    if (reply !== undefined && reply.status >= 500 && reply.status !== 503)
      throw new Error(`${method} ${path} answered ${reply.status} ${JSON.stringify(reply.body)}`);
    if (reply !== undefined && reply.status !== 503 && reply.status !== 429)
      return { ...reply, body: reply.body as JobBody };
    if (Date.now() > deadline) throw new Error(`${method} ${path}: nothing answered for ${patienceMs / 1000} s`);
  }
}
