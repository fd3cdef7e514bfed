import type { ComponentChildren } from 'preact';

export interface Column<R> {
  key: string;
  head: string;
  cell(row: R): ComponentChildren;
  /** `end` for figures, so that their digits stand below each other. */
  align?: 'start' | 'end';
  /** Where tables are cards: `title` is the card's heading, `hidden` is left out, `actions` is its last line. */
  card?: 'title' | 'hidden' | 'actions';
  /** The name under which it can be sorted; its head becomes a button. */
  sort?: string;
}

interface TableProps<R> {
  /** What the table holds; read out, and shown to nobody. */
  caption: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey(row: R): string;
  /** A class for a row, such as `is-old`. Never a stranger's text. */
  rowClass?(row: R): string | undefined;
  /** `price` or `-price`, as it is sorted now. */
  sorted?: string | undefined;
  onSort?(by: string): void;
  /** Instead of the rows, if there are none. */
  empty?: ComponentChildren;
}

/** Rows to scan. Below 640 pixels each row is a card whose lines have the columns' heads as labels. */
export function Table<R>({ caption, columns, rows, rowKey, rowClass, sorted, onSort, empty }: TableProps<R>) {
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  return (
    <table class="table">
      <caption class="hidden-text">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <Head key={column.key} column={column} sorted={sorted} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)} class={rowClass?.(row)}>
            {columns.map(({ key, head, cell, align = 'start', card = '' }) => (
              <td key={key} class={`${align} ${card === '' ? '' : `card-${card}`}`} data-label={head}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Head<R>({
  column: { head, align = 'start', sort },
  sorted,
  onSort,
}: {
  column: Column<R>;
  sorted: string | undefined;
  onSort: ((by: string) => void) | undefined;
}) {
  if (sort === undefined || onSort === undefined)
    return (
      <th scope="col" class={align}>
        {head === '' ? <span class="hidden-text">Actions</span> : head}
      </th>
    );
  const direction = sorted === sort ? 'ascending' : sorted === `-${sort}` ? 'descending' : undefined;
  return (
    <th scope="col" class={align} aria-sort={direction ?? 'none'}>
      <button type="button" class="sort" onClick={() => onSort(direction === 'ascending' ? `-${sort}` : sort)}>
        {head}
        <span aria-hidden="true">{direction === 'ascending' ? '↑' : direction === 'descending' ? '↓' : ''}</span>
      </button>
    </th>
  );
}
