import { readFile } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * The indexes from which the console imports, and where each name of theirs comes from. A bundler that meets an index
 * has a file wait for all that the index names, so the first page would load what any page takes from there.
 */
const indexes = ['console/live/index.ts', 'console/parts/index.ts', 'src/client/index.ts'];

/** Has every file of the console import each thing from where it is, instead of from an index. */
export async function straightImports(): Promise<Plugin> {
  const origins = new Map<string, Map<string, string>>();
  for (const index of indexes) origins.set(resolve(index), originsIn(index, await readFile(index, 'utf8')));
  return {
    name: 'straight-imports',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\/console\/.*\.tsx?$/ }, async ({ path }) => ({
        contents: withStraightImports(path, await readFile(path, 'utf8'), origins),
        loader: extname(path) === '.tsx' ? 'tsx' : 'ts',
      })),
  };
}

/** From `export { one, type Two } from './three.js'`: the file that has a name, without those of types. */
function originsIn(index: string, text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, names, from] of text.matchAll(/^export \{([^}]*)\} from '(\.[^']*)';/gm)) {
    for (const name of namesIn(names!)) found.set(name, resolve(dirname(index), from!));
  }
  return found;
}

export function withStraightImports(path: string, text: string, origins: Map<string, Map<string, string>>): string {
  return text.replace(/^import \{([^}]*)\} from '(\.[^']*\/index\.js)';/gm, (whole, names: string, from: string) => {
    const known = origins.get(resolve(dirname(path), from.replace(/\.js$/, '.ts')));
    if (known === undefined) return whole;
    return namesIn(names)
      .map((name) => {
        const file = known.get(name.split(' as ')[0]!);
        if (file === undefined) throw new Error(`${path} imports ${name} from ${from}, which does not name it`);
        return `import { ${name} } from './${join(relative(dirname(path), file))}';`;
      })
      .join(' ');
  });
}

function namesIn(list: string): string[] {
  const names = list.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '' && !name.startsWith('type '));
}
