import { performance } from 'node:perf_hooks';
import { maxLeadMs } from '../wire/message-number.js';

/** Two readings of the broker's time differ by up to this much, even when no clock was set. */
const toleranceMs = 2_000;
/** Keeps numbers this far below the limit, which the broker applies by its own clock. */
const marginMs = 1_000;

/**
 * The time that a key signs with, and the numbers of its messages. Once the broker's time is known, this clock runs on
 * independently, and changes to the machine's clock no longer matter. It stops while the machine sleeps; the next
 * signature is then too old, and the broker answers with its time.
 */
export class SigningClock {
  #known: { brokerMs: number; atMs: number } | undefined;
  /** The last number handed out, and the highest that the broker is known to have accepted. */
  #given = 0;
  #taken = 0;

  /**
   * @param wall this machine's clock, used until the broker's time is known. Unix milliseconds.
   * @param elapsed milliseconds on a monotonic clock.
   */
  constructor(
    private readonly wall: () => number = Date.now,
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  get isSet(): boolean {
    return this.#known !== undefined;
  }

  /** Unix milliseconds. */
  now(): number {
    if (this.#known === undefined) return Math.floor(this.wall());
    return Math.floor(this.#known.brokerMs + this.elapsed() - this.#known.atMs);
  }

  /** How far this machine's clock is ahead. */
  offMs(): number {
    return this.wall() - this.now();
  }

  /** Adopts the broker's time. Numbers made from another time are forgotten unless the broker has accepted them. */
  set(brokerMs: number): void {
    const isKnown = this.#known !== undefined && Math.abs(brokerMs - this.now()) < toleranceMs;
    if (isKnown) return;
    this.#known = { brokerMs, atMs: this.elapsed() };
    this.#given = this.#taken;
  }

  /** A number higher than all earlier ones, across restarts too: Unix milliseconds, or the last number plus one. */
  next(): string {
    const now = this.now();
    // A number out of reach came from a wrong clock. Continuing from it would be rejected for ever.
    const last = [this.#given, this.#taken].find((seq) => this.#isInReach(seq, now)) ?? 0;
    this.#given = Math.max(last + 1, now);
    return String(this.#given);
  }

  /** The broker has accepted a message with this number. */
  took(seq: string): void {
    this.#taken = Math.max(this.#taken, Number(seq));
  }

  /**
   * Continues from a number that the broker named.
   *
   * @returns false when the broker would not accept that number at this moment.
   */
  goOnFrom(next: number): boolean {
    if (!Number.isSafeInteger(next) || !this.#isInReach(next, this.now())) return false;
    this.#given = Math.max(this.#given, next - 1);
    return true;
  }

  #isInReach(seq: number, now: number): boolean {
    return seq <= now + maxLeadMs - marginMs;
  }
}
