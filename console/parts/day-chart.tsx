import { useState } from 'preact/hooks';
import { labelledDays, type DayBar, type DayBars } from './day-bars.js';
import { Money } from './money.js';
import { dayInWords } from './times.js';

const height = 160;
const slot = 20;

interface DayChartProps extends DayBars {
  /** What the bars are: `Spent`. */
  what: string;
  /** Which days they are, and what counts for which. */
  note: string;
}

/** A bar for each day. What is pointed at is said below; the table has the same for who cannot point. */
export function DayChart({ bars, top, what, note }: DayChartProps) {
  const [pointed, setPointed] = useState<DayBar>();
  const width = bars.length * slot;
  const first = bars[0];
  const last = bars.at(-1);
  if (first === undefined || last === undefined) return null;
  const label = `${what} by day, from ${dayInWords(first.day)} to ${dayInWords(last.day)}. The table has the figures.`;
  return (
    <figure class="days">
      <p class="days-top small soft" aria-hidden="true">
        <Money units={top} />
      </p>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
        onPointerLeave={() => setPointed(undefined)}
      >
        {[0, 0.5].map((part) => (
          <line key={part} class="days-grid" x1={0} x2={width} y1={part * height} y2={part * height} />
        ))}
        {bars.map((bar, at) => (
          <Bar key={bar.day} bar={bar} x={at * slot} isPointed={bar === pointed} onPoint={() => setPointed(bar)} />
        ))}
        <line class="days-base" x1={0} x2={width} y1={height} y2={height} />
      </svg>
      <figcaption>
        <span class="days-labels small soft num" aria-hidden="true">
          {labelledDays(bars.length, 5).map((at) => (
            <span key={at}>{dayInWords(bars[at]!.day)}</span>
          ))}
        </span>
        <span class="days-pointed small">
          {pointed === undefined ? (
            <span class="soft">{note}</span>
          ) : (
            <>
              {dayInWords(pointed.day)}: <Money units={pointed.amount} />
            </>
          )}
        </span>
      </figcaption>
    </figure>
  );
}

interface BarProps {
  bar: DayBar;
  x: number;
  isPointed: boolean;
  onPoint(): void;
}

/** The least that is seen of a day on which there was something. */
const leastPart = 0.015;

function Bar({ bar, x, isPointed, onPoint }: BarProps) {
  const tall = (bar.amount > 0n ? Math.max(leastPart, bar.height) : 0) * height;
  return (
    <g class={isPointed ? 'is-pointed' : undefined} onPointerEnter={onPoint} onPointerDown={onPoint}>
      <rect class="days-reach" x={x} y={0} width={slot} height={height} />
      <rect class="days-bar" x={x + slot * 0.14} y={height - tall} width={slot * 0.72} height={tall} />
    </g>
  );
}
