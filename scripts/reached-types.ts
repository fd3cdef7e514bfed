import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/**
 * Removes the declarations that no entry leads to: those describe what is bundled, and some name packages that are not
 * there once it is.
 *
 * @throws Error if an entry leads to a declaration that names such a package.
 */
export function keepReached(folder: string, entries: readonly string[]): void {
  const reached = new Set<string>();
  const visit = (file: string) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, from] of readFileSync(join(folder, file), 'utf8').matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)) {
      if (!from!.startsWith('.')) throw new Error(`the declarations of ${file} need ${from}, which is not published`);
      visit(normalize(join(dirname(file), from!.replace(/\.js$/, '.d.ts'))));
    }
  };
  for (const entry of entries) visit(entry);
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.d.ts') && !reached.has(normalize(file))) rmSync(join(folder, file));
  }
}
