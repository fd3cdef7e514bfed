import DataLoader from 'dataloader';
import { isOutage, type Database } from './pool.js';

/** How many callers share a statement at most. */
const most = 64;

/** Runs statements for many keys. @returns a value for each of them, in their order; or nothing. */
type ForMany<Key, Value> = (database: Database, keys: readonly Key[]) => Promise<readonly Value[] | void>;

/**
 * Lets callers that come at the same time share statements: a call waits until those before it are through, and all
 * that wait then are given to `many` together. One that comes alone waits for nobody.
 *
 * If `many` fails for several, it is repeated for each of them alone, so that nobody suffers for what another has sent. It must
 * be safe to repeat, and undo what it did when it fails.
 *
 * @param idOf callers with the same id are served one after the other; without it, they may share a statement.
 */
export function together<Key, Value = void>(
  many: ForMany<Key, Value>,
  idOf?: (key: Key) => string,
): (database: Database, key: Key) => Promise<Value> {
  const loaders = new WeakMap<Database, DataLoader<Key, Value>>();
  return async (database, key) => {
    let loader = loaders.get(database);
    if (loader === undefined) loaders.set(database, (loader = loaderOf(database, many, idOf)));
    return await loader.load(key);
  };
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

function loaderOf<Key, Value>(database: Database, many: ForMany<Key, Value>, idOf?: (key: Key) => string) {
  let underWay: Promise<unknown> = Promise.resolve();

  async function answers(keys: readonly Key[]): Promise<readonly Value[]> {
    return (await many(database, keys)) ?? keys.map(() => undefined as Value);
  }

  async function answersOrErrors(keys: readonly Key[]): Promise<readonly (Value | Error)[]> {
    try {
      return await answers(keys);
    } catch (error) {
      if (keys.length === 1 || isOutage(error)) return keys.map(() => error as Error);
    }
    const alone: (Value | Error)[] = [];
    for (const key of keys) alone.push(...(await answersOrErrors([key])));
    return alone;
  }

  async function serve(keys: readonly Key[]): Promise<(Value | Error)[]> {
    const served: (Value | Error)[] = [];
    let waiting = keys.map((key, place) => ({ key, place }));
    while (waiting.length > 0) {
      const turn = idOf === undefined ? waiting : firstOfEach(waiting, ({ key }) => idOf(key));
      const found = await answersOrErrors(turn.map(({ key }) => key));
      turn.forEach(({ place }, index) => (served[place] = found[index]!));
      waiting = waiting.filter((one) => !turn.includes(one));
    }
    return served;
  }

  return new DataLoader<Key, Value>(
    (keys) => {
      const serving = serve(keys);
      underWay = serving;
      return serving;
    },
    {
      cache: false,
      maxBatchSize: most,
      // Whoever was answered at the same moment comes back at the same moment, too.
      batchScheduleFn: (start) => void underWay.then(() => setImmediate(start)),
    },
  );
}

function firstOfEach<One>(all: readonly One[], idOf: (one: One) => string): One[] {
  const first = new Map<string, One>();
  for (const one of all) if (!first.has(idOf(one))) first.set(idOf(one), one);
  return [...first.values()];
}
