import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../broker-version.js';

/**
 * The migrations of this package. The compiler does not copy them, so they are read from the sources in either case:
 * `src/db/migrations` below the folder that holds package.json.
 */
export function migrationsFolder(): string {
  return join(packageFolder(), 'src', 'db', 'migrations');
}

/** Migrations that run one after the other in one transaction, or one that runs outside any. */
interface MigrationGroup {
  isOutside: boolean;
  names: string[];
}

const nameOf = (file: string) => file.replace(/\.sql$/, '');

/** The names of all migrations in a folder, in their order. */
export function migrationNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map(nameOf)
    .sort();
}

/** Groups migrations that are still to run; those in between have to be committed before and after one outside. */
export function groupsOf(folder: string, names: readonly string[]): MigrationGroup[] {
  const groups: MigrationGroup[] = [];
  for (const name of names) {
    const isOutside = isOutsideTransaction(readMigration(folder, name));
    const last = groups.at(-1);
    if (last !== undefined && !isOutside && !last.isOutside) last.names.push(name);
    else groups.push({ isOutside, names: [name] });
  }
  return groups;
}

export function readMigration(folder: string, name: string): string {
  return readFileSync(join(folder, `${name}.sql`), 'utf8');
}

/** Such a migration says so in its first line. */
export const isOutsideTransaction = (text: string): boolean => text.startsWith('-- outside a transaction\n');

/** A migration that older builds cannot live with raises the floor of the schema to its own name. */
export const raisesFloor = (text: string): boolean =>
  statementsOf(text).some((statement) => statement.startsWith('update schema_floor set migration ='));

/** The statements of a migration, without comments; bodies of functions are kept whole. */
export function statementsOf(text: string): string[] {
  const statements: string[] = [];
  // A body between $$, a text in quotes, a comment, or anything else up to the end of a statement.
  const part = /\$\$[^]*?\$\$|'(?:[^']|'')*'|--[^\n]*|;|[^]/g;
  let statement = '';
  for (const [found] of text.matchAll(part)) {
    if (found.startsWith('--')) continue;
    if (found !== ';') {
      statement += found;
      continue;
    }
    statements.push(statement.trim());
    statement = '';
  }
  return [...statements, statement.trim()].filter((each) => each !== '');
}
