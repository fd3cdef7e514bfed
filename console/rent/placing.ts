import type { Order } from '../../src/client/shapes.js';

/**
 * The key of an order as long as it stays the same: a second click, a lost answer and a limit that was raised in between
 * all lead to the one job that the first click ordered. Another order gets another key.
 */
export function createOrderKeys(newKey: () => string) {
  let last: { order: string; key: string } | undefined;
  return {
    of(order: Order): string {
      const text = JSON.stringify(order);
      if (last?.order !== text) last = { order: text, key: newKey() };
      return last.key;
    },
    /** After a job was made: the same order once more is meant to be a second job. */
    forget(): void {
      last = undefined;
    },
  };
}

/** Random enough that no two orders ever share one. */
export function newOrderKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Runs one at a time: what is called while it runs gets what runs already. A double click is one call.
 */
export function onlyOnce<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => (running ??= run().finally(() => (running = undefined)));
}
