import { resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { requireNothingLeftOut, withoutLazyParts } from '../viem-parts.js';
import { hashed, type Files } from './files.js';

/** What is loaded when somebody asks for it, and shares code with what every login loads. */
const sources = ['src/client/verify-receipts.ts', 'console/settlements/check-settlement.ts'];

/**
 * Builds some parts as files of their own, with all that they need. Sharing it would split what a login loads into more
 * files, which every login would pay for, and few people ever load these parts.
 *
 * @returns the files, and what has the rest of the build load them by `import()`.
 */
export async function builtApart(): Promise<{ files: Files; plugin: Plugin }> {
  const names = new Map<string, string>();
  const files: Files = new Map();
  for (const source of sources) {
    const { outputFiles, metafile } = await build({
      entryPoints: [source],
      plugins: [withoutLazyParts],
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      metafile: true,
      write: false,
      legalComments: 'none',
    });
    requireNothingLeftOut(metafile);
    const stem = source.replace(/^.*\//, '').replace(/\.ts$/, '');
    const { name, text } = hashed(`assets/${stem}`, '.js', outputFiles[0]!.text);
    files.set(name, text);
    names.set(resolve(source), name.replace(/^assets\//, './'));
  }
  const plugin: Plugin = {
    name: 'built-apart',
    setup: ({ onResolve }) =>
      onResolve({ filter: /\.js$/ }, ({ kind, path, resolveDir }) => {
        const name = names.get(resolve(resolveDir, path.replace(/\.js$/, '.ts')));
        return kind === 'dynamic-import' && name !== undefined ? { path: name, external: true } : undefined;
      }),
  };
  return { files, plugin };
}
