import type { Provider } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';
import { isClientError } from '../error-words.js';
import { priceText } from '../../words/money.js';
import { gpusOf, reasonOf, shownOf, stateOf } from '../provider-table.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [id]: Args): Promise<void> {
  const { screen, global } = context;
  const provider = await found(context, id as string);
  if (global.json === true) return screen.json(provider);
  if (global.quiet === true) return screen.print(provider.provider_id);
  const { symbol } = await context.money();
  for (const line of lines(context, provider, symbol)) screen.paragraph(line, '  ');
}

const isLoginMissing = (code: string) => code === 'not_logged_in';

/** One's own with all that its owner sees; somebody else's as everybody sees it. */
async function found(context: Context, id: string): Promise<Provider> {
  const client = await context.client();
  try {
    const own = (await client.providers.mine()).find(({ provider_id }) => provider_id === id);
    if (own !== undefined) return own;
  } catch (error) {
    if (!isClientError(error) || !(isLoginMissing(error.code) || [401, 403, 404].includes(error.status))) throw error;
  }
  return await client.providers.get(id);
}

function lines(context: Context, provider: Provider, symbol: string): string[] {
  const time = context.time();
  const { glyph, word, style } = stateOf(provider);
  const shown = shownOf(provider);
  const reason = reasonOf(provider);
  const prices = Object.entries(shown.capacity?.gpu_prices_per_hour ?? {}).map(
    ([type, price]) => `${type} ${priceText(price)}`,
  );
  const facts: [string, string | undefined][] = [
    ['owner', shown.wallet_addr],
    ['free', gpusOf(provider)],
    ['prices', prices.length === 0 ? undefined : `${prices.join(', ')} ${symbol} an hour`],
    ['jobs', shown.running_jobs === undefined ? undefined : String(shown.running_jobs)],
    ['heard', shown.last_heartbeat === undefined ? undefined : momentText(shown.last_heartbeat, time)],
    ['key ends', shown.delegation_expires_at === undefined ? undefined : momentText(shown.delegation_expires_at, time)],
    ['drains', shown.drain_until === undefined ? undefined : momentText(shown.drain_until, time)],
    ['agent', shown.agent_version],
  ];
  return [
    `${clean(provider.provider_id)} ${context.screen.paint(style, `${glyph} ${word}`)}${reason === '' ? '' : `: ${clean(reason)}`}`,
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(9)} ${clean(value)}`])),
  ];
}
