import { z } from 'zod';
import type { SitePrices } from '../../config.js';
import type { OwnerFacts } from '../../db/owner-facts.js';
import { isDrained, type ProviderRow } from '../../db/provider-reads.js';
import { maxPrice, readPrice } from '../../domain/pricing.js';
import { stateReason } from '../../domain/state-reason.js';
import { providerReply, providerReplyOf } from './provider.js';

/** More types than a machine has GPUs of. */
const maxTypes = 64;

const price = z
  .union([z.number(), z.string()], { error: 'must be a price' })
  .transform((value, context) => {
    const read = readPrice(value);
    if (read === undefined) {
      context.addIssue({ code: 'custom', message: `must be a price from 0 to ${maxPrice} with at most 12 decimals` });
      return z.NEVER;
    }
    return read;
  })
  .describe('Token units per hour');

/** The body that sets prices. What is left out stays the agent's. */
export const pricesBody = z
  .strictObject({
    gpu: z
      .record(z.string().min(1).max(128), price)
      .refine((prices) => Object.keys(prices).length <= maxTypes, `must name at most ${maxTypes} types`)
      .optional()
      .describe('Of one GPU, by its type; 0 leaves the price to the operator of the site'),
    cpu: price.optional().describe('Of one core'),
    memory_gb: price.optional().describe('Of 1024 MB'),
    storage_gb: price.optional().describe('Of a GB of disk'),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), {
    error: 'must name a price: gpu, cpu, memory_gb or storage_gb',
  })
  .meta({ inputExamples: [{ gpu: { 'rtx-4090': 0.5 }, cpu: 0, memory_gb: 0 }] });

const shownPrice = z.number();
const ownerPrices = z.object({
  gpu: z.record(z.string(), shownPrice).optional(),
  cpu: shownPrice.optional(),
  memory_gb: shownPrice.optional(),
  storage_gb: shownPrice.optional(),
});

/** A provider as its owner sees it. */
export const ownerProviderReply = providerReply
  .extend({
    state_reason: z.string().optional().describe('Why it takes no jobs, or not all that it could'),
    delegation_expires_at: z.iso.datetime().optional().describe("Until when the owner's signature is good"),
    agent_version: z.string().optional(),
    running_jobs: z.int(),
    usage: z
      .object({ gpu: z.array(z.number()), cpu: z.number(), memory: z.number(), at: z.iso.datetime() })
      .optional()
      .describe('Percent, by the last heartbeat'),
    reliability: z.object({
      online_30d: z.number().optional().describe('Part of the time; absent before the first sample'),
      lost_jobs_30d: z.int().describe('Jobs that ended because it went away'),
    }),
    owner_prices: ownerPrices
      .extend({
        set_at: z.iso.datetime(),
        agent: ownerPrices.required().describe('What would hold without them'),
      })
      .optional()
      .describe('Prices that were set by the API, above those of the agent'),
  })
  .meta({ id: 'OwnProvider' });

export const ownerProviderListReply = z
  .object({
    providers: z.array(ownerProviderReply),
    count: z.int().describe('The number on this page'),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'OwnProviderList' });

export function ownerProviderReplyOf(
  provider: ProviderRow,
  facts: OwnerFacts,
  site: SitePrices,
): z.infer<typeof ownerProviderReply> {
  const shown = providerReplyOf(provider, site);
  const { usage, reliability, prices, delegationExpiresAt, agentVersion } = facts;
  const reason = stateReason(
    { ...provider, drained: isDrained(provider), notOffered: shown.not_offered_reason },
    Date.now(),
  );
  return {
    ...shown,
    ...(reason === undefined ? {} : { state_reason: reason }),
    ...(delegationExpiresAt === undefined ? {} : { delegation_expires_at: delegationExpiresAt.toISOString() }),
    ...(agentVersion === undefined ? {} : { agent_version: agentVersion }),
    running_jobs: facts.runningJobs,
    ...(usage === undefined ? {} : { usage: { ...usage, at: usage.at.toISOString() } }),
    reliability: {
      ...(reliability.online === undefined ? {} : { online_30d: reliability.online }),
      lost_jobs_30d: reliability.lostJobs,
    },
    ...(prices === undefined
      ? {}
      : {
          owner_prices: {
            ...prices.owner,
            set_at: prices.setAt.toISOString(),
            agent: { storage_gb: 0, ...prices.agent },
          },
        }),
  };
}
