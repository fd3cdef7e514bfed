import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { HeldLog } from './log-lines.js';

/** The end of a log, and whether the box stays there. */
export interface LogEnd {
  box: RefObject<HTMLDivElement | null>;
  isFollowed: boolean;
  /** Lines that have come since somebody scrolled up. */
  missed: number;
  /** To be called when the box was scrolled, by whomever. */
  scrolled(): void;
  pause(): void;
  go(): void;
}

/** Nearer than this, in pixels, somebody is at the end. */
const nearPx = 24;
/** So long a browser goes on with a scrolling that was under way when somebody asked for the end. */
const settlesMs = 500;

/** Scrolls along with what is written until somebody scrolls up, and again once they are at the end. */
export function useEnd(held: HeldLog): LogEnd {
  const box = useRef<HTMLDivElement>(null);
  const [isFollowed, setFollowed] = useState(true);
  const written = held.lineCount + held.dropped;
  const seen = useRef(written);
  const lastTop = useRef(0);
  const wentAtMs = useRef(-settlesMs);
  if (isFollowed) seen.current = written;
  const toEnd = () => {
    const element = box.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(() => {
    if (isFollowed) toEnd();
  });
  return {
    ...{ box, isFollowed, missed: written - seen.current },
    scrolled() {
      const element = box.current;
      if (element === null) return;
      const { scrollTop: top, scrollHeight, clientHeight } = element;
      const isUp = top < lastTop.current;
      lastTop.current = top;
      const isAtEnd = scrollHeight - top - clientHeight <= nearPx;
      // Lines that come in between move the end away: only whoever goes up leaves it.
      if (isAtEnd) setFollowed(true);
      else if (isUp && performance.now() - wentAtMs.current < settlesMs) toEnd();
      else if (isUp) setFollowed(false);
    },
    pause: () => setFollowed(false),
    go() {
      wentAtMs.current = performance.now();
      setFollowed(true);
      toEnd();
    },
  };
}
