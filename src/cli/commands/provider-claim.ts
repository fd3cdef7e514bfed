import type { Context } from '../context.js';
import { signDelegation, type DelegationFlags } from '../provider-delegation.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [id]: Args, flags: DelegationFlags): Promise<void> {
  const { screen, global } = context;
  const { message, signature, wallet } = await signDelegation(context, id as string, flags);
  const client = await context.client();
  const answer = await client.providers.claim(id as string, { message, signature });
  if (global.json === true) return screen.json(answer ?? null);
  screen.note(`${clean(id as string)} belongs to ${wallet}.`);
}
