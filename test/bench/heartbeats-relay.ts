/** A relay in a separate process, for `heartbeats.ts`, which sends it the database and the streams to begin with. */
import { Client, Connection } from '@temporalio/client';
import { createPool } from '../../src/db/pool.js';
import { createLogger } from '../../src/observability/logger.js';
import { startRelay } from '../../src/roles/relay/relay.js';
import { testConfig } from '../support/config.js';
import { trusting } from '../support/relay.js';

export interface RelayOrder {
  database: string;
  redisDb: number;
}

process.once('message', ({ database, redisDb }: RelayOrder) => {
  const config = testConfig({ POSTGRES_DB: database });
  startRelay({
    config,
    pool: createPool(config),
    // Heartbeats never reach Temporal.
    temporal: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
    logger: createLogger({ LOG_LEVEL: 'warn' }, 'relay'),
    verifier: trusting,
    redisDb,
  });
});
