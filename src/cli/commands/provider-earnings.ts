import type { Earnings } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { printCsv } from '../csv.js';
import { durationText, momentText } from '../../words/durations.js';
import { shortIds } from '../../words/short-ids.js';
import type { Args } from '../tree/command.js';

interface Flags {
  from?: Date;
  to?: Date;
  by: 'day' | 'job';
  csv?: boolean;
}

export async function run(context: Context, [id]: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const earnings = await client.providers.earnings(id as string | undefined, {
    by: flags.by,
    ...(flags.from === undefined ? {} : { from: flags.from }),
    ...(flags.to === undefined ? {} : { to: flags.to }),
  });
  if (global.json === true) return screen.json(earnings);
  if (flags.csv === true) return printCsv(screen, earnings.rows);
  if (global.quiet === true) return earnings.rows.forEach(({ key }) => screen.print(key));
  const money = await context.money();
  const short = flags.by === 'job' ? shortIds(earnings.rows.map(({ key }) => key)) : undefined;
  type Row = Earnings['rows'][number];
  if (earnings.rows.length > 0) {
    screen.table(
      [
        { title: flags.by.toUpperCase(), of: (row: Row) => short?.get(row.key) ?? row.key, isText: true },
        { title: 'TIME', of: (row) => durationText(row.seconds), align: 'right', keep: 1 },
        { title: `EARNED ${money.symbol}`, of: (row) => money.amount(row.earned), align: 'right' },
      ],
      earnings.rows,
    );
  }
  const { earned, pending, refunded = '0' } = earnings.total;
  const back = refunded === '0' ? '' : `, ${money.amount(refunded)} of it refunded`;
  screen.paragraph(`${money.sum(earned)} earned${back}, ${money.amount(pending)} still held`);
  const { payable, paid_out: paidOut = '0', unclaimed = '0' } = earnings;
  if (payable !== undefined) screen.print(`${money.sum(payable)} to be paid out, ${money.amount(paidOut)} paid so far`);
  const { in_batch: inBatch = '0', withdrawable = '0', next_batch_at: nextAt } = earnings;
  if (inBatch !== '0') screen.print(`${money.sum(inBatch)} in a settlement that is not executed yet: wl settlements`);
  if (withdrawable !== '0') screen.print(`${money.sum(withdrawable)} yours in the vault: wl earnings withdraw`);
  if (typeof nextAt === 'string') screen.print(`the next settlement is cut ${momentText(nextAt, context.time())}`);
  if (unclaimed !== '0') {
    screen.print(`${money.sum(unclaimed)} wait until your wallet is proven: wl provider authorize`);
  }
}
