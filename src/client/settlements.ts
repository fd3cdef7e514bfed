import type { Caller } from './caller.js';
import { pagesOf, type Pages } from './pages.js';
import type { Settlement, SettlementSummary } from './types.generated.js';

/** What goes to the vault for all wallets together. Everybody may read it. */
export interface SettlementsApi {
  /** Newest first. */
  list(query?: { limit?: number }): Pages<SettlementSummary>;
  /** With all its lines, from which anybody works out its hash. */
  get(number: number): Promise<Settlement>;
}

export function createSettlements(caller: Caller): SettlementsApi {
  return {
    list: ({ limit } = {}) =>
      pagesOf(async (cursor) => {
        const page = await caller.call<{ settlements: SettlementSummary[]; next_cursor?: string }>(
          'GET /api/v1/settlements',
          { query: { limit, cursor } },
        );
        return { items: page.settlements, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
      }),
    get: (number) => caller.call('GET /api/v1/settlements/:number', { params: { number: String(number) } }),
  };
}
