import type { AuditRow } from '../../client/admin.js';
import type { Context } from '../context.js';
import { clockText } from '../../words/durations.js';
import type { Args } from '../tree/command.js';

interface Flags {
  actor?: string;
  target?: string;
  action?: string;
}

export async function run(context: Context, _args: Args, { actor, target, action }: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const items = await client.admin
    .audit({
      ...(actor === undefined ? {} : { actor }),
      ...(target === undefined ? {} : { target }),
      ...(action === undefined ? {} : { action }),
    })
    .all(200);
  if (global.json === true) return screen.json({ items });
  if (items.length === 0) return screen.note('Nothing is recorded of that.');
  screen.table(
    [
      { title: 'AT', of: (row: AuditRow) => clockText(row.at, context.time()) },
      { title: 'ACTION', of: (row) => row.action },
      { title: 'TARGET', of: (row) => row.target, isText: true },
      { title: 'BY', of: (row) => row.actor, isText: true, keep: 3 },
      { title: 'FROM', of: (row) => row.ip ?? '–', keep: 1 },
      { title: 'DETAIL', of: (row) => JSON.stringify(row.detail ?? {}), isText: true, keep: 2 },
    ],
    items,
  );
}
