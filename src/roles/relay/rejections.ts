import { setMaxListeners } from 'node:events';
import type { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.js';
import { ensureReplyDelivered, publishRejection, type SignReply } from '../../redis/join-answers/join-answers.js';

/** The public agents give up after a minute. */
const deliveryTimeoutMs = 60_000;
/** How many rejections may be in delivery at once. Beyond that, a message becomes a dead letter without an answer. */
const maxUnderway = 500;

/**
 * Tells providers in the background why their message was rejected, so a provider that does not listen blocks nobody.
 * Each provider has one rejection in delivery at a time, so a sender of rubbish gets one answer a minute.
 */
export class Rejections {
  readonly #underway = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(
    private readonly redis: Redis,
    private readonly logger: Logger,
    private readonly sign: SignReply,
  ) {
    // Each delivery adds a listener; without this, Node.js would report the eleventh as a leak.
    setMaxListeners(maxUnderway, this.#stopping.signal);
  }

  tell(providerId: string, message: string, nextSeq?: number): void {
    if (this.#underway.has(providerId) || this.#underway.size >= maxUnderway || this.#stopping.signal.aborted) return;
    const delivery = this.#deliver(providerId, message, nextSeq).finally(() => this.#underway.delete(providerId));
    this.#underway.set(providerId, delivery);
  }

  /** Abandons the rejections still in delivery. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#underway.values());
  }

  async #deliver(providerId: string, message: string, nextSeq?: number): Promise<void> {
    try {
      const entryId = await publishRejection(this.redis, providerId, message, { nextSeq, sign: this.sign });
      if (entryId === undefined) return;
      const options = { timeoutMs: deliveryTimeoutMs, signal: this.#stopping.signal };
      await ensureReplyDelivered(this.redis, providerId, entryId, options);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.logger.warn({ err: error, providerId }, 'could not tell a provider that its message was rejected');
    }
  }
}
