interface BarProps {
  /** Between 0 and 1: what is used up. */
  used: number;
  /** What is held back on top of that, hatched. */
  held?: number;
  /** What it shows, in words: `3.70 of 25 WLC spent, 4.00 reserved`. */
  label: string;
  tone?: 'accent' | 'good' | 'warn' | 'bad';
}

/** A bar with a hatched part. */
export function Bar({ used, held = 0, label, tone = 'accent' }: BarProps) {
  const part = Math.min(1, Math.max(0, used));
  const rest = Math.min(1 - part, Math.max(0, held));
  return (
    <span class={`bar-line tone-${tone}`} role="img" aria-label={label} title={label}>
      <span class="bar-used" style={{ width: `${part * 100}%` }} />
      <span class="bar-held" style={{ width: `${rest * 100}%` }} />
    </span>
  );
}
