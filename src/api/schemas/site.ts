import { z } from 'zod';
import { jobPolicyOf } from '../job-policy.js';
import type { PublishedKeys } from '../../auth/broker-key.js';
import type { Config } from '../../config.js';
import { chainSettings } from '../../config/chain.js';
import { orderDefaults } from '../../domain/job-request.js';
import { maxPorts } from '../../domain/job-ports.js';

export const brokerKeysReply = z.object({
  key: z.string().describe('The address of the key that signs answers to providers now'),
  since: z.int().describe('Unix seconds'),
  introductions: z
    .array(z.object({ key: z.string(), by: z.string(), since: z.int(), sig: z.string() }))
    .describe('The chain of keys that led to it, oldest first: each key is signed by the one before it'),
});

export const siteReply = z
  .object({
    name: z.string().describe('What this site calls itself'),
    version: z.string(),
    audience: z.string().describe('The origin that logins and requests are signed for'),
    token: z.object({
      symbol: z.string(),
      decimals: z.int().describe('An amount of 10^decimals base units is one token'),
      settlement: z
        .enum(['ledger', 'chain'])
        .describe('Where jobs are paid: in the ledger of this broker, or from deposits on a chain'),
    }),
    auth: z.object({
      chain_ids: z.array(z.int()).describe('Chains whose wallets may log in; the first is proposed'),
      session_ttl_s: z.int(),
      session_ttl_max_s: z.int(),
      token_ttl_max_s: z.int(),
      smart_wallets: z.boolean().describe('Whether wallets that are contracts may log in'),
    }),
    jobs: z.object({
      default_image: z.string(),
      min_duration_s: z.int(),
      max_duration_s: z.int(),
      defaults: z
        .object({ cpu_cores: z.int(), memory_gb: z.number(), storage_gb: z.int(), duration_hours: z.number() })
        .describe('The sizes of an order that names none'),
      image_allowlist: z.array(z.string()).describe('Empty: any image'),
      templates: z
        .array(z.object({ id: z.string(), name: z.string(), image: z.string() }))
        .describe('The same as `GET /api/v1/templates`, without what they open and need'),
      ports: z
        .object({
          most: z.int().describe('What one job may open besides SSH'),
          free: z.int().describe('How many of them cost nothing'),
          price_per_hour: z.string().describe('Token units for each of the others'),
          most_per_wallet: z.int(),
        })
        .describe('Ports of jobs that are reached from outside'),
    }),
    providers: z.object({
      auth_mode: z.enum(['required', 'permissive', 'off']),
      ca_hash: z
        .string()
        .nullable()
        .describe(
          '`sha256:…` of the cluster’s CA, for `provider-agent run --ca-hash`; null until a worker has started',
        ),
      loss_grace_s: z.int().describe('How long a job waits for its absent provider'),
    }),
    features: z
      .array(z.string())
      .describe('Groups of routes that this broker has; `use` where it asks machines what jobs use'),
    broker_keys: brokerKeysReply,
  })
  .meta({ id: 'Site' });

/** By the route that only a broker with the feature has. */
const featureRoutes: Readonly<Record<string, string>> = {
  events: '/api/v1/jobs/:id/events',
  offers: '/api/v1/offers',
  market: '/api/v1/market',
  quotes: '/api/v1/quotes',
  templates: '/api/v1/templates',
  billing: '/api/v1/billing',
  receipts: '/api/v1/receipts',
  ssh_keys: '/api/v1/ssh-keys',
};

/** The groups of routes that a table has. */
export function featuresOf(paths: readonly string[]): string[] {
  return Object.entries(featureRoutes).flatMap(([feature, path]) => (paths.includes(path) ? [feature] : []));
}

export interface SiteFacts {
  config: Config;
  version: string;
  features: string[];
  caHash: string | undefined;
  keys: PublishedKeys;
}

export function siteReplyOf({ config, version, features, caHash, keys }: SiteFacts): z.infer<typeof siteReply> {
  const { defaultImage, images, templates, minDurationS, maxDurationS } = jobPolicyOf(config);
  return {
    name: config.SITE_NAME,
    version,
    audience: config.AUTH_AUDIENCE,
    token: {
      symbol: config.TOKEN_SYMBOL,
      decimals: 18,
      settlement: chainSettings(config) === undefined ? 'ledger' : 'chain',
    },
    auth: {
      chain_ids: [...config.AUTH_CHAIN_IDS],
      session_ttl_s: Math.min(config.AUTH_SESSION_TTL_S, config.AUTH_SESSION_TTL_MAX_S),
      session_ttl_max_s: config.AUTH_SESSION_TTL_MAX_S,
      token_ttl_max_s: config.AUTH_TOKEN_TTL_MAX_S,
      smart_wallets: config.AUTH_SMART_WALLETS,
    },
    jobs: {
      default_image: defaultImage,
      min_duration_s: minDurationS,
      max_duration_s: maxDurationS,
      defaults: {
        cpu_cores: orderDefaults.cpuCores,
        memory_gb: orderDefaults.memoryGb,
        storage_gb: orderDefaults.storageGb,
        duration_hours: orderDefaults.durationHours,
      },
      image_allowlist: [...images.allowlist],
      templates: templates.map(({ id, name, image }) => ({ id, name, image })),
      ports: {
        most: maxPorts,
        free: config.JOB_FREE_PORTS,
        price_per_hour: config.JOB_PORT_PRICE_PER_HOUR,
        most_per_wallet: config.MAX_PORTS_PER_WALLET,
      },
    },
    providers: {
      auth_mode: config.PROVIDER_AUTH_MODE,
      ca_hash: caHash ?? null,
      loss_grace_s: config.PROVIDER_LOSS_GRACE_S,
    },
    features: [...features, ...(config.SSH_PROBE ? ['use'] : [])],
    broker_keys: brokerKeysReplyOf(keys),
  };
}

export function brokerKeysReplyOf({ current, since, introductions }: PublishedKeys): z.infer<typeof brokerKeysReply> {
  return { key: current, since, introductions };
}
