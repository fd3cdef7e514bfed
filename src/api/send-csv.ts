import type { ApiContext } from './route.js';
import type { BillRange } from './schemas/bill.js';

export function prefersCsv(ctx: ApiContext): boolean {
  ctx.vary('accept');
  return ctx.accepts('application/json', 'text/csv') === 'text/csv';
}

/** Sends a table, as a file with a name. */
export function sendCsv(ctx: ApiContext, text: string, name: string, { from, to }: BillRange): void {
  const day = (time: Date) => time.toISOString().slice(0, 10);
  ctx.set('content-type', 'text/csv; charset=utf-8; header=present');
  ctx.set('content-disposition', `attachment; filename="${name}-${day(from)}-${day(to)}.csv"`);
  ctx.body = text;
}
