import { computed, effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { WalletEvent } from '../../src/client/index.js';
import { broker } from './broker.js';
import { reach } from './reach.js';
import { endsLogin, isLost, login, readWhoami } from './session.js';

type Listener = (event: WalletEvent) => void;
const listeners = new Set<Listener>();

/** Whether some tab of this browser follows the events. */
const isFollowed = signal(false);

/** Whether events of the wallet's jobs arrive, in this tab or through another one. */
export const isStreaming = computed(() => isFollowed.value && reach.value === 'there');

/** After which event the stream goes on: of the last one that any tab has seen. */
let lastId: number | undefined;

/**
 * What happens to the wallet's jobs, once each. All tabs of a browser share one stream: the one that holds the lock
 * reads it and tells the others.
 *
 * @returns ends it.
 */
export function onJobEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** `onJobEvent` for as long as a component is shown. */
export function useJobEvents(listener: Listener): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => onJobEvent((event) => latest.current(event)), []);
}

/** Follows the events of whoever is logged in, from the start of the console on. */
export function startEvents(): void {
  let stop: (() => void) | undefined;
  let followed: string | undefined;
  effect(() => {
    const wallet = isLost.value ? undefined : login.value?.wallet;
    const which = wallet === undefined ? undefined : `${wallet} ${login.value!.sessionId}`;
    if (which === followed) return;
    followed = which;
    stop?.();
    stop = wallet === undefined ? undefined : follow(wallet);
  });
}

function follow(wallet: string): () => void {
  const name = `worldland-events:${broker().api}:${wallet}`;
  const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name);
  const ended = new AbortController();
  const { signal: endedSignal } = ended;
  lastId = undefined;
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const message = data as { event?: WalletEvent; isStreaming?: boolean; lastId?: number; asks?: true } | null;
    if (message?.event !== undefined) tell(message.event);
    if (message?.isStreaming !== undefined) isFollowed.value = message.isStreaming;
    if (message?.lastId !== undefined) lastId ??= message.lastId;
    if (message?.asks === true && isReader) channel?.postMessage({ isStreaming: isFollowed.value, lastId });
  });
  let isReader = false;
  channel?.postMessage({ asks: true });
  const read = async () => {
    isReader = true;
    await readStream(channel, endedSignal);
    isReader = false;
  };
  // Without locks (a page that came over plain http) each tab has a stream of its own.
  const locks = (navigator as { locks?: LockManager }).locks;
  if (locks === undefined) void read();
  else void locks.request(name, { signal: endedSignal }, read).catch(() => undefined);
  return () => {
    ended.abort();
    channel?.close();
    isFollowed.value = false;
  };
}

async function readStream(channel: BroadcastChannel | undefined, ended: AbortSignal): Promise<void> {
  const say = (isOn: boolean) => {
    isFollowed.value = isOn;
    channel?.postMessage({ isStreaming: isOn });
  };
  for (let failed = 0; !ended.aborted; failed++) {
    try {
      say(true);
      const after = lastId === undefined ? {} : { after: lastId };
      for await (const event of broker().events({ ...after, signal: ended })) {
        failed = 0;
        channel?.postMessage({ event });
        tell(event);
      }
    } catch (error) {
      if (ended.aborted) return;
      say(false);
      if (endsLogin(error)) {
        isLost.value = login.peek() !== undefined;
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(60_000, 2_000 * 2 ** failed)));
  }
}

function tell(event: WalletEvent): void {
  if (lastId !== undefined && event.id <= lastId) return;
  lastId = event.id;
  for (const listener of listeners) listener(event);
  // What costs money, and what is left of it, changes with these.
  if (['ordered', 'extended', 'ended'].includes(event.kind)) void readWhoami();
}
