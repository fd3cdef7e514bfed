import type { Template } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { clean } from '../../words/clean.js';

/** What can be ordered by a name. */
export async function run(context: Context): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const templates = await client.templates();
  if (global.json === true) return screen.json({ templates });
  if (global.quiet === true) return templates.forEach(({ id }) => screen.print(clean(id)));
  if (templates.length === 0) return screen.note('this site has no templates');
  screen.table<Template>(
    [
      { title: 'ID', of: ({ id }) => clean(id) },
      { title: 'PORTS', of: ({ ports }) => ports.map(({ port }) => port).join(' ') },
      { title: 'NEEDS', of: needsText },
      { title: 'WHAT', of: ({ description }) => clean(description), isText: true },
    ],
    templates,
  );
  screen.note(`Rent one: wl up 4090 --template ${clean(templates[0]!.id)}`);
}

function needsText({ needs: { min_vram_gb: vram, min_cuda: cuda } }: Template): string {
  const parts = [vram === undefined ? '' : `${vram} GB`, cuda === undefined ? '' : `CUDA ${clean(cuda)}`];
  return parts.filter((part) => part !== '').join(', ');
}
