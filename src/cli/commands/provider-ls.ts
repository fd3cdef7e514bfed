import type { Context } from '../context.js';
import { providerColumns } from '../provider-table.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

const mostProviders = 1_000;

export async function run(context: Context, _args: Args, flags: { all?: boolean }): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const providers =
    flags.all === true ? await client.providers.list({ limit: 100 }).all(mostProviders) : await client.providers.mine();
  if (global.json === true) return screen.json({ providers, count: providers.length });
  if (global.quiet === true) return providers.forEach(({ provider_id }) => screen.print(clean(provider_id)));
  if (providers.length === 0) return screen.note('You have no machines here. On the machine: provider-agent doctor');
  screen.table(providerColumns((await context.money()).symbol, context.time()), providers);
}
