import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply, Session } from '../../src/client/session.js';
import type { Live } from './live.js';

/** How long a customer repeats a request while nothing answers. */
export const patienceMs = 240_000;

/** A customer, and where violations in the replies to him are recorded. */
export interface Customer {
  session: Session;
  live: Live;
}

/** What a customer reads about his job, or about a refusal. */
export interface JobBody {
  job_id: string;
  status: string;
  provider_id?: string;
  price_per_hour?: number;
  ssh_host?: string;
  ssh_port?: number;
  ssh_user?: string;
  ssh_host_key?: string;
  started_at?: string;
  expires_at?: string;
  ended_at?: string;
  failure_reason?: string;
  code?: string;
}

/**
 * Repeats a request until the reply is not an outage. A server error other than "not now" ends the run: nothing that a
 * client does, and no kill, may cause one.
 *
 * @throws Error if the run is over, or nothing answers.
 */
export async function insist(
  { session, live }: Customer,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Reply & { body: JobBody }> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(400)) {
    if (live.ended.aborted) throw new Error(`the run ended before ${method} ${path}`);
    const reply = await session.request(method, path, body, headers).catch(() => undefined);
    // Without a reply, nothing listens or the connection broke: the process was killed.
    if (reply !== undefined) {
      const wrong = wrongWith(reply);
      if (wrong !== undefined)
        live.report(
          'answers',
          `${method} ${path} ${JSON.stringify(body ?? null)}: ${wrong} ${JSON.stringify(reply.body)}`,
        );
      if (reply.status !== 503 && reply.status !== 429) return { ...reply, body: reply.body as JobBody };
    }
    if (Date.now() > deadline) throw new Error(`${method} ${path}: nothing answered for ${patienceMs / 1000} s`);
  }
}

function wrongWith({ status, headers }: Reply): string | undefined {
  if (status >= 500 && status !== 503) return `answered ${status}`;
  const isToComeAgain = status === 503 || status === 429;
  if (isToComeAgain && !(Number(headers.get('retry-after')) > 0)) return `answered ${status} and does not say when`;
  return undefined;
}
