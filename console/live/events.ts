import { computed, effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { WalletEvent } from '../../src/client/index.js';
import { pause } from '../../src/client/pause.js';
import { broker } from './broker.js';
import { reach } from './reach.js';
import { endsLogin } from './ends.js';
import { leadOnce } from './leader.js';
import { readWhoami } from './session.js';
import { isLost, login } from './who.js';

type Listener = (event: WalletEvent) => void;
const listeners = new Set<Listener>();

/** Whether some tab of this browser follows the events. */
const isFollowed = signal(false);

/** Whether events of the wallet's jobs arrive, in this tab or through another one. */
export const isStreaming = computed(() => isFollowed.value && reach.value === 'there');

/** After which event the stream goes on: of the last one that any tab has seen. */
let lastId: number | undefined;
let followedWallet: string | undefined;

/**
 * What happens to the wallet's jobs, once each. All tabs of a browser share one stream: one reads it and tells the
 * others.
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
  let isReader = false;
  if (followedWallet !== wallet) lastId = undefined;
  followedWallet = wallet;
  const leading = leadOnce(
    name,
    async (ended) => {
      isReader = true;
      const say = (isOn: boolean) => {
        if (ended.aborted) return;
        isFollowed.value = isOn;
        channel?.postMessage({ isStreaming: isOn });
      };
      const pass = (event: WalletEvent) => {
        channel?.postMessage({ event });
        tell(event);
      };
      await readStream({ say, pass, ended }).finally(() => (isReader = false));
    },
    surroundings(),
  );
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const message = data as { event?: WalletEvent; isStreaming?: boolean; lastId?: number; asks?: true } | null;
    if (message?.event !== undefined) tell(message.event);
    if (message?.isStreaming !== undefined && !isReader) {
      isFollowed.value = message.isStreaming;
      leading.heard();
    }
    if (message?.lastId !== undefined) lastId ??= message.lastId;
    if (message?.asks === true && isReader) channel?.postMessage({ isStreaming: isFollowed.value, lastId });
  });
  channel?.postMessage({ asks: true });
  return () => {
    leading.stop();
    channel?.close();
    isFollowed.value = false;
  };
}

const surroundings = () => ({
  locks: (navigator as { locks?: LockManager }).locks,
  nowMs: () => performance.now(),
  isHidden: () => document.hidden,
  every(ms: number, call: () => void) {
    const timer = setInterval(call, ms);
    return () => clearInterval(timer);
  },
});

interface Reading {
  /** Whether there is a connection; said again for each sign of life. */
  say(isOn: boolean): void;
  pass(event: WalletEvent): void;
  ended: AbortSignal;
}

async function readStream({ say, pass, ended }: Reading): Promise<void> {
  for (let failed = 0; !ended.aborted; failed++) {
    try {
      const after = lastId === undefined ? {} : { after: lastId };
      for await (const event of broker().events({ ...after, signal: ended, onConnection: say })) {
        failed = 0;
        pass(event);
      }
    } catch (error) {
      if (ended.aborted) return;
      say(false);
      if (endsLogin(error)) {
        isLost.value = login.peek() !== undefined;
        return;
      }
    }
    await pause(Math.min(30_000, 2_000 * 2 ** failed), ended).catch(() => undefined);
  }
}

function tell(event: WalletEvent): void {
  if (lastId !== undefined && event.id <= lastId) return;
  lastId = event.id;
  for (const listener of listeners) listener(event);
  // What costs money, and what is left of it, changes with these.
  if (['ordered', 'extended', 'ended'].includes(event.kind)) void readWhoami();
}
