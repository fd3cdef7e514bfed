import type { BillingRow } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { printCsv } from '../csv.js';
import { durationText } from '../../words/durations.js';
import { clean } from '../../words/clean.js';
import { depositLines } from '../deposit-lines.js';
import { usedText } from '../../words/limits.js';
import { usedOfCap } from '../limit-warning.js';
import { gpuText } from '../../words/gpu-text.js';
import { shortIds } from '../../words/short-ids.js';
import type { Column } from '../terminal/table.js';
import type { Args } from '../tree/command.js';

interface Flags {
  from?: Date;
  to?: Date;
  by: 'job' | 'day' | 'provider' | 'gpu_type' | 'session';
  csv?: boolean;
}

export async function run(context: Context, _args: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const period = {
    by: flags.by,
    ...(flags.from === undefined ? {} : { from: flags.from }),
    ...(flags.to === undefined ? {} : { to: flags.to }),
  };
  const bill = await client.billing(period);
  if (global.json === true) return screen.json(bill);
  if (flags.csv === true) return printCsv(screen, bill.rows as unknown as Record<string, unknown>[]);
  if (global.quiet === true) return bill.rows.forEach(({ key }) => screen.print(key));
  const money = await context.money();
  const short = flags.by === 'job' ? shortIds(bill.rows.map(({ key }) => key)) : undefined;
  const columns: Column<BillingRow>[] = [
    {
      title: flags.by === 'job' ? 'ID' : flags.by.replace('_', ' ').toUpperCase(),
      of: (row) => short?.get(row.key) ?? row.key,
      isText: true,
    },
    ...(flags.by === 'job'
      ? [
          { title: 'NAME', of: (row: BillingRow) => row.name ?? '–', isText: true },
          { title: 'GPU', of: (row: BillingRow) => gpuText(undefined, row.gpu_type), keep: 2, isText: true },
          { title: 'PROVIDER', of: (row: BillingRow) => row.provider_id ?? '–', keep: 1, isText: true },
        ]
      : []),
    { title: 'TIME', of: (row) => durationText(row.seconds), align: 'right', keep: 3 },
    { title: `RESERVED ${money.symbol}`, of: (row) => money.amount(row.reserved), align: 'right', keep: 4 },
    { title: `SPENT ${money.symbol}`, of: (row) => money.amount(row.spent), align: 'right' },
  ];
  if (bill.rows.length > 0) screen.table(columns, bill.rows);
  const { spent, reserved, refunded = '0' } = bill.total;
  const back = refunded === '0' ? '' : `, ${money.amount(refunded)} of it refunded`;
  screen.paragraph(`${money.sum(spent)} spent${back}, ${money.amount(reserved)} reserved`);
  const { monthly_cap: cap, mode, available } = await client.money.balance();
  if (cap !== null && cap !== undefined) {
    const until = clean(cap.resets_at).slice(0, 10);
    screen.paragraph(`${usedText('the monthly cap', usedOfCap(cap), cap.amount, money)}, until ${until}`);
  }
  if (mode !== 'prepaid') return;
  screen.paragraph(`${money.sum(available)} free of what you deposited:`);
  for (const [name, text] of depositLines(await client.money.deposits(), money, context.time()))
    screen.paragraph(`  ${name.padEnd(12)}${text}`, ' '.repeat(14));
}
