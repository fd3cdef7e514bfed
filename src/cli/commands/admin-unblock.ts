import type { Context } from '../context.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';
import { kindOf } from './admin-block.js';

export async function run(context: Context, [kind, value]: Args): Promise<void> {
  const client = await context.client();
  await client.admin.blocks.remove(kindOf(kind as string), value as string);
  context.screen.note(`${clean(value as string)} is no longer blocked.`);
}
