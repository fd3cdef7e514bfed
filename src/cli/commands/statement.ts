import type { Context } from '../context.js';
import type { Args } from '../tree/command.js';

interface Flags {
  csv?: boolean;
}

export async function run(context: Context, [given]: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const month = (given as string | undefined) ?? new Date().toISOString().slice(0, 7);
  const client = await context.client();
  if (flags.csv === true) {
    const route = `/api/v1/billing/statements/${encodeURIComponent(month)}`;
    const { body } = await client.request('GET', route, { headers: { accept: 'text/csv' } });
    return screen.print(String(body).trimEnd());
  }
  const statement = await client.money.statement(month);
  if (global.json === true) return screen.json(statement);
  const money = await context.money();
  if (global.quiet === true) return screen.print(money.amount(statement.closing));
  const lines = [
    { what: 'at its beginning', amount: statement.opening },
    { what: 'paid', amount: statement.paid },
    {
      what: statement.jobs === 1 ? 'charged for 1 job' : `charged for ${statement.jobs} jobs`,
      amount: negative(statement.charged),
    },
    { what: 'refunded', amount: statement.refunded },
    ...(statement.withdrawn === '0' ? [] : [{ what: 'withdrawn', amount: negative(statement.withdrawn) }]),
    ...(statement.adjusted === '0' ? [] : [{ what: 'corrected', amount: statement.adjusted }]),
    { what: statement.is_final ? 'at its end' : 'so far', amount: statement.closing },
  ];
  screen.table(
    [
      { title: month, of: (line: (typeof lines)[number]) => line.what, isText: true },
      { title: money.symbol, of: (line) => money.amount(line.amount), align: 'right' },
    ],
    lines,
  );
  const owes = statement.closing.startsWith('-') ? ' What is below 0 is owed.' : '';
  screen.paragraph(`${money.sum(statement.reserved)} of it are reserved for jobs that have not ended.${owes}`);
}

const negative = (amount: string) => (amount === '0' ? amount : `-${amount}`);
