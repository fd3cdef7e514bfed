import type { Context } from '../context.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [id]: Args, flags: { wallet?: string }): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const answer = await client.admin.providers.approve(
    id as string,
    flags.wallet === undefined ? {} : { wallet: flags.wallet },
  );
  if (global.json === true) return screen.json(answer ?? null);
  screen.note(`${clean(id as string)} is approved.`);
}
