import { useMemo } from 'preact/hooks';
import { Table, Time, type Column } from '../parts/index.js';
import { historyRows, type HistoryColumns, type HistoryRow } from './history.js';
import { priceText, unknown } from './words.js';

const columns: Column<HistoryRow>[] = [
  { key: 'time', head: 'Time', card: 'title', cell: ({ timeS }) => <Time at={new Date(timeS * 1000).toISOString()} /> },
  { key: 'min', head: 'Lowest', align: 'end', cell: ({ min }) => <span class="num">{priceText(min)}</span> },
  { key: 'median', head: 'Median', align: 'end', cell: ({ median }) => <span class="num">{priceText(median)}</span> },
  { key: 'max', head: 'Highest', align: 'end', cell: ({ max }) => <span class="num">{priceText(max)}</span> },
  {
    ...{ key: 'free', head: 'Free', align: 'end' },
    cell: ({ free, total }) => (
      <span class="num">
        {free ?? unknown} of {total ?? unknown}
      </span>
    ),
  },
];

/** What the chart shows, as figures, the newest first. */
export function HistoryTable({ columns: data }: { columns: HistoryColumns }) {
  const rows = useMemo(() => historyRows(data), [data]);
  return (
    <div class="history-table" tabIndex={0} role="region" aria-label="Figures of the chart">
      <Table
        caption="Price and free GPUs over time, the newest first"
        columns={columns}
        rows={rows}
        rowKey={({ timeS }) => String(timeS)}
      />
    </div>
  );
}
