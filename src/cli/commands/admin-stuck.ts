import type { StuckItem } from '../../client/admin.js';
import type { Context } from '../context.js';
import { durationText } from '../../words/durations.js';
import { clean } from '../../words/clean.js';

export async function run(context: Context): Promise<void> {
  const { screen, global } = context;
  const items: StuckItem[] = await (await context.client()).admin.stuck();
  if (global.json === true) return screen.json({ items });
  if (global.quiet === true) return items.forEach(({ id }) => screen.print(clean(id)));
  if (items.length === 0) return screen.note('Nothing is stuck.');
  for (const item of items) {
    const tries = item.attempts === undefined ? '' : `, ${item.attempts} tries`;
    const head = `${screen.paint('yellow', '●')} ${clean(item.kind)} ${clean(item.id)}: ${clean(item.state)} for ${durationText(item.age_s)}${tries}`;
    screen.paragraph(head, '  ');
    for (const text of [item.waits_for, item.last_error, item.suggest, item.workflow_url]) {
      if (text !== undefined && text !== null) screen.paragraph(`  ${clean(text)}`, '  ');
    }
  }
}
