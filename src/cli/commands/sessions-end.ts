import type { Context } from '../context.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';
import { oneId } from './tokens-rm.js';

export async function run(context: Context, [words]: Args): Promise<void> {
  const client = await context.client();
  const ids = (await client.sessions.list()).filter(({ live }) => live).map(({ session_id }) => session_id);
  const own = (await client.restore())?.sessionId;
  for (const word of words as string[]) {
    const id = oneId(word, ids, 'live session', 'wl sessions ls');
    if (id === own) await client.logout();
    else await client.sessions.revoke(id);
    context.screen.note(`${clean(word)} is ended.`);
  }
}
