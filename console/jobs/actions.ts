import { isCode } from '../../src/client/index.js';
import type { Job } from '../../src/client/shapes.js';
import { act, allowMore, broker, login, refresh } from '../live/index.js';
import { createOnce, keptInTab, newIdempotencyKey } from '../live/once.js';
import { createExtensions } from './extension.js';

/**
 * Extends a job. Where the limit of this login does not cover it, the person is asked for more, and it goes on with the
 * same key.
 *
 * @throws WorldLandError
 */
export const extendJob = createExtensions(extend, {
  once: createOnce(keptInTab('worldland-extensions')),
  newKey: newIdempotencyKey,
  wallet: () => login.peek()?.wallet,
});

async function extend(id: string, seconds: number, idempotencyKey: string): Promise<Job> {
  const send = async () => await act(() => broker().jobs.extend(id, { hours: seconds / 3_600 }, { idempotencyKey }));
  try {
    return await send();
  } catch (error) {
    if (!isCode(error, 'spend_limit_exceeded') || typeof error.data.required !== 'string') throw error;
    if (!(await allowMore(error.data.required))) throw error;
    return await send();
  } finally {
    refresh('jobs');
  }
}

/** Tells a job to end. What it held is released a moment later; the page hears of that. */
export async function endJob(id: string): Promise<Job> {
  try {
    return await act(() => broker().jobs.end(id, { wait: 0 }));
  } finally {
    refresh('jobs');
  }
}

export async function renameJob(id: string, name: string): Promise<Job> {
  const job = await act(() => broker().jobs.rename(id, name.trim() === '' ? null : name.trim()));
  refresh('jobs');
  return job;
}
