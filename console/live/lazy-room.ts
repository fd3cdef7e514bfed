interface Listed {
  page(cursor?: string): Promise<unknown>;
  all(atMost?: number): Promise<unknown>;
}

type Anything = (...given: unknown[]) => unknown;

/**
 * A group of functions, and of groups in it, that is loaded when the first function is called. What a function answers
 * may be awaited, or is a list that is read page by page, or is followed by `for await`: each way works before the group
 * is there.
 */
export function room<T extends object>(load: () => Promise<T>): T {
  return entry(load, []) as T;
}

function entry(load: () => Promise<object>, path: readonly string[]): object {
  return new Proxy(() => undefined, {
    // Who awaits a group is not to take it for a promise.
    get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : entry(load, [...path, name])),
    apply: (_, self: unknown, given: unknown[]) => later(load, path, given),
  });
}

function later(load: () => Promise<object>, path: readonly string[], given: unknown[]) {
  const answer = load().then((group) => {
    const found = path.reduce<unknown>((inside, name) => (inside as Record<string, unknown>)[name], group);
    return (found as Anything)(...given);
  });
  return Object.assign(answer, {
    page: async (cursor?: string) => await ((await answer) as Listed).page(cursor),
    all: async (atMost?: number) => await ((await answer) as Listed).all(atMost),
    async *[Symbol.asyncIterator]() {
      yield* (await answer) as AsyncIterable<unknown>;
    },
  });
}
