import type { ComponentChildren } from 'preact';

interface StatProps {
  label: ComponentChildren;
  value: ComponentChildren;
  /** Smaller, behind the value: `WLC/h`, `of 29`. */
  unit?: ComponentChildren;
  note?: ComponentChildren;
}

/** One figure that matters. Several stand in `<Stats>`. */
export function Stat({ label, value, unit, note }: StatProps) {
  return (
    <div class="stat">
      <dt>{label}</dt>
      <dd>
        <span class="stat-value">{value}</span>
        {unit !== undefined && <span class="stat-unit"> {unit}</span>}
        {note !== undefined && <span class="stat-note">{note}</span>}
      </dd>
    </div>
  );
}

export function Stats({ children }: { children: ComponentChildren }) {
  return <dl class="stats">{children}</dl>;
}
