import { setTimeout as sleep } from 'node:timers/promises';
import type { Readiness } from './listener.js';

/** Resolves when the dependency answers. */
export type Check = () => Promise<unknown>;

/** A probe must be answered before the prober gives up; Kubernetes waits one second by default. */
const timeoutMs = 900;

/** Checks all dependencies at once. One that does not answer in time counts as failed. Never rejects. */
export async function askAll(checks: Readonly<Record<string, Check>>): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await ask(check)] as const),
  );
  return Object.fromEntries(results);
}

async function ask(check: Check): Promise<Readiness[string]> {
  const given = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: given.signal }).then(
    () => ({ ok: false, detail: `no answer within ${timeoutMs} ms` }),
    () => ({ ok: false }),
  );
  try {
    return await Promise.race([check().then(() => ({ ok: true })), late]);
  } catch (error) {
    // Drivers put addresses and accounts into their messages; the code tells an operator as much.
    const code = (error as { code?: unknown }).code;
    return { ok: false, detail: typeof code === 'string' ? code : 'not answering' };
  } finally {
    given.abort();
  }
}
