import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { visits } from './router.js';
import { siteName } from './site-name.js';

interface PageHeadProps {
  /** The heading, and the title of the tab. */
  title: string;
  /** Instead of the title, where the heading holds more than text: a stranger's name goes through `<Untrusted>`. */
  heading?: ComponentChildren;
  /** A line under it. */
  lead?: ComponentChildren;
  /** Buttons at its end. */
  children?: ComponentChildren;
}

let focused = 0;

/** The one `h1` of a page. After a navigation it gets the focus, so that a screen reader says where one is. */
export function PageHead({ title, heading, lead, children }: PageHeadProps) {
  const line = useRef<HTMLHeadingElement>(null);
  const name = siteName();
  useLayoutEffect(() => {
    document.title = `${title} · ${name}`;
  }, [title, name]);
  // Before the next key: an effect that waits for a frame would take the focus from where somebody has gone meanwhile.
  useLayoutEffect(() => {
    // The heading of a page that was still loading had the focus, and took it along when it went.
    const isLost = visits.value > 0 && document.activeElement === document.body;
    if (visits.value > focused || isLost) line.current?.focus({ preventScroll: true });
    focused = visits.value;
  }, []);
  return (
    <div class="page-head">
      <div class="page-head-words">
        <h1 tabIndex={-1} ref={line}>
          {heading ?? title}
        </h1>
        {lead !== undefined && <p class="soft">{lead}</p>}
      </div>
      {children !== undefined && <div class="row page-head-actions">{children}</div>}
    </div>
  );
}
