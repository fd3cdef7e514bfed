import type pg from 'pg';
import { monthRange, statementReplyOf } from '../../src/api/schemas/money.js';
import { receiptKeysReplyOf, receiptReplyOf } from '../../src/api/schemas/receipt.js';
import { receiptKeys } from '../../src/db/receipt-keys.js';
import { listAnyReceipts } from '../../src/db/receipt-reads.js';
import { statementReceipts } from '../../src/db/statement-receipts.js';
import { walletStatement } from '../../src/db/wallet-money.js';
import { missingPython, verifyReceipts } from '../support/receipt-verifier.js';

/** More than any run has jobs. */
const most = 100_000;

/**
 * What is wrong with receipts: by the rows of their jobs, and by the verifier that shares no code with the broker, which
 * looks for every signature, figure and hole, and compares those of each customer with his statements.
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
  const violations = [...unlike];
  for (const customer of new Set(receipts.map(({ receipt }) => receipt.customer))) {
    const own = receipts.filter(({ receipt }) => receipt.customer === customer);
    const statements = await statementsOf(database, customer, own);
    // Every job of a run is of a version that writes receipts.
    for (const { month, without_receipt: without } of statements) {
      if (without !== '0')
        violations.push(`the statement of ${customer} for ${month} has ${without} without a receipt`);
    }
    const { code, said } = await verifyReceipts({ receipts: own.map(receiptReplyOf), keys, statements });
    if (code !== 0) violations.push(...said.trim().split('\n').slice(0, 20));
  }
  return violations;
}

type Stored = Awaited<ReturnType<typeof listAnyReceipts>>['receipts'][number];

/** Of all months in which the customer has receipts. */
async function statementsOf(database: pg.Client, customer: string, receipts: readonly Stored[]) {
  const months = new Set(receipts.map(({ receipt }) => new Date(receipt.issuedAtMs).toISOString().slice(0, 7)));
  const statements = [];
  for (const month of months) {
    const { from, to } = monthRange(month);
    const of = [database, customer.toLowerCase(), from, to] as const;
    statements.push(
      statementReplyOf(month, { from, to }, await walletStatement(...of), await statementReceipts(...of), Date.now()),
    );
  }
  return statements;
}
