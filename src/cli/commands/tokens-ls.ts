import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';
import { shortIds } from '../../words/short-ids.js';

interface Row {
  token_id: string;
  scopes: string[];
  expires_at: string;
  session_id: string;
}

export async function run(context: Context): Promise<void> {
  const { screen, global } = context;
  const sessions = await (await context.client()).sessions.list();
  const tokens: Row[] = sessions.flatMap(({ session_id, tokens: held }) =>
    held.map((token) => ({ ...token, session_id })),
  );
  if (global.json === true) return screen.json({ tokens });
  if (global.quiet === true) return tokens.forEach(({ token_id }) => screen.print(token_id));
  if (tokens.length === 0) return screen.note('No tokens. wl tokens new makes one.');
  const short = shortIds(tokens.map(({ token_id }) => token_id));
  const ofSession = shortIds(sessions.map(({ session_id }) => session_id));
  screen.table(
    [
      { title: 'ID', of: (token: Row) => short.get(token.token_id)! },
      { title: 'SESSION', of: (token) => ofSession.get(token.session_id)!, keep: 1 },
      { title: 'ENDS', of: (token) => momentText(token.expires_at, context.time()) },
      { title: 'MAY', of: (token) => token.scopes.join(' '), isText: true },
    ],
    tokens,
  );
}
