import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../engines/paths.js';

/**
 * The block of commands of a page that contains some text: what an operator copies from there is what runs in a test.
 *
 * @throws Error unless exactly one block has it.
 */
export function documentedCommands(page: string, containing: string): string {
  const lines = readFileSync(join(packageRoot, 'docs', page), 'utf8').split('\n');
  const blocks: string[] = [];
  let open: { indent: number; lines: string[] } | undefined;
  for (const line of lines) {
    if (line.trim() !== '```') open?.lines.push(line.slice(open.indent));
    else if (open === undefined) open = { indent: line.indexOf('`'), lines: [] };
    else {
      blocks.push(open.lines.join('\n'));
      open = undefined;
    }
  }
  const [found, ...others] = blocks.filter((block) => block.includes(containing));
  if (found === undefined || others.length > 0)
    throw new Error(`${page} has ${found === undefined ? 0 : 1 + others.length} blocks with ${containing}`);
  return found;
}

/** The `.env` that docs/deploy.md has an operator write beside docker-compose.yml. */
export const documentedSettingsFile = (): string => documentedCommands('deploy.md', 'BROKER_KUBECONFIG=./');
