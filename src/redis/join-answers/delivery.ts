import type { Redis } from 'ioredis';
import { replyCommands, type ReplyState } from './commands.js';

export type Delivery = 'delivered' | 'nobody' | 'superseded';

interface Waiting {
  stream: string;
  origin: string;
  data: string;
  bsig?: string;
  /** Of a copy, should the stream be lost. */
  ttlS: number;
  deadline: number;
  nextLookAt: number;
  intervalMs: number;
  /** Copies published for groups that had missed the one before. */
  copies: number;
  /** A copy that was read and not acknowledged: which, since when, and how long that is tolerated. */
  unacked?: { copy: string; since: number; patienceMs: number };
  onHeartbeat?: () => void;
  settle: (outcome: Delivery) => void;
}

const firstIntervalMs = 5;
const maxIntervalMs = 250;
/** A provider that makes group after group gets this many copies, then waits for the next registration. */
const maxCopies = 20;
/** An agent acknowledges at once; one that has not by then was a connection with nobody behind it. */
const ackPatienceMs = 2_000;

const pollers = new WeakMap<Redis, ReplyPoller>();

/** Looks after one reply until an agent has it; see `ensureReplyDelivered`. */
export async function deliver(
  redis: Redis,
  reply: Pick<Waiting, 'stream' | 'origin' | 'data' | 'bsig' | 'ttlS'>,
  options: { timeoutMs: number; signal?: AbortSignal; onHeartbeat?: () => void },
): Promise<Delivery> {
  let poller = pollers.get(redis);
  if (poller === undefined) pollers.set(redis, (poller = new ReplyPoller(redis)));
  return await poller.wait(reply, options);
}

/** One loop for all replies that a connection waits for; it runs only while there are any. */
class ReplyPoller {
  readonly #waiting = new Set<Waiting>();
  readonly #commands: ReturnType<typeof replyCommands>;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(redis: Redis) {
    this.#commands = replyCommands(redis);
  }

  async wait(
    reply: Pick<Waiting, 'stream' | 'origin' | 'data' | 'bsig' | 'ttlS'>,
    { timeoutMs, signal, onHeartbeat }: { timeoutMs: number; signal?: AbortSignal; onHeartbeat?: () => void },
  ): Promise<Delivery> {
    // Listeners hear only of what is still to come.
    signal?.throwIfAborted();
    const now = Date.now();
    return await new Promise<Delivery>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', aborted);
      };
      const aborted = () => {
        leave();
        reject(signal!.reason as Error);
      };
      const waiting: Waiting = {
        ...reply,
        deadline: now + timeoutMs,
        nextLookAt: now,
        intervalMs: firstIntervalMs,
        copies: 0,
        ...(onHeartbeat === undefined ? {} : { onHeartbeat }),
        settle: (outcome) => {
          leave();
          resolve(outcome);
        },
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#waiting.add(waiting);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#looking || this.#waiting.size === 0) return;
    clearTimeout(this.#timer);
    let next = Infinity;
    for (const { nextLookAt } of this.#waiting) next = Math.min(next, nextLookAt);
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, next - Date.now()));
  }

  async #look(): Promise<void> {
    this.#looking = true;
    // Who is due within the next moment joins this round trip.
    const horizon = Date.now() + 2;
    const due = [...this.#waiting].filter(({ nextLookAt }) => nextLookAt <= horizon);
    let states: ([ReplyState, string] | undefined)[] = [];
    try {
      states = await this.#commands.look(
        due.map(({ stream, origin, copies }) => ({ stream, origin, mayRepeat: copies < maxCopies })),
      );
      await Promise.all(due.map((waiting, index) => this.#advance(waiting, states[index])));
    } catch {
      // Redis is away; the connection says so. Every reply is looked at again until its time is over.
      for (const waiting of due) waiting.intervalMs = maxIntervalMs;
    }
    const now = Date.now();
    for (const waiting of due) {
      waiting.nextLookAt = now + waiting.intervalMs;
      if (this.#waiting.has(waiting) && now >= waiting.deadline) await this.#giveUp(waiting);
    }
    this.#looking = false;
    this.#schedule();
  }

  async #advance(waiting: Waiting, look: [ReplyState, string] | undefined): Promise<void> {
    if (!this.#waiting.has(waiting)) return;
    waiting.onHeartbeat?.();
    waiting.intervalMs = Math.min(waiting.intervalMs * 1.5, maxIntervalMs);
    if (look === undefined) return;
    const [state, copy] = look;
    const { stream, origin } = waiting;
    if (state === 'superseded') waiting.settle('superseded');
    if (state === 'acked') {
      await this.#commands.clear(stream, origin).catch(() => undefined);
      waiting.settle('delivered');
    }
    if (state === 'lost') {
      const { data, bsig, ttlS } = waiting;
      await this.#commands.publish(stream, { data, ttlS, origin, ...(bsig === undefined ? {} : { bsig }) });
    }
    if (state === 'again') waiting.copies += 1;
    if (state === 'lost' || state === 'again') {
      waiting.intervalMs = firstIntervalMs;
    }
    if (state === 'read') await this.#awaitAck(waiting, copy);
  }

  /** Read and not acknowledged for long: given again, for the agent may have died or lost its connection over it. */
  async #awaitAck(waiting: Waiting, copy: string): Promise<void> {
    const now = Date.now();
    const { unacked } = waiting;
    if (unacked === undefined || unacked.copy !== copy) {
      waiting.unacked = {
        copy,
        since: now,
        patienceMs: unacked === undefined ? ackPatienceMs : unacked.patienceMs * 2,
      };
      waiting.intervalMs = firstIntervalMs;
    } else if (now - unacked.since > unacked.patienceMs) {
      await this.#commands.repeat(waiting.stream, waiting.origin);
    }
  }

  /** What was not taken is taken back: an agent that starts later must not find a join token that is out of date. */
  async #giveUp(waiting: Waiting): Promise<void> {
    await this.#commands.clear(waiting.stream, waiting.origin).catch(() => undefined);
    waiting.settle(waiting.unacked === undefined ? 'nobody' : 'delivered');
  }
}
