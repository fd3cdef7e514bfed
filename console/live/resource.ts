import { batch, signal, type ReadonlySignal } from '@preact/signals';
import { WorldLandError } from '../../src/client/index.js';

/** Something that is read from the broker again and again. */
export interface ResourceState<T> {
  /** What was read last; it stays when a later reading fails. */
  data: T | undefined;
  /** When that was, by this computer's clock. */
  atMs: number | undefined;
  /** Why the last reading failed; undefined after one that did not. */
  error: WorldLandError | undefined;
  loading: boolean;
  /** When it is read again by itself, by this computer's clock. */
  nextAtMs: number | undefined;
}

export interface ResourceOptions {
  /** How often it is read again; undefined: only when it is asked for. */
  everyMs?: number | undefined;
}

export interface Surroundings {
  nowMs(): number;
  setTimer(call: () => void, afterMs: number): () => void;
  random(): number;
  /** Hears of every failure, such as to notice that a login has ended. */
  failed?(error: WorldLandError): void;
}

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/**
 * Reads again after `everyMs`; after a failure with growing pauses, or when the broker says when. It does nothing while
 * nobody looks (`hold`), and at most one reading is under way.
 */
export class Resource<T> {
  readonly #state;
  #load: (signal: AbortSignal) => Promise<T>;
  #options: ResourceOptions;
  #running: AbortController | undefined;
  #again = false;
  #failures = 0;
  #stopTimer: (() => void) | undefined;
  #isHeld = true;

  constructor(
    load: (signal: AbortSignal) => Promise<T>,
    options: ResourceOptions,
    private readonly around: Surroundings,
  ) {
    this.#load = load;
    this.#options = options;
    this.#state = signal<ResourceState<T>>({
      ...{ data: undefined, atMs: undefined, error: undefined, loading: true, nextAtMs: undefined },
    });
  }

  get state(): ReadonlySignal<ResourceState<T>> {
    return this.#state;
  }

  /** What is to be read from the next reading on, and how often; undefined: as before. */
  update(load: ((signal: AbortSignal) => Promise<T>) | undefined, options: ResourceOptions): void {
    this.#load = load ?? this.#load;
    const isOften = options.everyMs !== this.#options.everyMs;
    this.#options = options;
    if (isOften && !this.#isHeld && this.#running === undefined && this.#failures === 0) this.#plan();
  }

  /** Somebody looks: reads at once if what is there is older than its time. */
  look(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#plan();
  }

  /** Nobody looks. A reading that is under way ends by itself. */
  hold(): void {
    this.#isHeld = true;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** Reads now; if a reading is under way, then once more after it, as it may have begun before what has changed. */
  reload(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    void this.#read();
  }

  /** Shows what is known otherwise, such as the answer to an action. */
  put(data: T): void {
    this.#state.value = { ...this.#state.peek(), data, atMs: this.around.nowMs(), error: undefined };
  }

  stop(): void {
    this.hold();
    this.#running?.abort();
  }

  async #read(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const running = new AbortController();
    this.#running = running;
    this.#set({ loading: true, nextAtMs: undefined });
    try {
      const data = await this.#load(running.signal);
      this.#failures = 0;
      batch(() => this.#set({ data, atMs: this.around.nowMs(), error: undefined, loading: false }));
    } catch (thrown) {
      const error = errorOf(thrown);
      if (!running.signal.aborted) {
        this.#failures += 1;
        this.#set({ error, loading: false });
        this.around.failed?.(error);
      }
    }
    this.#running = undefined;
    if (running.signal.aborted) return;
    if (this.#again) {
      this.#again = false;
      void this.#read();
    } else if (!this.#isHeld) this.#plan();
  }

  #plan(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#running !== undefined) return;
    const { atMs, error } = this.#state.peek();
    const waitMs = error === undefined ? this.#untilOld(atMs) : this.#pauseMs(error);
    if (waitMs === undefined) return;
    if (waitMs <= 0) {
      void this.#read();
      return;
    }
    this.#set({ nextAtMs: this.around.nowMs() + waitMs });
    this.#stopTimer = this.around.setTimer(() => void this.#read(), waitMs);
  }

  /** Undefined: never. */
  #untilOld(atMs: number | undefined): number | undefined {
    if (atMs === undefined) return 0;
    const { everyMs } = this.#options;
    // Where this computer's clock was set back in between, what was read is not newer than now.
    return everyMs === undefined ? undefined : Math.min(everyMs, atMs + everyMs - this.around.nowMs());
  }

  /** What fails for good is not repeated by itself: the next one would say the same. */
  #pauseMs(error: WorldLandError): number | undefined {
    const isForGood = error.status >= 400 && error.status < 500 && error.status !== 429 && error.status !== 408;
    if (isForGood || error.code === 'not_logged_in') return undefined;
    const spread = Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 1));
    return Math.max((error.retryAfterS ?? 0) * 1000, spread * (0.5 + this.around.random() / 2));
  }

  #set(change: Partial<ResourceState<T>>): void {
    this.#state.value = { ...this.#state.peek(), ...change };
  }
}

/** A failure as the pages show it; what is no failure of a request is a fault of the console, and goes to its log. */
export function errorOf(thrown: unknown): WorldLandError {
  if (thrown instanceof WorldLandError) return thrown;
  console.error(thrown);
  return new WorldLandError('internal', 'Something in this page does not work. Reload it.', { cause: thrown });
}
