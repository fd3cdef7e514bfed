import type { Caller } from './caller.js';
import { pagesOf, type Pages } from './pages.js';
import { timeOf } from './time-of.js';
import type { Receipt, ReceiptKeys, Receipts, Statement } from './types.generated.js';
import type { VerifiedReceipts } from './verify-receipts.js';

export type ReceiptKey = ReceiptKeys['keys'][number];

export interface ReceiptQuery {
  /** Issued at this time or later. */
  from?: Date | string;
  /** Issued before. */
  to?: Date | string;
  limit?: number;
}

/** What the broker signed about each settlement. */
export interface ReceiptsApi {
  /** Newest first. */
  list(query?: ReceiptQuery): Pages<Receipt>;
  get(digest: string): Promise<Receipt>;
  /** The last receipt of a job: what it cost after all refunds. */
  ofJob(jobId: string): Promise<Receipt>;
  /** Of the jobs that the wallet's providers earned with, newest first. */
  earned(query?: ReceiptQuery & { providerId?: string }): Pages<Receipt>;
  /** One of these. */
  getEarned(digest: string): Promise<Receipt>;
  /** All keys that ever signed, oldest first. */
  keys(): Promise<ReceiptKey[]>;
  /**
   * Reads all receipts of the wallet and checks them here: signatures, figures, that none is missing, and that the newest
   * is the one which the statement names.
   */
  verify(): Promise<VerifiedReceipts>;
  /** The same with those of `earned`, of which nobody can see here whether one is missing. */
  verifyEarned(query?: ReceiptQuery & { providerId?: string }): Promise<VerifiedReceipts>;
}

const mostAtOnce = 100;

export function createReceipts(caller: Caller): ReceiptsApi {
  const receipts: ReceiptsApi = {
    list: ({ from, to, limit } = {}) =>
      listed(caller, 'GET /api/v1/receipts', { from: timeOf(from), to: timeOf(to), limit }),
    get: (digest) => caller.call('GET /api/v1/receipts/:digest', { params: { digest } }),
    ofJob: (id) => caller.call('GET /api/v1/jobs/:id/receipt', { params: { id } }),
    earned: ({ from, to, limit, providerId } = {}) =>
      listed(caller, 'GET /api/v1/me/earnings/receipts', {
        ...{ from: timeOf(from), to: timeOf(to), limit, provider_id: providerId },
      }),
    getEarned: (digest) => caller.call('GET /api/v1/me/earnings/receipts/:digest', { params: { digest } }),
    keys: async () => (await caller.call<ReceiptKeys>('GET /api/v1/receipts/keys')).keys,
    async verify() {
      // Before the receipts, so that it names none that they do not have yet.
      const month = new Date().toISOString().slice(0, 7);
      const statement = await caller.call<Statement>('GET /api/v1/billing/statements/:month', { params: { month } });
      const all = await receipts.list({ limit: mostAtOnce }).all();
      const [keys, { verifyReceipts }] = [await receipts.keys(), await import('./verify-receipts.js')];
      return verifyReceipts(all, { keys, audience: caller.audience, areAll: true, statement });
    },
    async verifyEarned(query = {}) {
      const all = await receipts.earned({ ...query, limit: mostAtOnce }).all();
      const [keys, { verifyReceipts }] = [await receipts.keys(), await import('./verify-receipts.js')];
      return verifyReceipts(all, { keys, audience: caller.audience, areAll: false });
    },
  };
  return receipts;
}

type Query = Record<string, string | number | undefined>;

function listed(caller: Caller, route: string, query: Query): Pages<Receipt> {
  return pagesOf(async (cursor) => {
    const page = await caller.call<Receipts>(route, { query: { ...query, cursor } });
    return { items: page.receipts, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
  });
}
