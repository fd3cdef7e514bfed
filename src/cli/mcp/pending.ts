import { randomBytes } from 'node:crypto';

/** How long a question may wait for its answer. */
const validMs = 10 * 60_000;
const most = 100;

/** What was shown with its price and not agreed to yet. */
export interface Pending<T> {
  /** Keeps what was asked, and gives the id that agrees to it. */
  put(asked: T): string;
  /** What an id agrees to; undefined for one that is unknown or too old. It stays, so that a repeat means the same. */
  get(id: string): T | undefined;
}

export function createPending<T>(nowMs: () => number = Date.now): Pending<T> {
  const asked = new Map<string, { at: number; what: T }>();
  return {
    put(what) {
      if (asked.size >= most) asked.delete([...asked.keys()][0]!);
      const id = randomBytes(12).toString('hex');
      asked.set(id, { at: nowMs(), what });
      return id;
    },
    get(id) {
      const found = asked.get(id);
      return found === undefined || nowMs() - found.at > validMs ? undefined : found.what;
    },
  };
}
