import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Signal } from '../../temporal/signal-once.js';
import { sendSignal } from '../../temporal/signals.js';

/** A stop waits for calls under way. */
const sendWithinMs = 10_000;

/** Finds the workflow and the signal; undefined if no workflow is concerned. May fail, and is retried. */
type FindSignal = () => Promise<Signal | undefined>;

/**
 * Sends observations to workflows, only the newest of each object: while a signal is under way or Temporal is down, a
 * later observation replaces the one that waits. A crash loses nothing: a watcher that starts again compares the whole
 * cluster with the database.
 */
export class OutboundSignals {
  readonly #waiting = new Map<string, FindSignal>();
  readonly #senders = new Map<string, Promise<void>>();
  #stopped = new AbortController();

  constructor(
    private readonly client: Client,
    private readonly logger: Logger,
  ) {}

  /** Queues an observation; `key` names the observed object. */
  send(key: string, signal: Signal | FindSignal): void {
    this.#waiting.set(key, typeof signal === 'function' ? signal : () => Promise.resolve(signal));
    if (!this.#senders.has(key)) this.#senders.set(key, this.#drain(key));
  }

  /** Stops after the calls under way; the next watcher finds again what still waits. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.allSettled(this.#senders.values());
  }

  async #drain(key: string): Promise<void> {
    // In the next turn, so that `send` has registered this sender before it can remove itself. It removes itself in the
    // same step in which it finds nothing left to send: an observation in between would wait for the next one.
    await Promise.resolve();
    let backoffMs = 200;
    for (let next = this.#waiting.get(key); next !== undefined; next = this.#waiting.get(key)) {
      if (this.#stopped.signal.aborted) break;
      try {
        const signal = await next();
        // If the workflow has ended, the reconciler deals with what its objects left behind.
        if (signal !== undefined) await sendSignal(this.client, signal, { withinMs: sendWithinMs });
      } catch (error) {
        this.logger.warn({ err: error, about: key, retryInMs: backoffMs }, 'could not deliver a signal');
        await sleep(backoffMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
        backoffMs = Math.min(backoffMs * 2, 10_000);
        continue;
      }
      if (this.#waiting.get(key) === next) this.#waiting.delete(key);
    }
    this.#senders.delete(key);
  }
}
