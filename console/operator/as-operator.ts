import { useEffect, useState } from 'preact/hooks';
import { WorldLandError, type WorldLand } from '../../src/client/index.js';
import { endsLogin, operator, requireOperator, useResource, type Loaded } from '../live/index.js';

/** How a page reads a list: the client's own pages. */
interface Page<T> {
  items: T[];
  next?: string;
}

const ended = () =>
  new WorldLandError('session_expired', 'Your session as an operator has ended. Sign again.', { status: 403 });

/** A session that ended is forgotten, and the page asks the wallet; the login as a customer has nothing to do with it. */
async function guarded<T>(client: WorldLand, call: (client: WorldLand) => Promise<T>): Promise<T> {
  try {
    return await call(client);
  } catch (error) {
    if (!endsLogin(error)) throw error;
    if (operator.peek() === client) operator.value = undefined;
    throw ended();
  }
}

/** Reads something as an operator, and again; nothing while nobody has signed as one. */
export function useOperatorResource<T>(
  name: string | undefined,
  load: (client: WorldLand) => Promise<T>,
  everyMs?: number,
): Loaded<T> {
  const client = operator.value;
  const key =
    client === undefined || name === undefined ? undefined : `operator:${client.session?.sessionId ?? ''}:${name}`;
  return useResource(key, async () => await guarded(client!, load), { everyMs });
}

/**
 * Does something as an operator. Where the session has ended in between, the wallet is asked, and then it goes on.
 *
 * @throws WorldLandError
 */
export async function asOperator<T>(action: (client: WorldLand) => Promise<T>): Promise<T> {
  const first = await requireOperator();
  if (first === undefined) throw ended();
  try {
    return await action(first);
  } catch (error) {
    if (!endsLogin(error)) throw error;
    if (operator.peek() === first) operator.value = undefined;
    const second = await requireOperator();
    if (second === undefined) throw ended();
    return await action(second);
  }
}

export interface Paged<T> {
  first: Loaded<Page<T>>;
  /** Of the pages that have been read so far. */
  items: T[];
  /** Reads the next page; undefined on the last one. */
  more: (() => void) | undefined;
  isReading: boolean;
}

/** A list whose first page stays as it is now, and whose others are read when they are asked for. */
export function usePaged<T>(
  name: string,
  read: (client: WorldLand, cursor?: string) => Promise<Page<T>>,
  everyMs?: number,
): Paged<T> {
  const first = useOperatorResource(name, async (client) => await read(client), everyMs);
  const [rest, setRest] = useState<Page<T>>();
  const [isReading, setReading] = useState(false);
  useEffect(() => setRest(undefined), [name]);
  const next = rest === undefined ? first.data?.next : rest.next;
  const readNext = async () => {
    if (isReading) return;
    setReading(true);
    try {
      const page = await asOperator(async (client) => await read(client, next));
      setRest({
        items: [...(rest?.items ?? []), ...page.items],
        ...(page.next === undefined ? {} : { next: page.next }),
      });
    } catch {
      // The first page says what is wrong, as soon as it is read again.
      first.reload();
    } finally {
      setReading(false);
    }
  };
  return {
    first,
    items: [...(first.data?.items ?? []), ...(rest?.items ?? [])],
    more: next === undefined ? undefined : () => void readNext(),
    isReading,
  };
}
