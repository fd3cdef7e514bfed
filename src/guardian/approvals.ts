import { join } from 'node:path';
import { z } from 'zod';
import type { GuardianSettings } from './config.js';
import { SetupError } from './config.js';
import { keptFile } from './kept-file.js';

const approvals = z.strictObject({
  version: z.literal(1),
  /** Keys that may sign receipts. */
  keys: z.array(
    z.strictObject({
      address: z.string().regex(/^0x[0-9a-f]{40}$/),
      /** Nothing that was issued then or later. */
      untilMs: z.int().optional(),
    }),
  ),
  /** Payouts by hand that a person has looked up, by their ids. */
  payouts: z.array(z.string().regex(/^\d{1,19}$/)),
});

/** What a person has approved: the broker names things, and only these count. Commands write it, the guardian reads it. */
export type Approvals = z.output<typeof approvals>;

export function approvalsFile({ dataDir }: Pick<GuardianSettings, 'dataDir'>) {
  return keptFile(join(dataDir, 'approved.json'), approvals);
}

/** @throws SetupError before the first set-up. */
export function readApprovals(settings: Pick<GuardianSettings, 'dataDir'>): Approvals {
  const found = approvalsFile(settings).read();
  if (found === undefined)
    throw new SetupError(
      'Nothing is approved yet: run `npm run guardian -- setup` first, and compare the keys that it prints.',
    );
  return found;
}
