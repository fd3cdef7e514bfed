import uPlot from 'uplot';
import type { HistoryColumns } from './history.js';

export interface Chart {
  resize(): void;
  destroy(): void;
}

const heights = { price: 210, free: 96 };
const axisWidth = 52;
const dayS = 86_400;

/**
 * Draws prices, and below them on the same time what is free. uPlot sets styles by script only, which the page's policy
 * lets it do; its style sheet is among those of this page.
 *
 * @param onPoint hears which step the pointer is at; undefined: at none.
 */
export function drawHistory(
  box: HTMLElement,
  columns: HistoryColumns,
  { onPoint, price }: { onPoint(at: number | undefined): void; price(value: number): string },
): Chart {
  const look = lookOf(box);
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
        axes: [timeAxis(look, false), valueAxis(look, price)],
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
        axes: [timeAxis(look, true), { ...valueAxis(look, String), incrs: wholeSteps, space: 26 }],
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

/** Never so close that a price that hardly moves looks wild. */
function roomy(low: number | null, high: number | null): [number, number] {
  const [from, to] = [low ?? 0, high ?? 1];
  const room = Math.max((to - from) * 0.15, to * 0.08, 1e-9);
  return [Math.max(0, from - room), to + room];
}

interface Look {
  line: string;
  edge: string;
  band: string;
  free: string;
  total: string;
  text: string;
  grid: string;
  font: string;
}

/** The colours of the theme as a canvas takes them: what the browser computes for the custom properties. */
function lookOf(box: HTMLElement): Look {
  const probe = document.createElement('span');
  box.append(probe);
  const colour = (value: string) => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const look = {
    line: colour('var(--accent)'),
    edge: colour('color-mix(in srgb, var(--accent) 45%, transparent)'),
    band: colour('color-mix(in srgb, var(--accent) 14%, transparent)'),
    free: colour('color-mix(in srgb, var(--good) 34%, transparent)'),
    total: colour('var(--edge)'),
    text: colour('var(--soft)'),
    grid: colour('var(--line)'),
    font: `11px ${getComputedStyle(probe).fontFamily}`,
  };
  probe.remove();
  return look;
}

function priceSeries({ line, edge }: Look): uPlot.Series[] {
  const thin = { stroke: edge, width: 1, points: { show: false } };
  return [thin, { stroke: line, width: 2 }, thin];
}

function freeSeries({ free, total, line }: Look): uPlot.Series[] {
  const paths = uPlot.paths.stepped!({ align: 1 });
  return [
    { stroke: total, width: 1, dash: [3, 3], paths, points: { show: false } },
    { stroke: line, width: 1, fill: free, paths, points: { show: false } },
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

function timeAxis({ text, grid, font }: Look, isLabelled: boolean): uPlot.Axis {
  return {
    ...{ stroke: text, font, size: isLabelled ? 28 : 6, gap: 6, space: 76 },
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    values: (_, splits, __, ___, stepS) => splits.map((timeS) => (isLabelled ? timeText(timeS, stepS) : '')),
  };
}

/** Clock times, and dates where a day begins or steps are days. */
function timeText(timeS: number, stepS: number): string {
  const at = new Date(timeS * 1000);
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0;
  return stepS >= dayS || isMidnight
    ? at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    : at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}
