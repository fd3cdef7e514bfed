import type { Caller, Input } from './caller.js';
import { isCode } from './errors.js';
import { newIdempotencyKey } from './idempotency-key.js';
import { pagesOf, type Pages } from './pages.js';
import { timeOf } from './time-of.js';
import type { Balance, Deposits, MonthlyCap, Statement, WalletEntry, Withdrawal } from './types.generated.js';

/** What the wallet has, owes and was charged, from the broker's ledger. Amounts are base units. */
export interface MoneyApi {
  balance(): Promise<Balance>;
  /** What it has in the vault of a site with a chain, and what is on its way there. */
  deposits(): Promise<Deposits>;
  /**
   * Lets the vault draw more, by a signature that a settlement carries there. Needs a login with the scope
   * `billing:write`.
   *
   * @param cumulativeCap what all draws since the beginning may come to; base units.
   * @param signature of the wallet over `SpendPermit` (EIP-712), in units of the token.
   */
  raiseCap(cumulativeCap: bigint | string, signature: string): Promise<void>;
  /**
   * Has free money held for the wallet, which sends `call` itself before `deadline`. Hold the reply against what was
   * asked for before anything is sent. Needs a login with the scope `billing:write`.
   *
   * @param amount base units.
   */
  withdraw(amount: bigint | string, options?: { idempotencyKey?: string }): Promise<Withdrawal>;
  /** Every booking, newest first; of the last 31 days unless `from` says otherwise. */
  entries(period?: { from?: Date | string; to?: Date | string }): Pages<WalletEntry>;
  /** @param month such as `2026-11`, in UTC. */
  statement(month: string): Promise<Statement>;
  /**
   * Sets what the wallet may spend in a month. To raise it needs a login with the scope `billing:write`.
   *
   * @param amount base units.
   */
  setMonthlyCap(amount: bigint | string): Promise<MonthlyCap>;
  /** Needs a login with the scope `billing:write`. */
  clearMonthlyCap(): Promise<void>;
}

export function createMoney(caller: Caller): MoneyApi {
  return {
    balance: () => caller.call('GET /api/v1/billing/balance'),
    deposits: () => caller.call('GET /api/v1/billing/deposits'),
    raiseCap: (cap, signature) =>
      caller.call('POST /api/v1/billing/permits', { body: { cumulative_cap: cap.toString(), signature } }),
    withdraw: (amount, { idempotencyKey = newIdempotencyKey() } = {}) =>
      caller.call('POST /api/v1/billing/withdrawals', { body: { amount: amount.toString() }, idempotencyKey }),
    entries: ({ from, to } = {}) =>
      pagesOf(async (cursor) => {
        const query = { from: timeOf(from), to: timeOf(to), cursor };
        const page = await caller.call<{ entries: WalletEntry[]; next_cursor?: string }>(
          'GET /api/v1/billing/entries',
          { query },
        );
        return { items: page.entries, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
      }),
    statement: (month) => caller.call('GET /api/v1/billing/statements/:month', { params: { month } }),
    setMonthlyCap: (amount) =>
      signedIfNeeded(caller, 'PUT /api/v1/billing/monthly-cap', { body: { amount: amount.toString() } }),
    clearMonthlyCap: () => signedIfNeeded(caller, 'DELETE /api/v1/billing/monthly-cap'),
  };
}

/** Lowering a cap is for whoever may spend; to raise it, the request has to be signed by a login with the scope. */
async function signedIfNeeded<T>(caller: Caller, route: string, input: Input = {}): Promise<T> {
  try {
    return await caller.call<T>(route, input);
  } catch (error) {
    if (!isCode(error, 'scope_denied')) throw error;
    return await caller.call<T>(route, { ...input, auth: 'signed' }).catch((again: unknown) => {
      // Nothing is there that signs: what the broker said is the better reason.
      throw isCode(again, 'not_logged_in') ? error : again;
    });
  }
}
