import type { Context } from '../context.js';
import { clockText } from '../../words/durations.js';
import { clean } from '../../words/clean.js';
import type { Column } from '../terminal/table.js';
import type { Args } from '../tree/command.js';

const mostRows = 24;

export async function run(context: Context, [id]: Args, flags: { range: '24h' | '7d' | '30d' }): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const usage = await client.providers.usage(id as string, flags.range);
  if (global.json === true) return screen.json(usage);
  const columns = Object.entries(usage).filter((entry): entry is [string, (number | null)[]] =>
    Array.isArray(entry[1]),
  );
  const length = Math.max(0, ...columns.map(([, values]) => values.length));
  if (length === 0) return screen.note('Nothing is known of that time.');
  // As many rows as fit a screen, each the mean of its time.
  const each = Math.ceil(length / mostRows);
  const rows = Array.from({ length: Math.ceil(length / each) }, (_, at) => at * each);
  const fromMs = Date.parse(usage.from);
  const shown: Column<number>[] = [
    { title: 'FROM', of: (at) => clockText(fromMs + at * usage.step_s * 1000, context.time()) },
    ...columns.map(([name, values]): Column<number> => ({
      title: clean(name).toUpperCase().replaceAll('_', ' '),
      of: (at) => meanText(values.slice(at, at + each)),
      align: 'right',
      keep: 1,
    })),
  ];
  screen.table(shown, rows);
}

function meanText(values: readonly (number | null)[]): string {
  const known = values.filter((value): value is number => typeof value === 'number');
  return known.length === 0 ? '–' : (known.reduce((sum, value) => sum + value, 0) / known.length).toFixed(0);
}
