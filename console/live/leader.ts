/** What a tab needs to know of the others. */
export interface Surroundings {
  locks: Pick<LockManager, 'request'> | undefined;
  nowMs(): number;
  isHidden(): boolean;
  /** Calls again and again; @returns ends it. */
  every(ms: number, call: () => void): () => void;
}

export interface Leading {
  /** Another tab reads, and has said so just now. */
  heard(): void;
  stop(): void;
}

/** The broker sends a sign of life every 15 seconds, and who reads passes it on: this long is silence. */
const silentMs = 75_000;
const looksEveryMs = 15_000;

/**
 * One tab of a browser reads, the others hear of it. It is the one that holds a lock: the browser gives it to the next
 * tab when that one is closed or crashes. A tab that is frozen keeps it and says nothing: a visible one takes it away.
 *
 * @param read reads until the signal ends it. Where it returns by itself, this tab does not read again.
 */
export function leadOnce(
  name: string,
  read: (signal: AbortSignal) => Promise<void>,
  { locks, nowMs, isHidden, every }: Surroundings,
): Leading {
  const ended = new AbortController();
  let attempt: AbortController | undefined;
  let reading: AbortController | undefined;
  let heardAtMs = nowMs();

  const lead = async (steal: boolean): Promise<void> => {
    attempt?.abort();
    const mine = new AbortController();
    attempt = mine;
    const signal = AbortSignal.any([ended.signal, mine.signal]);
    const hold = async () => {
      if (signal.aborted) return;
      reading = mine;
      await read(signal).finally(() => (reading = reading === mine ? undefined : reading));
      if (!signal.aborted) stop();
    };
    try {
      // Without locks (a page that came over plain http) each tab reads for itself.
      if (locks === undefined) await hold();
      else await locks.request(name, steal ? { steal } : { signal }, hold);
    } catch {
      mine.abort();
      // Another tab has taken the lock, while this one was frozen.
      if (attempt === mine && !ended.signal.aborted) void lead(false);
    }
  };
  const stopLooking = every(looksEveryMs, () => {
    if (reading !== undefined) heardAtMs = nowMs();
    else if (!isHidden() && nowMs() - heardAtMs > silentMs) {
      heardAtMs = nowMs();
      void lead(true);
    }
  });
  const stop = () => {
    stopLooking();
    ended.abort();
  };
  void lead(false);
  return { heard: () => void (heardAtMs = nowMs()), stop };
}
