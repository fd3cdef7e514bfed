import uPlot from 'uplot';
import type { ChartWords, Look } from './chart-look.js';
import type { HistoryColumns } from './history.js';

export interface Chart {
  resize(): void;
  destroy(): void;
}

const heights = { price: 210, free: 96 };
const axisWidth = 52;

/**
 * Draws prices, and below them on the same time what is free. uPlot sets styles by script only, which the page's policy
 * lets it do; its style sheet is among those of this page.
 *
 * @param onPoint hears which step the pointer is at; undefined: at none.
 */
export function drawHistory(
  box: HTMLElement,
  columns: HistoryColumns,
  { look, onPoint, price, time, roomy }: ChartWords,
): Chart {
  const width = () => Math.max(200, box.clientWidth);
  const shared = (height: number): Pick<uPlot.Options, 'width' | 'height' | 'legend' | 'cursor' | 'padding'> => ({
    ...{ width: width(), height, legend: { show: false }, padding: [8, 22, 0, 0] },
    cursor: {
      ...{ y: false, drag: { x: false, y: false }, sync: { key: 'market-history' } },
      points: { size: 7, width: 2 },
    },
  });
  const plots = [
    new uPlot(
      {
        ...shared(heights.price),
        series: [{}, ...priceSeries(look)],
        bands: [{ series: [3, 1], fill: look.band }],
        scales: { y: { range: (_, low, high) => roomy(low, high) } },
        axes: [timeAxis(look), valueAxis(look, price)],
        hooks: { setCursor: [({ cursor: { idx } }) => onPoint(idx ?? undefined)] },
      },
      [columns.times, columns.min, columns.median, columns.max],
      box,
    ),
    new uPlot(
      {
        ...shared(heights.free),
        series: [{}, ...freeSeries(look)],
        scales: { y: { range: (_, __, high) => [0, Math.max(1, high) * 1.08] } },
        axes: [timeAxis(look, time), { ...valueAxis(look, String), incrs: wholeSteps, space: 26 }],
      },
      [columns.times, columns.total, columns.free],
      box,
    ),
  ];
  return {
    resize: () =>
      plots.forEach((plot, at) => plot.setSize({ width: width(), height: at === 0 ? heights.price : heights.free })),
    destroy: () => plots.forEach((plot) => plot.destroy()),
  };
}

const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

function priceSeries({ line, edge }: Look): uPlot.Series[] {
  const thin = { stroke: edge, width: 1, points: { show: false } };
  return [thin, { stroke: line, width: 2 }, thin];
}

function freeSeries({ free, total, good }: Look): uPlot.Series[] {
  const paths = uPlot.paths.stepped!({ align: 1 });
  return [
    { stroke: total, width: 1, dash: [3, 3], paths, points: { show: false } },
    { stroke: good, width: 1, fill: free, paths, points: { show: false } },
  ];
}

function valueAxis({ text, grid, font }: Look, say: (value: number) => string): uPlot.Axis {
  return {
    ...{ stroke: text, font, size: axisWidth, gap: 6, space: 36 },
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => say(value)),
  };
}

/** Without words for its times it has lines alone. */
function timeAxis({ text, grid, font }: Look, say?: ChartWords['time']): uPlot.Axis {
  return {
    ...{ stroke: text, font, size: say === undefined ? 6 : 28, gap: 6, space: 76 },
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    values: (_, splits, __, ___, stepS) => splits.map((timeS) => say?.(timeS, stepS) ?? ''),
  };
}
