import type pg from 'pg';
import { receiptKeysReplyOf, receiptReplyOf } from '../../src/api/schemas/receipt.js';
import { receiptKeys } from '../../src/db/receipt-keys.js';
import { listAnyReceipts } from '../../src/db/receipt-reads.js';
import { missingPython, verifyReceipts } from '../support/receipt-verifier.js';

/** More than any run has jobs. */
const most = 100_000;

/**
 * What is wrong with receipts: by the rows of their jobs, and by the verifier that shares no code with the broker, which
 * looks for every signature, figure and hole.
 */
export async function receiptViolations(
  database: pg.Client,
  rows: (sql: string) => Promise<string[]>,
): Promise<string[]> {
  const unlike = await rows(`
    select j.job_id, j.status, count(r.digest)::int as receipts
      from jobs j left join receipts r on r.job_id = j.job_id and r.revision = 0
     where j.ended_at is not null
     group by 1, 2 having count(r.digest) <> (j.started_at is not null)::integer`);
  const { receipts } = await listAnyReceipts(database, { limit: most });
  if (receipts.length === 0) return unlike;
  const missing = missingPython();
  if (missing !== undefined) return [...unlike, `receipts are not verified: this needs ${missing}`];
  const { keys } = receiptKeysReplyOf(await receiptKeys(database));
  const { code, said } = await verifyReceipts({ receipts: receipts.map(receiptReplyOf), keys });
  return code === 0 ? unlike : [...unlike, ...said.trim().split('\n').slice(0, 20)];
}
