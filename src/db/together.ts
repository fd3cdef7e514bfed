import { sideBySide } from '../side-by-side.js';
import { isHeldUp, isOutage, withShortLocks, type Database, type Queryable } from './pool.js';

/** How many callers share a statement at most. */
const most = 64;
/** After a shared statement has failed, how many are tried alone at a time. */
const aloneAtOnce = 4;
/** With as many held up alone, it is not for one of them that all were. */
const mostHeldUp = 3;

/** Runs statements for many keys. @returns a value for each of them, in their order; or nothing. */
type ForMany<On, Key, Value> = (on: On, keys: readonly Key[]) => Promise<readonly Value[] | void>;

/** What lets callers share: the function for one of them. */
type ForOne<Key, Value> = (database: Database, key: Key) => Promise<Value>;

/**
 * Lets callers that come at the same time share statements: a call waits until those before it are through, and all
 * that wait then are given to `many` together. One that comes alone waits for nobody.
 *
 * If `many` fails for several, it is repeated for each of them alone, while others go on; so nobody suffers for what another
 * has sent, or for a row that somebody holds. It must be safe to repeat, and undo what it did when it fails.
 *
 * @param idOf callers with the same id are served one after the other; without it, they may share a statement.
 */
export function together<Key, Value = void>(
  many: ForMany<Database, Key, Value>,
  idOf?: (key: Key) => string,
): ForOne<Key, Value> {
  const queues = new WeakMap<Database, ForOne<Key, Value>>();
  return async (database, key) => {
    let queue = queues.get(database);
    if (queue === undefined) queues.set(database, (queue = queueOf(many, idOf)));
    return await queue(database, key);
  };
}

/** The same for a statement that locks rows: shared, it does not wait for one that somebody holds. */
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

function queueOf<Key, Value>(many: ForMany<Database, Key, Value>, idOf?: (key: Key) => string): ForOne<Key, Value> {
  let waiting: Caller<Key, Value>[] = [];
  /** Ids of those that are being served: others with the same id wait. */
  const served = new Set<string>();
  let isServing = false;

  function next(database: Database): void {
    if (isServing || waiting.length === 0) return;
    isServing = true;
    // Whoever was answered at the same moment comes back at the same moment, too.
    setImmediate(() => {
      const group = take();
      void serve(database, group).finally(() => {
        isServing = false;
        if (group.length > 0) next(database);
      });
    });
  }

  function take(): Caller<Key, Value>[] {
    const group: Caller<Key, Value>[] = [];
    const left: Caller<Key, Value>[] = [];
    for (const caller of waiting) {
      const { id } = caller;
      const waits = group.length === most || (id !== undefined && served.has(id));
      if (!waits && id !== undefined) served.add(id);
      (waits ? left : group).push(caller);
    }
    waiting = left;
    return group;
  }

  async function answers(database: Database, keys: readonly Key[]): Promise<readonly Value[]> {
    const values = (await many(database, keys)) ?? keys.map(() => undefined as Value);
    if (values.length !== keys.length) throw new Error(`${keys.length} were asked about, and ${values.length} told`);
    return values;
  }

  async function serve(database: Database, group: Caller<Key, Value>[]): Promise<void> {
    if (group.length === 0) return;
    try {
      const values = await answers(
        database,
        group.map(({ key }) => key),
      );
      group.forEach((caller, index) => caller.resolve(values[index]!));
      leave(database, group);
    } catch (error) {
      if (group.length > 1 && !isOutage(error)) return void serveAlone(database, group);
      for (const caller of group) caller.reject(error);
      leave(database, group);
    }
  }

  async function serveAlone(database: Database, group: readonly Caller<Key, Value>[]): Promise<void> {
    let heldUp = 0;
    let trouble: unknown;
    await sideBySide(group, aloneAtOnce, async (caller) => {
      if (heldUp >= mostHeldUp) caller.reject(trouble);
      else
        try {
          caller.resolve((await answers(database, [caller.key]))[0]!);
        } catch (error) {
          if (isHeldUp(error)) [heldUp, trouble] = [heldUp + 1, error];
          caller.reject(error);
        }
      leave(database, [caller]);
    });
  }

  function leave(database: Database, group: readonly Caller<Key, Value>[]): void {
    for (const { id } of group) if (id !== undefined) served.delete(id);
    next(database);
  }

  return (database, key) =>
    new Promise<Value>((resolve, reject) => {
      waiting.push({ key, id: idOf?.(key), resolve, reject });
      next(database);
    });
}
