import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const quietMs = 400;

/** False until the page has been drawn and stood still: what is nice to have is not read before what is needed. */
export function useIdle(): boolean {
  const [isIdle, setIdle] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIdle(true), quietMs);
    return () => clearTimeout(timer);
  }, []);
  return isIdle;
}

const longQuietMs = 2_500;

/** False until an element has come near to what is seen, or the page has been still for long: then it is ready before. */
export function useSeen(element: RefObject<Element | null>): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (isSeen || element.current === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
      },
      { rootMargin: '400px' },
    );
    observer.observe(element.current);
    const timer = setTimeout(() => setSeen(true), longQuietMs);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [isSeen]);
  return isSeen;
}

/** Counts up whenever the theme changes, of the page or of the system: what is drawn on a canvas is drawn anew then. */
export function useThemeChanges(): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const changed = () => setCount((before) => before + 1);
    const observer = new MutationObserver(changed);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', changed);
    return () => {
      observer.disconnect();
      system.removeEventListener('change', changed);
    };
  }, []);
  return count;
}

/** A value once it has not changed for so long. */
export function useSettled<T>(value: T, afterMs: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return settled;
}

/** Code that is loaded once it is wanted; `missing` where that fails, until it is wanted anew. */
export function useLater<T extends object>(load: () => Promise<T>, isWanted: boolean): T | 'missing' | undefined {
  const [loaded, setLoaded] = useState<T | 'missing'>();
  useEffect(() => {
    if (!isWanted || typeof loaded === 'object') return;
    load().then(setLoaded, (error: unknown) => {
      console.error(error);
      setLoaded('missing');
    });
  }, [isWanted]);
  return loaded;
}
