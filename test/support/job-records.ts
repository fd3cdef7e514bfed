import type pg from 'pg';
import { pino } from 'pino';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { withoutPrices } from '../../src/db/offers.js';
import { receiptSite } from './receipts.js';

/** The database steps of job workflows, at a site without prices of its own. */
export function jobRecords(pool: pg.Pool): ReturnType<typeof createJobRecordActivities> {
  return createJobRecordActivities({
    pool,
    logger: pino({ level: 'silent' }),
    config: {
      ...withoutPrices,
      FEE_BPS: 0,
      ...receiptSite,
      PROVIDER_OUT_WALLETS: 3,
      PROVIDER_OUT_S: 600,
      CLUSTER_NODE_PORTS: 12_768,
    },
  });
}
