import type { Context } from '../context.js';
import { momentText } from '../durations.js';
import { usage } from '../failure.js';
import { isScope, scopes as allScopes, type Scope } from '../../wire/scopes.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, _args: Args, flags: { scopes?: string[]; ttl?: number }): Promise<void> {
  const { screen, global } = context;
  const unknown = flags.scopes?.find((scope) => !isScope(scope));
  if (unknown !== undefined) throw usage(`--scopes: there is no "${unknown}"`, `there are ${allScopes.join(', ')}`);
  const minted = await (
    await context.client()
  ).tokens.create({
    ...(flags.scopes === undefined ? {} : { scopes: flags.scopes as Scope[] }),
    ...(flags.ttl === undefined ? {} : { ttlSeconds: flags.ttl }),
  });
  if (global.json === true) return screen.json(minted);
  screen.print(minted.token);
  screen.note(`Shown only once; it ends ${momentText(minted.expires_at, context.time())}: WORLDLAND_TOKEN=… wl ls`);
}
