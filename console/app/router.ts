import { computed, signal } from '@preact/signals';
import { consoleBase } from '../live/broker.js';

/** What a page gets. */
export interface PageProps {
  /** Of the pattern: `{ id }` of `/jobs/:id`. */
  params: Record<string, string>;
  /** What stands behind the `?`; `setQuery` changes it. */
  query: URLSearchParams;
}

const address = signal(new URL(location.href));

/** The path below `/console`: `/jobs/1f0…`. */
export const path = computed(() => `/${address.value.pathname.slice(consoleBase.pathname.length)}`);
export const query = computed(() => address.value.searchParams);
/** Counts navigations to another page: then the focus goes to its heading. */
export const visits = signal(0);

/** The address of a path below `/console`, such as `/jobs/1f0…?tab=logs`. */
export function href(to: string): string {
  return consoleBase.pathname + to.replace(/^\/+/, '');
}

/** Goes to a path below `/console`. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  const target = new URL(href(to), location.href);
  if (target.href === location.href) return;
  rememberScroll();
  if (replace) history.replaceState(null, '', target);
  else history.pushState(null, '', target);
  arrive(target, 0);
}

/** Changes members of the query, in place: `setQuery({ gpu: 'h100', page: undefined })`. Filters belong there. */
export function setQuery(change: Record<string, string | undefined>): void {
  const target = new URL(location.href);
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined || value === '') target.searchParams.delete(name);
    else target.searchParams.set(name, value);
  }
  history.replaceState(history.state, '', target);
  address.value = target;
}

let scrollTo = 0;

/** How long a page may take to become what it was. */
const settlesWithinMs = 2_000;

/** Called by the shell once the page is drawn. What it reads comes later, and only then can one be where one was. */
export function restoreScroll(): void {
  const target = scrollTo;
  window.scrollTo(0, target);
  if (target === 0) return;
  const touched = new AbortController();
  const ended = AbortSignal.any([touched.signal, AbortSignal.timeout(settlesWithinMs)]);
  const observer = new ResizeObserver(() => window.scrollTo(0, target));
  ended.addEventListener('abort', () => observer.disconnect());
  // Whoever scrolls or goes on meanwhile is not to be pulled back.
  for (const event of ['wheel', 'touchstart', 'keydown', 'pointerdown', 'popstate'])
    addEventListener(event, () => touched.abort(), { signal: ended, passive: true });
  observer.observe(document.body);
}

export function startRouter(): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', ({ state }) => {
    arrive(new URL(location.href), Number((state as { scroll?: unknown } | null)?.scroll ?? 0) || 0);
  });
  // By the time one has gone back, the place on the page that was left can no longer be written down.
  let timer: ReturnType<typeof setTimeout> | undefined;
  addEventListener('scroll', () => {
    clearTimeout(timer);
    timer = setTimeout(rememberScroll, 200);
  });
}

function arrive(target: URL, scroll: number): void {
  const isOther = target.pathname !== address.peek().pathname;
  address.value = target;
  if (!isOther) return;
  scrollTo = scroll;
  visits.value += 1;
}

function rememberScroll(): void {
  history.replaceState({ scroll: window.scrollY }, '');
}
