import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface CardProps {
  title?: ComponentChildren;
  /** At the end of the title's line: a button, an age. */
  aside?: ComponentChildren;
  /** `flush`: what is inside goes to the border, such as a table. */
  flush?: boolean;
  class?: string;
  children?: ComponentChildren;
}

/** A surface with a subject of its own. With a title it is a region that screen readers list. */
export function Card({ title, aside, flush = false, class: more = '', children }: CardProps) {
  const id = useId();
  const isTitled = title !== undefined;
  return (
    <section class={`card ${flush ? 'flush' : ''} ${more}`} aria-labelledby={isTitled ? id : undefined}>
      {(isTitled || aside !== undefined) && (
        <header class="card-head">
          {isTitled && <h2 id={id}>{title}</h2>}
          {aside !== undefined && <div class="row card-aside">{aside}</div>}
        </header>
      )}
      <div class="card-body">{children}</div>
    </section>
  );
}
