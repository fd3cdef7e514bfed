import type { ComponentChildren } from 'preact';
import type { Tone } from './tone.js';

const glyphs: Record<Tone, string> = { good: '●', busy: '◐', warn: '▲', bad: '✕', off: '○' };

interface StateProps {
  tone: Tone;
  /** Instead of the tone's own: ● ◐ ▲ ✕ ○. */
  glyph?: string;
  children: ComponentChildren;
}

/** A state by glyph, word and colour: `<State tone="good">running</State>`. */
export function State({ tone, glyph = glyphs[tone], children }: StateProps) {
  return (
    <span class={`state tone-${tone}`}>
      <span class={`glyph${tone === 'busy' ? ' turns' : ''}`} aria-hidden="true">
        {glyph}
      </span>
      {children}
    </span>
  );
}

/** The same on a ground of its colour, for the head of a page. */
export function Badge(props: StateProps) {
  return (
    <span class={`badge tone-${props.tone}`}>
      <State {...props} />
    </span>
  );
}
