import { performance } from 'node:perf_hooks';
import { maxLeadMs } from '../domain/message-number.js';

/** Closer than this the answers of a broker about its time differ by themselves. */
const toleranceMs = 2_000;
/** A number that would be refused by the time it arrives is not given out. */
const marginMs = 1_000;

/**
 * The time by which a key signs, and the numbers of its messages. Once the broker's time is known it runs on by itself:
 * whatever becomes of this machine's clock, nothing is signed with it. Sleep stops it, and what is signed then is too
 * old for the broker, which says so.
 */
export class SigningClock {
  #known: { brokerMs: number; atMs: number } | undefined;
  /** The last number that was given out, and the highest that the broker has surely taken. */
  #given = 0;
  #taken = 0;

  /**
   * @param wall this machine's clock, which counts until the broker's time is known. Unix milliseconds.
   * @param elapsed milliseconds since some moment, by what is never set.
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

  /** Takes over the broker's time. Numbers that another time has made, and that the broker has not taken, are forgotten. */
  set(brokerMs: number): void {
    const isKnown = this.#known !== undefined && Math.abs(brokerMs - this.now()) < toleranceMs;
    if (isKnown) return;
    this.#known = { brokerMs, atMs: this.elapsed() };
    this.#given = this.#taken;
  }

  /** A number higher than all before it, over restarts too: milliseconds since 1970 while they rise. */
  next(): string {
    const now = this.now();
    // One that is out of reach was made, or taken, by a clock that was wrong: it would be refused for ever.
    const last = [this.#given, this.#taken].find((seq) => this.#isInReach(seq, now)) ?? 0;
    this.#given = Math.max(last + 1, now);
    return String(this.#given);
  }

  /** The broker has accepted a message with this number. */
  took(seq: string): void {
    this.#taken = Math.max(this.#taken, Number(seq));
  }

  /**
   * Goes on from a number of the broker's.
   *
   * @returns false when it would not take that itself at this moment.
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
