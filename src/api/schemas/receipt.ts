import { z } from 'zod';
import type { ReceiptKey } from '../../db/receipt-keys.js';
import type { ReceiptPage, StoredReceipt } from '../../db/receipt-reads.js';
import { csvOf, type Cell } from '../../domain/csv.js';
import { providerIdSchema } from '../../domain/registration.js';
import { tokensOf } from '../../domain/tokens.js';
import { receiptAsTypedData } from '../../wire/job-receipt.js';
import { address } from '../../wire/shapes.js';
import { time } from './bill.js';
import { pageQuery, queryNumber } from './page.js';

const amount = z.string().regex(/^\d+$/);
const hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`));
const wholeMs = z.int().min(0).describe('Unix milliseconds');

const message = z
  .object({
    audience: z.string(),
    customer: hex(20),
    number: z.int().min(1).describe('Counts the receipts of this customer, without a hole'),
    previous: hex(32).describe('The digest of the receipt before; zero in the first one'),
    jobId: z.string(),
    revision: z.int().min(0).describe('0 is the settlement; each refund adds one, with the corrected totals'),
    orderHash: hex(32),
    providerId: z.string(),
    payee: hex(20).describe('The wallet of the provider; zero while none is proven'),
    resources: z.string().describe('What was rented: JSON with its keys in order'),
    ratePerHour: amount,
    readyAtMs: wholeMs,
    servedUntilMs: wholeMs,
    gaps: z.array(z.object({ fromMs: wholeMs, toMs: wholeMs })),
    billedMs: z.int().min(0),
    reserved: amount,
    charged: amount,
    feeBps: z.int().min(0),
    fee: amount,
    earned: amount,
    outcome: z.string(),
    issuedAtMs: wholeMs,
  })
  .meta({ id: 'ReceiptMessage' });

export const receiptReply = z
  .object({
    typed_data: z.object({
      types: z.record(z.string(), z.array(z.object({ name: z.string(), type: z.string() }))),
      primaryType: z.literal('JobReceipt'),
      domain: z.object({
        name: z.string(),
        version: z.string(),
        chainId: z.int(),
        verifyingContract: z.string(),
      }),
      message,
    }),
    digest: hex(32).describe('What is signed, by EIP-712'),
    signatures: z.array(z.object({ signer: hex(20), signature: hex(65) })),
    status: z.enum(['signed', 'pending']),
  })
  .meta({ id: 'Receipt' });

export const receiptListReply = z
  .object({
    receipts: z.array(receiptReply),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
    batch: z
      .object({ number: z.int().min(1), cut_at: z.iso.datetime() })
      .optional()
      .describe('The settlement that they explain, if one was asked for'),
  })
  .meta({ id: 'Receipts' });

export const receiptKeysReply = z
  .object({
    keys: z.array(
      z.object({
        address: hex(20),
        from: z.iso.datetime(),
        until: z.iso.datetime().optional().describe('Not included; absent for the key that signs now'),
      }),
    ),
  })
  .meta({ id: 'ReceiptKeys' });

const range = {
  from: time.optional().describe('Issued at this time or later; a time, or a day of UTC'),
  to: time.optional().describe('Issued before'),
};

export const receiptsQuery = pageQuery.extend(range);

export const ownersReceiptsQuery = receiptsQuery.extend({
  provider_id: providerIdSchema.optional().describe('Of one of your providers'),
});

const batchNumber = queryNumber(z.number().int().min(1).max(Number.MAX_SAFE_INTEGER));

export const adminReceiptsQuery = pageQuery.extend({
  ...range,
  wallet: address.optional().describe('The customer'),
  payee: address.optional().describe('The wallet of the provider; the zero address: nobody has proven it'),
  job_id: z.uuid().optional(),
  status: z.enum(['signed', 'pending']).optional(),
  batch: batchNumber.optional().describe('What explains this settlement, oldest first; goes with `from` alone'),
});

/** What moved money without a receipt. */
export const unreceiptedQuery = pageQuery.extend({
  batch: batchNumber.describe('Booked by the cut of this settlement'),
});

export const unreceiptedReply = z
  .object({
    bookings: z.array(
      z.object({
        id: z.string(),
        kind: z.enum(['claim', 'payout', 'payment']).describe('claim: earnings that waited got their wallet'),
        wallet: hex(20),
        amount,
        at: z.iso.datetime(),
        reference: z.string().optional().describe('Of what was paid by hand'),
        claimed: z
          .object({
            provider_id: z.string(),
            delegation: z.record(z.string(), z.unknown()).describe('What the wallet signed for the machine'),
            signature: z.string(),
            chain_id: z.int(),
          })
          .optional(),
      }),
    ),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
    batch: z.object({ number: z.int().min(1), cut_at: z.iso.datetime() }),
  })
  .meta({ id: 'UnreceiptedBookings' });

export type AdminReceiptsQuery = z.output<typeof adminReceiptsQuery>;
export type ReceiptListReply = z.infer<typeof receiptListReply>;

export const digestParams = z.object({
  digest: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'must be 0x and 64 hex digits')
    .transform((text) => text.toLowerCase()),
});

const statusOf = ({ signatures }: StoredReceipt) => (signatures.length > 0 ? 'signed' : 'pending');

export function receiptReplyOf(stored: StoredReceipt): z.infer<typeof receiptReply> {
  const { digest, chainId, receipt, signatures } = stored;
  const { types, ...typed } = receiptAsTypedData(receipt, chainId);
  const writable = Object.fromEntries(Object.entries(types).map(([name, fields]) => [name, [...fields]]));
  return { typed_data: { types: writable, ...typed }, digest, signatures, status: statusOf(stored) };
}

export function receiptListReplyOf({ receipts, nextCursor }: ReceiptPage): z.infer<typeof receiptListReply> {
  return {
    receipts: receipts.map(receiptReplyOf),
    count: receipts.length,
    ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }),
  };
}

export function receiptKeysReplyOf(keys: readonly ReceiptKey[]): z.infer<typeof receiptKeysReply> {
  return {
    keys: keys.map(({ address: key, from, until }) => ({
      ...{ address: key, from: from.toISOString() },
      ...(until === undefined ? {} : { until: until.toISOString() }),
    })),
  };
}

const csvHeader = [
  ...['number', 'issued_at', 'job_id', 'revision', 'customer', 'provider_id', 'payee', 'outcome', 'ready_at'],
  ...['served_until', 'billed_seconds', 'rate_per_hour', 'reserved', 'charged', 'fee_bps', 'fee', 'earned'],
  ...['charged_tokens', 'fee_tokens', 'earned_tokens', 'digest', 'status'],
];

/** Receipts as a table. Spreadsheets round base units, so the totals stand there in tokens, too. */
export function csvOfReceipts(receipts: readonly StoredReceipt[]): string {
  const at = (ms: number) => new Date(ms).toISOString();
  const cells = receipts.map((stored): Cell[] => {
    const { receipt } = stored;
    return [
      ...[receipt.number, at(receipt.issuedAtMs), receipt.jobId, receipt.revision, receipt.customer],
      ...[receipt.providerId, receipt.payee, receipt.outcome, at(receipt.readyAtMs), at(receipt.servedUntilMs)],
      ...[receipt.billedMs / 1_000, receipt.ratePerHour, receipt.reserved, receipt.charged, receipt.feeBps],
      ...[receipt.fee, receipt.earned],
      ...[receipt.charged, receipt.fee, receipt.earned].map((units) => tokensOf(units)),
      ...[stored.digest, statusOf(stored)],
    ];
  });
  return csvOf(csvHeader, cells);
}
