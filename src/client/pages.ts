/** One page of a list, and where the next one begins. */
export interface Page<T> {
  items: T[];
  /** Absent on the last page. */
  next?: string;
}

/** A list that is read page by page: `for await` reads all of it, one page at a time. */
export interface Pages<T> extends AsyncIterable<T> {
  /** The page that begins at a cursor; the first one without. */
  page(cursor?: string): Promise<Page<T>>;
  /** All items, and no more than `atMost`. */
  all(atMost?: number): Promise<T[]>;
}

/** A list from a function that reads one page. */
export function pagesOf<T>(read: (cursor: string | undefined) => Promise<Page<T>>): Pages<T> {
  async function* items(): AsyncGenerator<T> {
    let cursor: string | undefined;
    do {
      const page = await read(cursor);
      yield* page.items;
      // A cursor that leads to itself would never end.
      cursor = page.next === cursor ? undefined : page.next;
    } while (cursor !== undefined);
  }
  return {
    page: (cursor) => read(cursor),
    async all(atMost = Infinity) {
      const found: T[] = [];
      if (atMost <= 0) return found;
      for await (const item of items()) {
        found.push(item);
        if (found.length >= atMost) break;
      }
      return found;
    },
    [Symbol.asyncIterator]: items,
  };
}
