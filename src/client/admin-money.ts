import type { Caller, Input } from './caller.js';
import type { BaseUnits } from './shapes.js';
import { timeOf } from './time-of.js';
import type {
  AdminSettlements,
  BookedByHand,
  DebtWrittenOff,
  Refund,
  ResumedSettlements,
  Revenue,
} from './types.generated.js';

/** Money that moved outside the broker. */
export interface PaidByHand {
  wallet: string;
  amount: BaseUnits;
  /** Where to look it up. */
  reference: string;
  /** A repeat with the same key books nothing again. */
  idempotencyKey: string;
}

/** The platform's books, and what operators write into them. */
export interface AdminMoneyApi {
  revenue(query?: { from?: Date | string; to?: Date | string; by?: 'day' | 'provider' | 'gpu_type' }): Promise<Revenue>;
  /** Gives back a part of what a job cost, as an amount or as time of the job. */
  refund(
    jobId: string,
    refund: ({ amount: BaseUnits } | { seconds: number }) & { reason: string; idempotencyKey: string },
  ): Promise<Refund>;
  /** Books that a provider's wallet was paid. */
  payout(payout: PaidByHand): Promise<BookedByHand>;
  /** Books that a customer has paid. */
  payment(payment: PaidByHand): Promise<BookedByHand>;
  /** Writes off what a wallet owes; one that was frozen may order again. */
  writeOff(debt: { wallet: string; reason: string; idempotencyKey: string }): Promise<DebtWrittenOff>;
  /** The vault as last seen, and what settlements wait for. */
  settlements(): Promise<AdminSettlements>;
  /** Lets settlements go on that were stopped because something was wrong. */
  resumeSettlements(resume: { reason: string; idempotencyKey: string }): Promise<ResumedSettlements>;
}

export function createAdminMoney(caller: Caller): AdminMoneyApi {
  const call = <T>(route: string, input: Input) => caller.call<T>(route, { auth: 'signed', ...input });
  const once = <T>(route: string, idempotencyKey: string, input: Input) =>
    call<T>(route, { ...input, headers: { 'idempotency-key': idempotencyKey } });
  return {
    revenue: ({ from, to, by } = {}) =>
      call('GET /api/v1/admin/revenue', { query: { from: timeOf(from), to: timeOf(to), by } }),
    refund: (id, { idempotencyKey, ...body }) =>
      once('POST /api/v1/admin/jobs/:id/refunds', idempotencyKey, { params: { id }, body }),
    payout: ({ idempotencyKey, ...body }) => once('POST /api/v1/admin/payouts', idempotencyKey, { body }),
    payment: ({ idempotencyKey, ...body }) => once('POST /api/v1/admin/payments', idempotencyKey, { body }),
    writeOff: ({ idempotencyKey, ...body }) => once('POST /api/v1/admin/debts', idempotencyKey, { body }),
    settlements: () => call('GET /api/v1/admin/settlements', {}),
    resumeSettlements: ({ idempotencyKey, ...body }) =>
      once('POST /api/v1/admin/settlements/resume', idempotencyKey, { body }),
  };
}
