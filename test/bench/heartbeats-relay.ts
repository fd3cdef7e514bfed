/** A relay in a separate process, for `heartbeats.ts`, which sends it the database and the streams to begin with. */
import { Client, Connection } from '@temporalio/client';
import { createProviderVerifier } from '../../src/auth/providers/identity.js';
import { createRecover } from '../../src/auth/recover.js';
import { recoverWithViem } from '../../src/auth/recover-signer.js';
import { createPool } from '../../src/db/pool.js';
import { createLogger } from '../../src/observability/logger.js';
import { startRelay } from '../../src/roles/relay/relay.js';
import { testConfig } from '../support/config.js';
import { trusting } from '../support/relay.js';

export interface RelayOrder {
  database: string;
  redisDb: number;
  /** For signed heartbeats: how their signers are recovered. */
  recover?: 'with viem' | 'as on this machine';
}

process.once('message', ({ database, redisDb, recover }: RelayOrder) => {
  const config = testConfig({ POSTGRES_DB: database, PROVIDER_AUTH_MODE: 'required' });
  const pool = createPool(config);
  const signers = createRecover({
    maxWaiting: Infinity,
    ...(recover === 'with viem' ? { recoverSigner: recoverWithViem } : {}),
  });
  startRelay({
    config,
    pool,
    // Heartbeats never reach Temporal.
    temporal: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
    logger: createLogger({ LOG_LEVEL: 'warn' }, 'relay'),
    verifier: recover === undefined ? trusting : createProviderVerifier({ config, pool, recover: signers }),
    redisDb,
  });
});
