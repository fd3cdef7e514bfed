import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Button, Money } from '../parts/index.js';
import type { Quoted } from './use-quote.js';

/** On narrow screens the summary is far down: its figures stay at the lower edge until it comes into sight. */
export function FiguresBar({ quoted, place }: { quoted: Quoted | undefined; place: RefObject<HTMLElement | null> }) {
  const [isInSight, setInSight] = useState(false);
  useEffect(() => {
    if (place.current === null) return undefined;
    const observer = new IntersectionObserver((entries) => setInSight(entries.at(-1)?.isIntersecting === true));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const cost = quoted?.quote.can_start === true ? quoted.quote.cost : undefined;
  return (
    <div class={`rent-bar${isInSight ? ' is-done' : ''}`}>
      <span>{cost ? <Money units={cost.expected} /> : quoted === undefined ? '' : 'No machine can take this now'}</span>
      <Button size="s" onClick={() => place.current?.scrollIntoView({ block: 'start' })}>
        To the summary
      </Button>
    </div>
  );
}
