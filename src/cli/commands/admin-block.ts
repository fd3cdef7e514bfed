import type { BlockKind } from '../../client/admin.js';
import type { Context } from '../context.js';
import { usage } from '../failure.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(
  context: Context,
  [kind, value]: Args,
  flags: { reason: string; until?: Date },
): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const block = { reason: flags.reason, ...(flags.until === undefined ? {} : { until: flags.until }) };
  const answer = await client.admin.blocks.put(kindOf(kind as string), value as string, block);
  if (global.json === true) return screen.json(answer ?? null);
  screen.note(`${clean(value as string)} is blocked. What runs goes on: wl admin end JOB --reason …`);
}

export function kindOf(word: string): BlockKind {
  if (word === 'wallet' || word === 'provider' || word === 'image') return word;
  throw usage(`there is no kind "${clean(word)}"`, 'wallet, provider or image');
}
