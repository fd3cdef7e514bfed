import type { Context } from '../context.js';
import { momentText } from '../durations.js';
import type { Args } from '../tree/command.js';

interface Block {
  kind: string;
  value: string;
  reason: string;
  until: string | null;
  blocked_by?: string;
  blocked_at?: string;
}

const mostPages = 20;

export async function run(context: Context, _args: Args, flags: { kind?: string }): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const blocks: Block[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const { body } = await client.request('GET', '/api/v1/admin/blocks', {
      query: { kind: flags.kind, cursor },
      auth: 'signed',
    });
    const { blocks: found, next_cursor: next } = body as { blocks: Block[]; next_cursor?: string };
    blocks.push(...found);
    if (next === undefined) break;
    cursor = next;
  }
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
