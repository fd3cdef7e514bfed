import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { sendSignal, type Signal } from '../../temporal/signals.js';

/** A stop waits for what is under way. */
const sendWithinMs = 10_000;

/** Finds whom to tell, and of what; undefined when the thing is nobody's. May fail, and is tried again. */
type FindSignal = () => Promise<Signal | undefined>;

/**
 * Sends observations to workflows, the newest one only: while a signal is under way or Temporal is away, a later
 * observation of the same thing takes the place of the one that waits. Nothing is lost by a crash: a watcher that
 * starts again compares the whole cluster with the database.
 */
export class OutboundSignals {
  readonly #waiting = new Map<string, FindSignal>();
  readonly #senders = new Map<string, Promise<void>>();
  #stopped = new AbortController();

  constructor(
    private readonly client: Client,
    private readonly logger: Logger,
  ) {}

  /** Queues an observation; `key` names the thing observed. */
  send(key: string, signal: Signal | FindSignal): void {
    this.#waiting.set(key, typeof signal === 'function' ? signal : () => Promise.resolve(signal));
    if (!this.#senders.has(key)) this.#senders.set(key, this.#drain(key));
  }

  /** Stops after what is under way; what still waits is found again by the next watcher. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.allSettled(this.#senders.values());
  }

  async #drain(key: string): Promise<void> {
    // In the next turn: it takes itself out of the senders in the same breath as it finds nothing left to send, or an
    // observation that came in between would lie until the next one; and by then it must stand among them.
    await Promise.resolve();
    let backoffMs = 200;
    for (let next = this.#waiting.get(key); next !== undefined; next = this.#waiting.get(key)) {
      if (this.#stopped.signal.aborted) break;
      try {
        const signal = await next();
        // Where the workflow is over, the reconciler deals with what its objects left behind.
        if (signal !== undefined) await sendSignal(this.client, signal, { withinMs: sendWithinMs });
      } catch (error) {
        this.logger.warn({ err: error, about: key, retryInMs: backoffMs }, 'signal not delivered');
        await sleep(backoffMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
        backoffMs = Math.min(backoffMs * 2, 10_000);
        continue;
      }
      if (this.#waiting.get(key) === next) this.#waiting.delete(key);
    }
    this.#senders.delete(key);
  }
}
