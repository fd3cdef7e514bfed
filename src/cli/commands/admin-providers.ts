import type { Context } from '../context.js';
import { providerColumns } from '../provider-table.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, _args: Args, flags: { status?: string }): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const providers = await client.admin.providers
    .list(flags.status === undefined ? {} : { status: flags.status })
    .all(1_000);
  if (global.json === true) return screen.json({ providers, count: providers.length });
  if (global.quiet === true) return providers.forEach(({ provider_id }) => screen.print(clean(provider_id)));
  if (providers.length === 0) return screen.note('No provider is like that.');
  screen.table(providerColumns((await context.money()).symbol, context.time()), providers);
}
