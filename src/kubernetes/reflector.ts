import { setTimeout as sleep } from 'node:timers/promises';
import { Watch, type KubeConfig, type KubernetesListObject, type KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { pagesOf, type Page } from './pages.js';

/** How long the API server keeps a watch open before it ends it cleanly. */
const watchSeconds = 240;

/** Time limits in milliseconds. */
export interface ReflectorTimes {
  /**
   * Longer than the server's own limit and the bookmarks (about one a minute): longer silence means a dead connection.
   */
  silenceMs: number;
  /** One page of a list. */
  pageMs: number;
  /** How long the watch waits for `onList` before it begins anyway. */
  onListMs: number;
}
const defaultTimes: ReflectorTimes = { silenceMs: 90_000, pageMs: 30_000, onListMs: 30_000 };

export interface ReflectorOptions<T extends KubernetesObject, Seen> {
  kubeConfig: KubeConfig;
  /** The name in logs and readiness. */
  name: string;
  /** The API path to watch, such as `/api/v1/nodes`. */
  path: string;
  query?: Record<string, string>;
  list: (page: Page) => Promise<KubernetesListObject<T>>;
  /** Reduces an object to what `onList` needs: a process should not hold all objects in full. */
  see: (object: T) => Seen;
  /** Called with all objects, at the start and after every gap. */
  onList: (seen: Seen[]) => Promise<void>;
  /** Must not throw: the client swallows errors thrown here. */
  onEvent: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T) => void;
  logger: Logger;
  /** For tests. */
  times?: Partial<ReflectorTimes>;
}

/** Thrown when something did not finish in time. */
class Late extends Error {
  override readonly name = 'Late';
}

/**
 * Follows one kind of object: lists it, watches it with bookmarks from there, and lists again after a gap. The client's
 * own informer stops for good at the first broken connection and uses neither bookmarks nor a time limit, so it cannot
 * tell a quiet cluster from a dead connection.
 */
export class Reflector<T extends KubernetesObject, Seen> {
  readonly #stopped = new AbortController();
  readonly #times: ReflectorTimes;
  #synced = false;
  #running: Promise<void> | undefined;

  constructor(private readonly options: ReflectorOptions<T, Seen>) {
    this.#times = { ...defaultTimes, ...options.times };
  }

  /** True while the listed objects are kept up to date; false before the first list and during a gap. */
  get synced(): boolean {
    return this.#synced;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { logger, name } = this.options;
    let backoffMs = 250;
    while (!this.#stopped.signal.aborted) {
      let isGap = false;
      try {
        const listed = await this.#list();
        let { version } = listed;
        backoffMs = 250;
        // However late it finishes; what happened after a gap does not concern an earlier list.
        void listed.compared.then(
          () => (this.#synced = !isGap),
          () => undefined,
        );
        // A watch that ends cleanly resumes where it was; only a gap needs a new list.
        while (version !== undefined && !this.#stopped.signal.aborted) {
          version = await this.#watch(version, listed.compared);
        }
        isGap = true;
        this.#synced = false;
      } catch (error) {
        isGap = true;
        this.#synced = false;
        if (this.#stopped.signal.aborted) return;
        logger.warn({ err: error, watch: name, retryInMs: backoffMs }, 'the watch of the cluster ended; listing again');
        await sleep(backoffMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
        backoffMs = Math.min(backoffMs * 2, 10_000);
      }
    }
  }

  /** Lists everything; returns the version to watch from, and a promise that resolves when everything was compared. */
  async #list(): Promise<{ version: string | undefined; compared: Promise<void> }> {
    const { list, see, onList, logger, name } = this.options;
    const { pageMs, onListMs } = this.#times;
    const seen: Seen[] = [];
    let version: string | undefined;
    for await (const page of pagesOf((part: Page) => this.#within(pageMs, 'a page of the list', list(part)))) {
      version ??= page.metadata?.resourceVersion;
      seen.push(...page.items.map(see));
    }
    const compared = onList(seen);
    await this.#within(onListMs, 'the comparison of what was listed', compared).catch((error: unknown) => {
      if (!(error instanceof Late)) throw error;
      logger.error({ watch: name, err: error }, 'cannot compare the listed objects yet; watching anyway');
    });
    return { version, compared };
  }

  /** Awaits something that may hang, up to its time limit or the stop. */
  async #within<R>(ms: number, what: string, work: Promise<R>): Promise<R> {
    const given = new AbortController();
    const signal = AbortSignal.any([this.#stopped.signal, given.signal]);
    const late = sleep(ms, undefined, { signal }).then(
      () => {
        throw new Late(`${what} did not come within ${ms} ms`);
      },
      () => {
        throw new Error('stopped');
      },
    );
    late.catch(() => undefined);
    try {
      return await Promise.race([work, late]);
    } finally {
      given.abort();
    }
  }

  /**
   * Watches until the server ends the watch; returns the version to resume from, or undefined when a new list is
   * needed.
   */
  async #watch(fromVersion: string, compared: Promise<void>): Promise<string | undefined> {
    const { silenceMs } = this.#times;
    const { kubeConfig, path, query, onEvent } = this.options;
    let version: string | undefined = fromVersion;
    let heardAt = Date.now();
    let request: AbortController | undefined;
    let isOver = false;
    const stop = () => request?.abort();
    this.#stopped.signal.addEventListener('abort', stop, { once: true });
    let silence: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        silence = setInterval(
          () => {
            if (Date.now() - heardAt > silenceMs) reject(new Error('the watch fell silent'));
          },
          Math.min(5_000, silenceMs),
        );
        // It failed too late to be awaited, so the differences between the list and the database are unknown.
        compared.catch(reject);
        new Watch(kubeConfig)
          .watch(
            path,
            { ...query, resourceVersion: fromVersion, allowWatchBookmarks: true, timeoutSeconds: watchSeconds },
            (type, object: T & { code?: number }) => {
              if (isOver) return;
              heardAt = Date.now();
              if (type === 'ERROR') {
                version = undefined;
                if (object.code === 410) resolve();
                else reject(new Error(`the watch failed with ${object.code ?? 'an error'}`));
                return;
              }
              version = object.metadata?.resourceVersion ?? version;
              if (type !== 'BOOKMARK') onEvent(type as 'ADDED' | 'MODIFIED' | 'DELETED', object);
            },
            (error) => {
              if (error === null || error === undefined || this.#stopped.signal.aborted) resolve();
              else if ((error as { statusCode?: number }).statusCode === 410) {
                version = undefined;
                resolve();
              } else reject(error as Error);
            },
          )
          .then((started) => {
            request = started;
            // The request was aborted before the server accepted it.
            if (isOver || this.#stopped.signal.aborted) started.abort();
          }, reject);
      });
    } finally {
      isOver = true;
      request?.abort();
      clearInterval(silence);
      this.#stopped.signal.removeEventListener('abort', stop);
    }
    return version;
  }
}
