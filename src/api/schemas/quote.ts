import { z } from 'zod';
import { offerReply } from './offer.js';

const amount = z.string().regex(/^[0-9]+$/);

const whyNotReply = z
  .object({
    limit: z.string().describe('The field of the order, or what else it is'),
    asked: z.union([z.number(), z.string()]).nullable(),
    nearest: z.union([z.number(), z.string()]).nullable().describe('What could be had; null if there is no figure'),
    text: z.string(),
  })
  .meta({ id: 'WhyNot' });

const quoteOffer = offerReply
  .extend({
    total: amount.describe('Base units for the whole duration'),
    includes: z
      .object({
        gpu_equivalents: z
          .string()
          .regex(/^\d+(?:\.\d{1,3})?$/)
          .describe(
            'How many GPUs of the machine the order is charged as: more than it rents where it takes more than their fair share of something, and that costs more than the list says',
          ),
      })
      .describe('What the price is for'),
  })
  .meta({ id: 'QuoteOffer' });

export const quoteReply = z
  .object({
    can_start: z.boolean(),
    price_per_hour: z.number().nullable().describe('Where a placement would try first; null if nobody takes the order'),
    cost: z
      .object({
        expected: amount.describe('For the whole duration, where a placement would try first'),
        at_most: amount.describe('What the order may cost at most, wherever it is placed'),
      })
      .nullable()
      .describe('Base units'),
    fee_bps: z
      .int()
      .describe("The platform's share in hundredths of a percent: a part of these amounts, and not added to them"),
    currency: z.object({ symbol: z.string(), decimals: z.int() }),
    rate_per_hour: amount
      .nullable()
      .describe('Base units an hour for the whole job, where a placement would try first; null if nobody takes it'),
    total: amount.nullable().describe('The same for the whole duration'),
    ports: z
      .object({
        count: z.int().describe('How many the order opens besides SSH'),
        free: z.int().describe('How many of them cost nothing'),
        price_per_hour: z.number().describe('Token units an hour for the others together'),
        rate_per_hour: amount.describe('The same in base units: a part of every rate here, and not added to it'),
      })
      .optional()
      .describe('What its ports cost; absent if it opens none'),
    offers: z.array(quoteOffer).describe('The best eight, in the order in which a placement would try them'),
    session: z
      .object({
        remaining: amount.describe('Base units that the session may still spend'),
        covers: z
          .boolean()
          .nullable()
          .describe(
            'Whether that is enough for the order; null if nobody takes it. It says nothing of the monthly cap of the wallet: see `GET /api/v1/billing/balance`',
          ),
      })
      .optional()
      .describe('With a credential only'),
    why_not: z
      .array(whyNotReply)
      .describe('Why nobody takes the order: what nobody has, and the nearest that somebody has'),
    why_not_each: z
      .boolean()
      .describe('True if the order could start once any one of the reasons were gone; else all of them have to go'),
    binding: z
      .boolean()
      .describe(
        'Whether its prices hold for an order with its `quote_id`. They do for a caller with a credential, if somebody takes the order; capacity is never held',
      ),
    quote_id: z
      .string()
      .nullable()
      .describe(
        'Send it with the order. It is a price and no voucher: until it expires, it is good for several orders, each of which reserves its own money. Null if the quote does not bind',
      ),
    expires_at: z.iso
      .datetime()
      .nullable()
      .describe('Until when the order may be sent. Null if the quote does not bind'),
  })
  .meta({ id: 'Quote' });
