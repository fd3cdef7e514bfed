import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { idsMeant } from '../../words/short-ids.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [words]: Args): Promise<void> {
  const client = await context.client();
  const sessions = await client.sessions.list();
  const ids = sessions.flatMap(({ tokens }) => tokens.map(({ token_id }) => token_id));
  for (const word of words as string[]) {
    await client.tokens.revoke(oneId(word, ids, 'token', 'wl tokens ls'));
    context.screen.note(`${clean(word)} is revoked.`);
  }
}

/** The one id that a word means: whole, or its last letters. */
export function oneId(word: string, ids: readonly string[], what: string, list: string): string {
  const meant = idsMeant(word, ids);
  if (meant.length === 1) return meant[0]!;
  if (meant.length === 0) throw new Failure(exitCodes.notFound, `there is no ${what} "${clean(word)}"`, list);
  throw usage(`"${clean(word)}" means ${meant.length} of them`, 'give more letters');
}
