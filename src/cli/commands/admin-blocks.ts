import type { Block, BlockKind } from '../../client/admin.js';
import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';
import type { Args } from '../tree/command.js';

/** More than anybody reads; the rest is reached by `--kind`. */
const mostBlocks = 1_000;

export async function run(context: Context, _args: Args, flags: { kind?: BlockKind }): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const { kind } = flags;
  const blocks = await client.admin.blocks.list(kind === undefined ? {} : { kind }).all(mostBlocks);
  if (global.json === true) return screen.json({ blocks, count: blocks.length });
  if (global.quiet === true) return blocks.forEach(({ value }) => screen.print(value));
  if (blocks.length === 0) return screen.note('Nothing is blocked.');
  const until = ({ until: end }: Block) => (end === null ? 'never' : momentText(end, context.time()));
  screen.table(
    [
      { title: 'KIND', of: (block: Block) => block.kind },
      { title: 'VALUE', of: (block) => block.value, isText: true },
      { title: 'ENDS', of: until },
      { title: 'REASON', of: (block) => block.reason, isText: true },
      { title: 'BY', of: (block) => block.blocked_by ?? '–', isText: true, keep: 1 },
    ],
    blocks,
  );
}
