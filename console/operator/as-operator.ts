import { useEffect, useState } from 'preact/hooks';
import type { Broker } from '../live/client.js';
import { actAsOperator, useOperator, useResource, type Loaded } from '../live/index.js';

/** How a page reads a list: the client's own pages. */
interface Page<T> {
  items: T[];
  next?: string;
}

/** Reads something as an operator, and again; nothing while nobody has signed as one. */
export function useOperatorResource<T>(
  name: string | undefined,
  load: (client: Broker) => Promise<T>,
  everyMs?: number,
): Loaded<T> {
  const client = useOperator();
  const session = client?.session?.sessionId ?? '';
  const key = client === undefined || name === undefined ? undefined : `operator:${session}:${name}`;
  return useResource(key, async () => await load(client!), { everyMs, as: 'operator' });
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
  read: (client: Broker, cursor?: string) => Promise<Page<T>>,
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
      const page = await actAsOperator(async (client) => await read(client, next));
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
