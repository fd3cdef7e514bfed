import { effect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { comebacks } from './reach.js';
import { Resource, type ResourceState } from './resource.js';
import { dropOperator, endsLogin } from './ends.js';
import { isLost, login } from './who.js';

export interface UseResourceOptions {
  /** How often it is read again while the page is visible. Default: only when it is asked for. */
  everyMs?: number | undefined;
  /** When the key changes, what was read under the one before stays until the next is there: for filters. */
  keep?: boolean;
  /** It is read with the operator's client: where that has ended, it is forgotten, not the login of the tab. */
  as?: 'operator';
}

export type Loaded<T> = ResourceState<T> & {
  /** Reads it now. */
  reload(): void;
  /** Shows what an action has answered, until the next reading. */
  put(data: T): void;
};

/** What was read stays for a while after its page is left, so that coming back shows it at once, with its age. */
const known = new Map<string, Held<unknown>>();

interface Held<T> {
  resource: Resource<T>;
  /** How often each of those who show it wants it. */
  users: Set<{ everyMs: number | undefined }>;
}

/** As often as whoever wants it most often. */
function pace<T>({ users }: Held<T>): { everyMs: number | undefined } {
  const wanted = [...users].flatMap(({ everyMs }) => everyMs ?? []);
  return { everyMs: wanted.length === 0 ? undefined : Math.min(...wanted) };
}
const mostKept = 40;

const around = (as: 'operator' | undefined) => ({
  nowMs: () => Date.now(),
  setTimer: (call: () => void, afterMs: number) => {
    const timer = setTimeout(call, afterMs);
    return () => clearTimeout(timer);
  },
  random: Math.random,
  failed: (error: unknown) => {
    if (!endsLogin(error)) return;
    if (as === 'operator') dropOperator();
    else if (login.peek() !== undefined) isLost.value = true;
  },
});

/**
 * Reads something from the broker, and again every `everyMs` while the page is visible. Old data stays when a reading
 * fails (`error` beside `data`), and failures are repeated with growing pauses. Components with the same key share one
 * reading; a key that is undefined reads nothing. What belongs to a wallet has the wallet in its key.
 *
 * ```tsx
 * const market = useResource('market', () => broker().market.now(), { everyMs: 10_000 });
 * if (market.data === undefined) return market.error ? <ErrorNote of={market} /> : <Skeleton lines={4} />;
 * ```
 */
export function useResource<T>(
  key: string | undefined,
  load: (signal: AbortSignal) => Promise<T>,
  options: UseResourceOptions = {},
): Loaded<T> {
  // One for each key: a reading that another component shares must not begin to read what belongs to the next key.
  const latest = useMemo(() => ({ load }), [key]);
  latest.load = load;
  const { everyMs, keep = false, as } = options;
  const before = useRef<T | undefined>(undefined);
  const held = useMemo(() => (key === undefined ? undefined : resourceOf<T>(key, (s) => latest.load(s), as)), [key]);
  useEffect(() => {
    if (held === undefined || key === undefined) return undefined;
    const { resource } = held;
    const user = { everyMs };
    held.users.add(user);
    resource.update((signal) => latest.load(signal), pace(held));
    const follow = () => (document.hidden ? resource.hold() : resource.look());
    follow();
    document.addEventListener('visibilitychange', follow);
    let seen = comebacks.peek();
    const stopWatching = effect(() => {
      if (comebacks.value === seen) return;
      seen = comebacks.value;
      if (resource.state.peek().error !== undefined) resource.reload();
    });
    return () => {
      stopWatching();
      document.removeEventListener('visibilitychange', follow);
      held.users.delete(user);
      if (held.users.size === 0) resource.hold();
      else resource.update(undefined, pace(held));
    };
  }, [held, everyMs]);
  if (held === undefined) return { ...nothing, reload: () => undefined, put: () => undefined };
  const { resource } = held;
  const state = resource.state.value;
  const data = state.data ?? (keep ? before.current : undefined);
  before.current = data;
  return { ...state, data, reload: () => resource.reload(), put: (data) => resource.put(data) };
}

const nothing = { data: undefined, atMs: undefined, error: undefined, loading: false, nextAtMs: undefined };

/**
 * Reads anew what is shown and has a key that begins so, such as after an action or an event: `refresh('jobs')`. What
 * is not shown is forgotten.
 */
export function refresh(prefix: string): void {
  for (const [key, { resource, users }] of known) {
    if (!key.startsWith(prefix)) continue;
    if (users.size > 0) resource.reload();
    else known.delete(key);
  }
}

/** Forgets what was read, when somebody else logs in. */
export function forgetResources(): void {
  for (const [key, { resource, users }] of known) {
    if (users.size === 0) known.delete(key);
    else resource.reload();
  }
}

function resourceOf<T>(key: string, load: (signal: AbortSignal) => Promise<T>, as: 'operator' | undefined): Held<T> {
  const found = known.get(key);
  if (found !== undefined) return found as Held<T>;
  for (const [old, { users }] of known) {
    if (known.size < mostKept) break;
    if (users.size === 0) known.delete(old);
  }
  const made: Held<T> = { resource: new Resource<T>(load, {}, around(as)), users: new Set() };
  known.set(key, made);
  return made;
}
