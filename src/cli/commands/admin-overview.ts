import type { Context } from '../context.js';
import { amountText } from '../../words/money.js';
import { clean } from '../../words/clean.js';

export async function run(context: Context): Promise<void> {
  const { screen, global } = context;
  const overview = await (await context.client()).admin.overview();
  if (global.json === true) return screen.json(overview);
  const { decimals } = await context.money();
  for (const [name, value] of Object.entries(overview)) {
    screen.paragraph(`${clean(name).replaceAll('_', ' ').padEnd(14)} ${textOf(value, decimals)}`, ' '.repeat(15));
  }
}

/** Whatever the broker tells, in one line: a newer one may tell more. */
function textOf(value: unknown, decimals: number): string {
  if (Array.isArray(value)) return value.map((each) => textOf(each, decimals)).join('; ');
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, each]) => `${clean(name).replaceAll('_', ' ')} ${textOf(each, decimals)}`)
      .join(', ');
  }
  if (typeof value === 'string') return /^\d{12,}$/.test(value) ? amountText(value, decimals) : clean(value);
  return String(value);
}
