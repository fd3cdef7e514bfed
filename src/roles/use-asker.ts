import type { Pool } from 'pg';
import type { Config } from '../config.js';
import { observerKey } from '../db/installation.js';
import type { AskUse } from '../domain/job-use.js';
import { askMachine } from '../ssh/ask-use.js';
import { observerKeyOf } from '../ssh/observer-key.js';

/** Asks the machines of jobs what they use, with a key for each job; undefined where their SSH ports are not reached. */
export function useAsker(
  { SSH_PROBE, PROVIDER_PRIVATE_CIDRS: opened }: Pick<Config, 'SSH_PROBE' | 'PROVIDER_PRIVATE_CIDRS'>,
  pool: Pool,
): AskUse | undefined {
  if (!SSH_PROBE) return undefined;
  return async (machine) => {
    const key = observerKeyOf(await observerKey(pool), machine.jobId);
    return await askMachine(machine, { key, opened });
  };
}
