import type { Settlement, SettlementSummary } from '../../src/client/types.generated.js';
import { broker } from '../live/index.js';

const pageSize = 50;

/** The newest settlements, so many of them. */
export async function readSettlements(most: number, signal: AbortSignal): Promise<SettlementSummary[]> {
  const rows: SettlementSummary[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: Math.min(pageSize, most - rows.length), cursor };
    const { body } = await broker().request('GET', '/api/v1/settlements', { query, signal });
    rows.push(...body.settlements);
    cursor = body.next_cursor;
  } while (cursor !== undefined && rows.length < most);
  return rows;
}

/** @param number as it stands in the address of the page, and looks like a number. */
export async function readSettlement(number: string, signal: AbortSignal): Promise<Settlement> {
  const { body } = await broker().request('GET', `/api/v1/settlements/${number}`, { signal });
  return body as Settlement;
}
