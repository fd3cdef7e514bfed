import { linePoints } from './line-points.js';

interface SparklineProps {
  /** Evenly spaced; null: nothing was measured then. */
  values: readonly (number | null)[];
  /** What it shows, in words: `free for 30 days, between 3 and 16`. */
  label: string;
  /** Default: the smallest and largest of the values. */
  min?: number;
  max?: number;
  width?: number;
  height?: number;
}

/** A line as high as its text, for a trend and not for figures. */
export function Sparkline({ values, label, min, max, width = 120, height = 28 }: SparklineProps) {
  const { lines, areas, last } = linePoints(values, { width, height, ...range(min, max) });
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {areas.map((points) => (
        <polygon key={points} points={points} />
      ))}
      {lines.map((points) => (
        <polyline key={points} points={points} />
      ))}
      {last !== undefined && <path d={`M${last[0]} ${last[1]}h0`} />}
    </svg>
  );
}

const range = (min: number | undefined, max: number | undefined) => ({
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
