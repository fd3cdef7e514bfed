import type { Redis } from 'ioredis';
import { replyCommands, type ReplyState } from './commands.js';

export type Delivery = 'delivered' | 'nobody' | 'superseded';

interface Waiting {
  stream: string;
  origin: string;
  data: string;
  bsig?: string;
  /** The arguments of a copy, in case the stream is lost. */
  ttlS: number;
  deadline: number;
  nextCheckAt: number;
  intervalMs: number;
  /** Copies published for groups that missed the previous one. */
  copies: number;
  /** A copy that was read but not acknowledged: its id, since when, and how long that is tolerated. */
  unacked?: { copy: string; since: number; patienceMs: number };
  onHeartbeat?: () => void;
  settle: (outcome: Delivery) => void;
}

const firstIntervalMs = 5;
const maxIntervalMs = 250;
/** A provider that keeps creating groups gets this many copies, then must register again. */
const maxCopies = 20;
/** An agent acknowledges at once. If it has not done so by then, its connection was already dead when it read. */
const ackPatienceMs = 2_000;

const pollers = new WeakMap<Redis, ReplyPoller>();

/** Follows one reply until an agent has it; see `ensureReplyDelivered`. */
export async function awaitDelivery(
  redis: Redis,
  reply: Pick<Waiting, 'stream' | 'origin' | 'data' | 'bsig' | 'ttlS'>,
  options: { timeoutMs: number; signal?: AbortSignal; onHeartbeat?: () => void },
): Promise<Delivery> {
  let poller = pollers.get(redis);
  if (poller === undefined) pollers.set(redis, (poller = new ReplyPoller(redis)));
  return await poller.wait(reply, options);
}

/** One loop for all waiting replies of a connection; it runs only while there are any. */
class ReplyPoller {
  readonly #waiting = new Set<Waiting>();
  readonly #commands: ReturnType<typeof replyCommands>;
  #timer: NodeJS.Timeout | undefined;
  #checking = false;

  constructor(redis: Redis) {
    this.#commands = replyCommands(redis);
  }

  async wait(
    reply: Pick<Waiting, 'stream' | 'origin' | 'data' | 'bsig' | 'ttlS'>,
    { timeoutMs, signal, onHeartbeat }: { timeoutMs: number; signal?: AbortSignal; onHeartbeat?: () => void },
  ): Promise<Delivery> {
    // Listeners are only called for future events.
    signal?.throwIfAborted();
    const now = Date.now();
    return await new Promise<Delivery>((resolve, reject) => {
      const forget = () => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', aborted);
      };
      const aborted = () => {
        forget();
        reject(signal!.reason as Error);
      };
      const waiting: Waiting = {
        ...reply,
        deadline: now + timeoutMs,
        nextCheckAt: now,
        intervalMs: firstIntervalMs,
        copies: 0,
        ...(onHeartbeat === undefined ? {} : { onHeartbeat }),
        settle: (outcome) => {
          forget();
          resolve(outcome);
        },
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#waiting.add(waiting);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#checking || this.#waiting.size === 0) return;
    clearTimeout(this.#timer);
    let next = Infinity;
    for (const { nextCheckAt } of this.#waiting) next = Math.min(next, nextCheckAt);
    this.#timer = setTimeout(() => void this.#check(), Math.max(0, next - Date.now()));
  }

  async #check(): Promise<void> {
    this.#checking = true;
    // Replies due within the next moment share this round trip.
    const horizon = Date.now() + 2;
    const due = [...this.#waiting].filter(({ nextCheckAt }) => nextCheckAt <= horizon);
    let states: ([ReplyState, string] | undefined)[] = [];
    try {
      states = await this.#commands.check(
        due.map(({ stream, origin, copies }) => ({ stream, origin, mayRepeat: copies < maxCopies })),
      );
      await Promise.all(due.map((waiting, index) => this.#advance(waiting, states[index])));
    } catch {
      // Redis is away, which the connection reports. Keep checking every reply until its time is up.
      for (const waiting of due) waiting.intervalMs = maxIntervalMs;
    }
    const now = Date.now();
    for (const waiting of due) {
      waiting.nextCheckAt = now + waiting.intervalMs;
      if (this.#waiting.has(waiting) && now >= waiting.deadline) await this.#giveUp(waiting);
    }
    this.#checking = false;
    this.#schedule();
  }

  async #advance(waiting: Waiting, checked: [ReplyState, string] | undefined): Promise<void> {
    if (!this.#waiting.has(waiting)) return;
    waiting.onHeartbeat?.();
    waiting.intervalMs = Math.min(waiting.intervalMs * 1.5, maxIntervalMs);
    if (checked === undefined) return;
    const [state, copy] = checked;
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

  /**
   * Republishes a reply that was read but not acknowledged for long: the agent may have died or lost its connection.
   */
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

  /** Withdraws an undelivered reply: an agent that starts later must not find an outdated join token. */
  async #giveUp(waiting: Waiting): Promise<void> {
    await this.#commands.clear(waiting.stream, waiting.origin).catch(() => undefined);
    waiting.settle(waiting.unacked === undefined ? 'nobody' : 'delivered');
  }
}
