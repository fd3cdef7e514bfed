import { isOutsideTransaction, statementsOf } from '../../src/db/migration-files.js';

/** Tables whose rows are few: a row for each machine or site, and none for each job, booking, event or customer. */
const smallTables = new Set([
  ...['providers', 'installation', 'ledger_checks', 'receipt_keys', 'broker_keys', 'blocks', 'schema_floor'],
]);

/** What must not be done to a table that is in use, each with what to do instead. */
const refused: [RegExp, string][] = [
  [
    /^alter table .*\badd column\b.*\b(check|references|unique|primary key)\b/,
    'adds a column with a constraint, which reads every row: add the constraint by itself, `not valid`',
  ],
  [/^alter table .*\bgenerated always as\b/, 'adds a column that is computed for every row'],
  [
    /^alter table .*\badd column\b.*\bdefault\b[^,]*\(/,
    'adds a column with a computed default, which may write every row',
  ],
  [
    /^alter table .*\badd (constraint \w+ )?(check|foreign key)\b(?!.*\bnot valid\b)/,
    'adds a constraint that reads every row: add it `not valid`',
  ],
  [/^alter table .*\badd (constraint \w+ )?(unique|primary key)\b(?!.*\busing index\b)/, 'builds an index in its lock'],
  [/^alter table .*\bset not null\b/, 'reads every row: add a check `not valid` instead'],
  [/^alter table .*\balter (column )?\w+ (set data )?type\b/, 'writes every row anew'],
  [/^alter table .*\bvalidate constraint\b/, 'reads every row in the lock of the transaction: validate outside it'],
  [/^(update|delete from|truncate)\b/, 'changes rows that stand: let the reconciler do that, some at a time'],
  [/^create (unique )?index\b/, 'builds an index in the lock of the transaction: build it `concurrently`, outside'],
];

/** What runs outside a transaction has to be the same again, and to let others write meanwhile. */
const allowedOutside = [
  /^create (unique )?index concurrently if not exists \w+ on /,
  /^drop index concurrently if exists /,
  /^alter table \w+ validate constraint \w+$/,
];

const tableOf = (statement: string) =>
  /^(?:alter table|update|delete from|truncate|create (?:unique )?index (?:.*? )?on)(?: only| if exists)? (\w+)/.exec(
    statement,
  )?.[1];

const plainStatements = (text: string) => statementsOf(text).map((each) => each.replace(/\s+/g, ' '));

/** The tables that a migration makes. */
export const tablesMadeBy = (text: string): string[] =>
  plainStatements(text).flatMap((each) => /^create table (?:if not exists )?(\w+)/.exec(each)?.[1] ?? []);

/**
 * What a migration does that keeps others waiting for long, in words; empty for one that may be shipped.
 *
 * @param empty tables that have no rows yet when it runs, because they come with the same release.
 */
export function migrationFaults(text: string, empty: readonly string[] = []): string[] {
  const statements = plainStatements(text);
  if (isOutsideTransaction(text)) {
    return statements
      .filter((statement) => !allowedOutside.some((form) => form.test(statement)))
      .map((statement) => `${statement}: may not run outside a transaction`);
  }
  const own = new Set([...empty, ...tablesMadeBy(text)]);
  return statements.flatMap((statement) => {
    const table = tableOf(statement);
    if (table === undefined || own.has(table) || smallTables.has(table)) return [];
    return refused.filter(([form]) => form.test(statement)).map(([, why]) => `${statement}: ${why}`);
  });
}
