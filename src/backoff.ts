/** Waits that double up to a limit, for attempts that fail in a row. */
export class Backoff {
  #failures = 0;

  constructor(private readonly limits: { firstMs: number; maxMs: number }) {}

  /** True until the first failure after a success. */
  get isFirst(): boolean {
    return this.#failures === 0;
  }

  /** How long to wait before the next attempt, in ms; spread a little, so that replicas do not come back in step. */
  next(): number {
    const { firstMs, maxMs } = this.limits;
    const waitMs = Math.min(firstMs * 2 ** this.#failures, maxMs);
    this.#failures = Math.min(this.#failures + 1, 30);
    return waitMs * (0.8 + Math.random() * 0.2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
