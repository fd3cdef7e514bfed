import { z } from 'zod';
import { usedOf, type MonthlyCap } from '../../db/spending-caps.js';
import { amount, shown, tokens } from './shown-amounts.js';

/** As on chain: no account holds more. */
const maxAmount = 2n ** 128n - 1n;

export const monthlyCapBody = z.strictObject({
  amount: z
    .string()
    .regex(/^(?:0|[1-9]\d{0,38})$/, {
      error: 'must be a whole number of base units below 2^128, as a string',
      abort: true,
    })
    .refine((text) => BigInt(text) <= maxAmount, 'must be below 2^128')
    .describe('Base units; 0: nothing more may be ordered'),
});

export const monthlyCapReply = z
  .object({
    amount: amount.describe('Base units that the wallet may spend in a month of UTC, by all of its sessions together'),
    amount_tokens: tokens,
    charged: amount.describe('Base units that were charged this month, less what of it was refunded'),
    charged_tokens: tokens,
    reserved: amount.describe('Base units that are reserved now for jobs which have not ended'),
    reserved_tokens: tokens,
    remaining: amount.describe('Base units that may still be ordered; 0 if more is used than the cap allows'),
    remaining_tokens: tokens,
    resets_at: z.iso.datetime().describe('When the month turns'),
  })
  .meta({ id: 'MonthlyCap' });

export function monthlyCapReplyOf(cap: MonthlyCap): z.infer<typeof monthlyCapReply> {
  const { resetsAt, ...amounts } = cap;
  const used = usedOf(cap);
  const remaining = used < cap.amount ? cap.amount - used : 0n;
  return { ...shown({ ...amounts, remaining }), resets_at: resetsAt.toISOString() };
}
