import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../support/random.js';
import type { AskedOfChain, Fault } from '../../support/rpc-proxy.js';

/** Moments of a worker's life at which its death matters most, by what it asks of the chain. */
const moments = {
  'before it signs': { method: 'eth_estimateGas', isAnswered: true },
  'signed, not sent': { method: 'eth_sendRawTransaction', isAnswered: false },
  'sent, not answered': { method: 'eth_sendRawTransaction', isAnswered: true },
  'events read, not booked': { method: 'eth_getLogs', isAnswered: true },
} as const;
export type Moment = keyof typeof moments;

export interface Moments {
  /** How often each came, and was used. */
  used: Partial<Record<Moment, number>>;
  /** Resolves at such a moment, before the worker that it is of goes on; or when none has come for a while. */
  next(): Promise<Moment | undefined>;
  watch(asked: AskedOfChain): Fault | undefined;
}

/** A worker is killed all the same if none comes. */
const withinMs = 8_000;
/** How long an answer is held back for the kill. */
const heldMs = 300;

export function createMoments(random: Random): Moments {
  const used: Moments['used'] = {};
  let wanted: { moment: Moment; come: () => void } | undefined;
  return {
    used,
    async next() {
      const moment = random.pick(Object.keys(moments) as Moment[]);
      const come = new Promise<Moment>((resolve) => (wanted = { moment, come: () => resolve(moment) }));
      const found = await Promise.race([come, sleep(withinMs, undefined)]);
      wanted = undefined;
      return found;
    },
    watch({ method }) {
      if (wanted === undefined || moments[wanted.moment].method !== method) return undefined;
      const { moment, come } = wanted;
      wanted = undefined;
      used[moment] = (used[moment] ?? 0) + 1;
      come();
      if (!moments[moment].isAnswered) return 'no connection';
      // Handing a promise on holds the answer back.
      return { change: (result) => sleep(heldMs, result) };
    },
  };
}
