import type { ListedSession } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';
import { shortIds } from '../../words/short-ids.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, _args: Args, flags: { all?: boolean }): Promise<void> {
  const { screen, global } = context;
  const every = await (await context.client()).sessions.list();
  const sessions = flags.all === true ? every : every.filter(({ live }) => live);
  if (global.json === true) return screen.json({ sessions });
  if (global.quiet === true) return sessions.forEach(({ session_id }) => screen.print(session_id));
  const money = await context.money();
  const short = shortIds(every.map(({ session_id }) => session_id));
  const time = context.time();
  screen.table(
    [
      { title: '', of: (session: ListedSession) => (session.current ? '●' : session.live ? '○' : '✗') },
      { title: 'ID', of: (session) => short.get(session.session_id)! },
      { title: 'LABEL', of: (session) => session.label ?? '–', isText: true, keep: 5 },
      { title: 'ENDS', of: (session) => momentText(session.revoked_at ?? session.expires_at, time) },
      { title: 'USED', of: (s) => (s.last_used_at === undefined ? '–' : momentText(s.last_used_at, time)), keep: 1 },
      { title: `LIMIT ${money.symbol}`, of: (session) => money.amount(session.spend_limit), align: 'right', keep: 4 },
      { title: 'SPENT', of: (session) => money.amount(session.spend_spent), align: 'right', keep: 3 },
      { title: 'MAY', of: (session) => session.scopes.join(' '), isText: true, keep: 2 },
    ],
    sessions,
  );
}
