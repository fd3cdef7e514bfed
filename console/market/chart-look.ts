/** What the chart is given rather than brings with it: its own code is loaded late, and is to be small. */
export interface ChartWords {
  look: Look;
  /** Hears which step the pointer is at; undefined: at none. */
  onPoint(at: number | undefined): void;
  price(value: number): string;
  time(timeS: number, stepS: number): string;
  roomy(low: number | null, high: number | null): [number, number];
}

/** Colours and type of a chart. */
export interface Look {
  line: string;
  edge: string;
  band: string;
  good: string;
  free: string;
  total: string;
  text: string;
  grid: string;
  font: string;
}

/** The colours of the theme as a canvas takes them: what the browser computes for the custom properties. */
export function lookOf(box: HTMLElement): Look {
  const probe = document.createElement('span');
  // A canvas has no forced colours: with one for all, what is painted over a line would hide it.
  probe.style.setProperty('forced-color-adjust', 'none');
  box.append(probe);
  const colour = (value: string) => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const look = {
    line: colour('var(--accent)'),
    edge: colour('color-mix(in srgb, var(--accent) 45%, transparent)'),
    band: colour('color-mix(in srgb, var(--accent) 14%, transparent)'),
    good: colour('var(--good)'),
    free: colour('color-mix(in srgb, var(--good) 30%, transparent)'),
    total: colour('var(--edge)'),
    text: colour('var(--soft)'),
    grid: colour('var(--line)'),
    font: `11px ${getComputedStyle(probe).fontFamily}`,
  };
  probe.remove();
  return look;
}

/** Never so close that a price that hardly moves looks wild. */
export function roomy(low: number | null, high: number | null): [number, number] {
  const [from, to] = [low ?? 0, high ?? 1];
  const room = Math.max((to - from) * 0.15, to * 0.08, 1e-9);
  return [Math.max(0, from - room), to + room];
}

const dayS = 86_400;

/** Clock times, and dates where a day begins or steps are days. */
export function timeText(timeS: number, stepS: number): string {
  const at = new Date(timeS * 1000);
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0;
  return stepS >= dayS || isMidnight
    ? at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    : at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}
