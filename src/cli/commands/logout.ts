import type { Context } from '../context.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, _args: Args, flags: { everywhere?: boolean }): Promise<void> {
  const client = await context.client();
  const session = await client.restore();
  if (session === undefined) return context.screen.note('Nobody is logged in here.');
  // Forgets the login here, even if the broker cannot be told.
  await client.logout({ everywhere: flags.everywhere === true });
  context.screen.note(flags.everywhere === true ? 'All logins of the wallet are ended.' : 'Logged out.');
}
