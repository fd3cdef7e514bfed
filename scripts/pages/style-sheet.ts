import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { hashed } from './files.js';

/** Style sheets as one, in their order, without comments and spaces, under a name that holds its hash. */
export async function styleSheet(stem: string, files: readonly string[]): Promise<{ name: string; text: string }> {
  const texts = await Promise.all(files.map(async (file) => await readFile(file, 'utf8')));
  const { outputFiles } = await build({
    stdin: { contents: texts.join('\n'), loader: 'css' },
    minify: true,
    write: false,
    // For older browsers `light-dark()` would become custom properties without end; they show one theme instead.
    target: 'chrome123',
    legalComments: 'none',
  });
  return hashed(stem, '.css', outputFiles[0]!.text);
}
