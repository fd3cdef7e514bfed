import { useMemo } from 'preact/hooks';
import type { MarketHistory } from '../../src/client/index.js';
import { HistoryChart } from './history-chart.js';
import { HistoryTable } from './history-table.js';
import { columnsOf } from './history.js';

/** A history as a chart or as a table. Its code comes after the page: what stands above it is seen first. */
export function HistoryView({ history, isTable }: { history: MarketHistory; isTable: boolean }) {
  const columns = useMemo(() => columnsOf(history), [history]);
  if (columns === undefined)
    return <p class="history-none soft">Nothing was sampled yet. The market is sampled every five minutes.</p>;
  return isTable ? <HistoryTable columns={columns} /> : <HistoryChart columns={columns} />;
}
