import { setTimeout as sleep } from 'node:timers/promises';
import { sideBySide } from '../side-by-side.js';
import { isHeldUp, isDatabaseAway, shortLockMs, withShortLocks, type Database, type Queryable } from './pool.js';

/** How many callers share a statement at most. */
const mostPerStatement = 64;
/** How many of a failed group are tried alone at a time. */
const aloneAtOnce = 4;
/** If this many are held up alone as well, single rows are not the cause, and the rest are not tried. */
const mostHeldUp = 3;

/** Runs statements for many keys. @returns a value for each of them, in their order; or nothing. */
type ForMany<On, Key, Value> = (on: On, keys: readonly Key[]) => Promise<readonly Value[] | void>;

/** What lets callers share: the function for one of them. */
type ForOne<Key, Value> = (database: Database, key: Key) => Promise<Value>;

/**
 * Lets callers that come at the same time share statements. While a call is under way, new callers wait; then `many`
 * serves all that wait, up to 64 at once. A caller that comes when no call is under way goes at once.
 *
 * If `many` fails for several callers, it runs again for each alone, while later callers go on. So no caller fails because
 * of another's values or another's held row. `many` must be safe to repeat, and must undo its work when it fails.
 *
 * @param idOf callers with the same id are served one after the other. Without it, any may share a statement.
 */
export function together<Key, Value = void>(
  many: ForMany<Database, Key, Value>,
  idOf?: (key: Key) => string,
): ForOne<Key, Value> {
  const queues = new WeakMap<Database, (key: Key) => Promise<Value>>();
  return async (database, key) => {
    let queue = queues.get(database);
    if (queue === undefined) queues.set(database, (queue = queueOf((keys) => many(database, keys), idOf)));
    return await queue(key);
  };
}

/** The same for statements that lock rows. A shared run fails once it has waited half a second for a row. */
export function togetherLocking<Key, Value = void>(
  many: ForMany<Queryable, Key, Value>,
  idOf?: (key: Key) => string,
): ForOne<Key, Value> {
  return together<Key, Value>(
    async (database, keys) =>
      keys.length === 1
        ? await many(database, keys)
        : await withShortLocks(database, keys.length, (tx) => many(tx, keys)),
    idOf,
  );
}

/** Lets callers that come at the same time share one read of the same. */
export function sharedRead<Value>(
  read: (database: Database) => Promise<Value>,
): (database: Database) => Promise<Value> {
  const shared = together(async (database: Database, callers: readonly true[]) => {
    const value = await read(database);
    return callers.map(() => value);
  });
  return (database) => shared(database, true);
}

interface Caller<Key, Value> {
  key: Key;
  id: string | undefined;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

function queueOf<Key, Value>(
  many: (keys: readonly Key[]) => Promise<readonly Value[] | void>,
  idOf?: (key: Key) => string,
): (key: Key) => Promise<Value> {
  let waiting: Caller<Key, Value>[] = [];
  /** Ids of callers that are being served: others with the same id wait. */
  const served = new Set<string>();
  let isServing = false;

  function next(): void {
    if (isServing || waiting.length === 0) return;
    isServing = true;
    // Callers that were answered together make their next calls together: this waits for all of them.
    setImmediate(() => {
      const group = take();
      if (group.length === 0) {
        // All who wait have ids that are being served: `leave` calls this again.
        isServing = false;
        return;
      }
      void untilNextMayGo(group, serve(group)).finally(() => {
        isServing = false;
        next();
      });
    });
  }

  function take(): Caller<Key, Value>[] {
    const group: Caller<Key, Value>[] = [];
    const left: Caller<Key, Value>[] = [];
    for (const caller of waiting) {
      const { id } = caller;
      const waits = group.length === mostPerStatement || (id !== undefined && served.has(id));
      if (!waits && id !== undefined) served.add(id);
      (waits ? left : group).push(caller);
    }
    waiting = left;
    return group;
  }

  /** A lone caller may wait for a row as long as any statement. Others wait for it no longer than for a group. */
  async function untilNextMayGo(group: readonly Caller<Key, Value>[], serving: Promise<void>): Promise<void> {
    if (group.length > 1) return await serving;
    const timer = new AbortController();
    await Promise.race([serving, sleep(shortLockMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }

  async function serve(group: readonly Caller<Key, Value>[]): Promise<void> {
    try {
      const values = await valuesOf(group);
      group.forEach((caller, index) => caller.resolve(values[index]!));
      leave(group);
    } catch (error) {
      // Not awaited: later callers go on meanwhile.
      if (group.length > 1 && !isDatabaseAway(error)) return void serveAlone(group);
      for (const caller of group) caller.reject(error);
      leave(group);
    }
  }

  async function serveAlone(group: readonly Caller<Key, Value>[]): Promise<void> {
    let heldUp = 0;
    /** Why the rest are not tried. */
    let trouble: unknown;
    await sideBySide(group, aloneAtOnce, async (caller) => {
      if (trouble !== undefined) caller.reject(trouble);
      else
        try {
          caller.resolve((await valuesOf([caller]))[0]!);
        } catch (error) {
          if (isHeldUp(error)) heldUp += 1;
          if (heldUp >= mostHeldUp || isDatabaseAway(error)) trouble ??= error;
          caller.reject(error);
        }
      leave([caller]);
    });
  }

  async function valuesOf(group: readonly Caller<Key, Value>[]): Promise<readonly Value[]> {
    const values = (await many(group.map(({ key }) => key))) ?? group.map(() => undefined as Value);
    if (values.length !== group.length) throw new Error(`expected ${group.length} values, got ${values.length}`);
    return values;
  }

  function leave(group: readonly Caller<Key, Value>[]): void {
    for (const { id } of group) if (id !== undefined) served.delete(id);
    next();
  }

  return (key) =>
    new Promise<Value>((resolve, reject) => {
      waiting.push({ key, id: idOf?.(key), resolve, reject });
      next();
    });
}
