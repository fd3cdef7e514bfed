import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';
import { readScopes } from '../scope-words.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, _args: Args, flags: { scopes?: string[]; ttl?: number }): Promise<void> {
  const { screen, global } = context;
  const scopes = flags.scopes === undefined ? undefined : readScopes(flags.scopes);
  const minted = await (
    await context.client()
  ).tokens.create({
    ...(scopes === undefined ? {} : { scopes }),
    ...(flags.ttl === undefined ? {} : { ttlSeconds: flags.ttl }),
  });
  if (global.json === true) return screen.json(minted);
  screen.print(minted.token);
  screen.note(`Shown only once; it ends ${momentText(minted.expires_at, context.time())}: WORLDLAND_TOKEN=… wl ls`);
}
