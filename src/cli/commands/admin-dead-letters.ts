import type { DeadLetter } from '../../client/admin.js';
import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, _args: Args, flags: { stream?: string; provider?: string }): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const items = await client.admin
    .deadLetters({
      ...(flags.stream === undefined ? {} : { stream: flags.stream }),
      ...(flags.provider === undefined ? {} : { providerId: flags.provider }),
    })
    .all(200);
  if (global.json === true) return screen.json({ items });
  if (global.quiet === true) return items.forEach(({ id }) => screen.print(id));
  if (items.length === 0) return screen.note('No provider messages have been set aside.');
  screen.table(
    [
      { title: 'AT', of: (item: DeadLetter) => momentText(item.at, context.time()) },
      { title: 'STREAM', of: (item) => item.stream, isText: true, keep: 2 },
      { title: 'PROVIDER', of: (item) => item.provider_id ?? '–', isText: true },
      { title: 'REASON', of: (item) => item.reason, isText: true },
      { title: 'ID', of: (item) => item.id, keep: 1 },
    ],
    items,
  );
}
