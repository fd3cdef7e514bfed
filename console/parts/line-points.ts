export interface Frame {
  width: number;
  height: number;
  min?: number;
  max?: number;
}

const marginPx = 2;

/** The points of a line through values, in as many pieces as there are gaps, and of the areas under them. */
export function linePoints(values: readonly (number | null)[], { width, height, min, max }: Frame) {
  const known = values.filter((value) => value !== null);
  const low = min ?? Math.min(...known);
  const high = max ?? Math.max(...known);
  const inner = height - 2 * marginPx;
  const step = values.length < 2 ? 0 : (width - 2 * marginPx) / (values.length - 1);
  const x = (at: number) => round(marginPx + at * step);
  // A line without ups and downs is in the middle.
  const y = (value: number) => round(marginPx + (high === low ? 0.5 : (high - value) / (high - low)) * inner);
  const pieces: [number, number][][] = [];
  let piece: [number, number][] = [];
  for (const [at, value] of values.entries()) {
    if (value === null) piece = [];
    else {
      if (piece.length === 0) pieces.push(piece);
      piece.push([x(at), y(value)]);
    }
  }
  const text = (points: [number, number][]) => points.map((point) => point.join(',')).join(' ');
  return {
    lines: pieces.map(text),
    areas: pieces
      .filter(({ length }) => length > 1)
      .map((points) => text([[points[0]![0], height], ...points, [points.at(-1)![0], height]])),
    last: pieces.at(-1)?.at(-1),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
