import { setTimeout as sleep } from 'node:timers/promises';
import { Watch, type KubeConfig, type KubernetesListObject, type KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { pagesOf, type Page } from './pages.js';

/** How long the API server keeps a watch open before it ends it cleanly. */
const watchSeconds = 240;
/** Past the server's own bound plus bookmarks (about one a minute), silence means a dead connection. */
const silenceMs = 90_000;

export interface ReflectorOptions<T extends KubernetesObject, Seen> {
  kubeConfig: KubeConfig;
  /** For logs and readiness. */
  name: string;
  /** The API path that is watched, such as `/api/v1/nodes`. */
  path: string;
  query?: Record<string, string>;
  list: (page: Page) => Promise<KubernetesListObject<T>>;
  /** What `onList` needs of an object: all of them, whole, are more than a process should have to hold. */
  see: (object: T) => Seen;
  /** Called with everything that is there, at the start and after every gap. */
  onList: (seen: Seen[]) => Promise<void>;
  /** Must not throw: the client swallows what is thrown here. */
  onEvent: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T) => void;
  logger: Logger;
}

/**
 * Keeps up with one kind of object: list, watch with bookmarks from there, and list again after a gap. The client's
 * own informer stops for good on the first broken connection and asks for neither bookmarks nor a time limit, so it
 * cannot tell a quiet cluster from a dead connection.
 */
export class Reflector<T extends KubernetesObject, Seen> {
  #stopped = new AbortController();
  #listedAt: number | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly options: ReflectorOptions<T, Seen>) {}

  /** True while what was listed is kept up to date; false before the first list and during a gap. */
  get synced(): boolean {
    return this.#listedAt !== undefined;
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
      try {
        let version = await this.#list();
        this.#listedAt = Date.now();
        backoffMs = 250;
        // A watch that ends cleanly is resumed from where it was; only a gap needs a new list.
        while (version !== undefined && !this.#stopped.signal.aborted) version = await this.#watch(version);
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.#listedAt = undefined;
        logger.warn({ err: error, watch: name, retryInMs: backoffMs }, 'lost track of the cluster, listing again');
        await sleep(backoffMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
        backoffMs = Math.min(backoffMs * 2, 10_000);
      }
    }
  }

  /** Lists everything; answers the version to watch from. */
  async #list(): Promise<string | undefined> {
    const { list, see, onList } = this.options;
    const seen: Seen[] = [];
    let version: string | undefined;
    for await (const page of pagesOf(list)) {
      version ??= page.metadata?.resourceVersion;
      seen.push(...page.items.map(see));
    }
    await onList(seen);
    return version;
  }

  /** Watches until the server ends it; answers the version to resume from, undefined when a list is needed. */
  async #watch(fromVersion: string): Promise<string | undefined> {
    const { kubeConfig, path, query, onEvent } = this.options;
    let version: string | undefined = fromVersion;
    let heardAt = Date.now();
    let request: AbortController | undefined;
    const stop = () => request?.abort();
    this.#stopped.signal.addEventListener('abort', stop, { once: true });
    let silence: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        silence = setInterval(() => {
          if (Date.now() - heardAt > silenceMs) {
            request?.abort();
            reject(new Error('the watch fell silent'));
          }
        }, 5_000);
        new Watch(kubeConfig)
          .watch(
            path,
            { ...query, resourceVersion: fromVersion, allowWatchBookmarks: true, timeoutSeconds: watchSeconds },
            (type, object: T & { code?: number }) => {
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
            if (this.#stopped.signal.aborted) started.abort();
          }, reject);
      });
    } finally {
      clearInterval(silence);
      this.#stopped.signal.removeEventListener('abort', stop);
    }
    return version;
  }
}
