import { z } from 'zod';
import { apiVariables } from './api.js';
import { authVariables } from './auth.js';
import { chainVariables } from './chain.js';
import { authorizerVariables, clusterVariables } from './cluster.js';
import { jobVariables, miningVariables } from './jobs.js';
import { operatorVariables } from './operators.js';
import { processVariables } from './process.js';
import { providerVariables } from './providers.js';
import { receiptVariables } from './receipts.js';
import { postgresVariables, redisVariables, temporalVariables } from './systems.js';

/**
 * The environment. Names that are in use in the field keep their meaning. The comment above a variable says what it is,
 * and what goes wrong with values that are too low or too high: `npm run docs:configuration` generates
 * docs/configuration.md from it.
 */
export const environment = z.object({
  ...processVariables,
  ...apiVariables,
  ...redisVariables,
  ...postgresVariables,
  ...temporalVariables,
  ...clusterVariables,
  ...authorizerVariables,
  ...jobVariables,
  ...miningVariables,
  ...providerVariables,
  ...authVariables,
  ...receiptVariables,
  ...chainVariables,
  ...operatorVariables,
});

export type Environment = z.infer<typeof environment>;

/** The variables by subject, as the page shows them. */
export const subjects: readonly (readonly [title: string, variables: Readonly<Record<string, z.ZodType>>])[] = [
  ['The process', processVariables],
  ['The API and its limits', apiVariables],
  ['Redis', redisVariables],
  ['Postgres', postgresVariables],
  ['Temporal and workers', temporalVariables],
  ['The cluster', clusterVariables],
  ['The authorizer', authorizerVariables],
  ['Jobs', jobVariables],
  ['Mining', miningVariables],
  ['Providers', providerVariables],
  ['Logins', authVariables],
  ['Receipts', receiptVariables],
  ['The chain', chainVariables],
  ['Operators', operatorVariables],
];
