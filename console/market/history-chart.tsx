import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { priceFigure, timeInWords } from '../parts/index.js';
import { lookOf, roomy, timeText } from './chart-look.js';
import { chartSentence, type HistoryColumns } from './history.js';
import { useLater, useSeen, useThemeChanges } from './when.js';
import { priceText, unknown } from './words.js';

const loadChart = async () => await import('./price-chart.js');

/** The chart, once its code is there, and above it the figures of the step at which the pointer is. */
export function HistoryChart({ columns }: { columns: HistoryColumns }) {
  const box = useRef<HTMLDivElement>(null);
  const isSeen = useSeen(box);
  const late = useLater(loadChart, isSeen);
  const draw = typeof late === 'object' ? late.drawHistory : undefined;
  const [at, setAt] = useState<number>();
  const theme = useThemeChanges();
  useEffect(() => {
    if (draw === undefined || box.current === null) return undefined;
    const chart = draw(box.current, columns, {
      ...{ look: lookOf(box.current), onPoint: setAt, price: priceFigure, time: timeText, roomy },
    });
    const observer = new ResizeObserver(() => chart.resize());
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [draw, columns.times[0], columns.times.length, columns.min.at(-1), columns.free.at(-1), theme]);
  const sentence = useMemo(() => chartSentence(columns, priceFigure), [columns]);
  return (
    <figure class="history-chart">
      <Reading columns={columns} at={at} />
      <div class="history-plots" ref={box} role="img" aria-label={`Price and free GPUs over time. ${sentence}`}>
        {late === 'missing' && (
          <p class="soft">The chart could not be loaded. “Show as a table” has the same figures.</p>
        )}
      </div>
    </figure>
  );
}

/** The figures of one step; of the last with a sample while the pointer is elsewhere. */
function Reading({ columns, at }: { columns: HistoryColumns; at: number | undefined }) {
  const { times, min, median, max, free, total } = columns;
  const shown = at ?? total.findLastIndex((value) => value !== null);
  const time = times[shown];
  const figure = (name: string, value: string, mark: string) => (
    <span class={`reading-figure ${mark}`}>
      {name} <span class="num">{value}</span>
    </span>
  );
  return (
    <p class="reading small" aria-hidden="true">
      <span class="num reading-time">{time === undefined ? '' : timeInWords(new Date(time * 1000), Date.now())}</span>
      {figure('lowest', priceText(min[shown]), 'mark-edge')}
      {figure('median', priceText(median[shown]), 'mark-line')}
      {figure('highest', priceText(max[shown]), 'mark-edge')}
      {figure('free', `${free[shown] ?? unknown} of ${total[shown] ?? unknown}`, 'mark-free')}
    </p>
  );
}
