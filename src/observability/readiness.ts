import { setTimeout as sleep } from 'node:timers/promises';
import type { Readiness } from './listener.js';

/** Resolves when what is asked answers. */
export type Check = () => Promise<unknown>;

/** A probe must be answered while the one who probes still waits: Kubernetes' own patience is a second by default. */
const timeoutMs = 900;

/** Asks each dependency at the same time; what does not answer in time is not well. Rejects never. */
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
    // Addresses and accounts stand in messages of drivers; a code says as much to an operator.
    const code = (error as { code?: unknown }).code;
    return { ok: false, detail: typeof code === 'string' ? code : 'not answering' };
  } finally {
    given.abort();
  }
}
