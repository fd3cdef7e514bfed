import { resolve } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { room } from '../../console/live/lazy-room.js';
import { withStraightImports } from '../../scripts/pages/straight-imports.js';
import { WorldLandError, type Pages } from '../../src/client/index.js';

interface Group {
  get(id: string): Promise<string>;
  list(): Pages<number>;
  follow(): AsyncIterable<string>;
  inner: { end(id: string): Promise<string> };
}

const group: Group = {
  get: async (id) => `job ${id}`,
  list: () => ({
    page: async (cursor) => ({ items: [1, 2], next: cursor ?? 'more' }),
    all: async (atMost = 3) => [1, 2, 3].slice(0, atMost),
    async *[Symbol.asyncIterator]() {
      yield* [1, 2, 3];
    },
  }),
  async *follow() {
    yield* ['ordered', 'ended'];
  },
  inner: {
    end: async (id) => {
      throw new WorldLandError('not_found', id, { status: 404 });
    },
  },
};

describe('a room of the client that is loaded when it is needed', () => {
  test('it is loaded at the first call and not before, whoever looks at it', async () => {
    const load = jest.fn(async () => group);
    const lazy = room(load);
    expect(await Promise.resolve(lazy)).toBe(lazy);
    expect(typeof lazy.inner.end).toBe('function');
    expect(load).not.toHaveBeenCalled();
    expect(await lazy.get('a')).toBe('job a');
    expect(load).toHaveBeenCalledTimes(1);
  });

  test('lists are read by page, as a whole and one by one', async () => {
    const lazy = room(async () => group);
    expect(await lazy.list().page()).toEqual({ items: [1, 2], next: 'more' });
    expect(await lazy.list().page('there')).toEqual({ items: [1, 2], next: 'there' });
    expect(await lazy.list().all(2)).toEqual([1, 2]);
    const items: number[] = [];
    for await (const item of lazy.list()) items.push(item);
    expect(items).toEqual([1, 2, 3]);
  });

  test('what is followed comes in its order', async () => {
    const kinds: string[] = [];
    for await (const kind of room(async () => group).follow()) kinds.push(kind);
    expect(kinds).toEqual(['ordered', 'ended']);
  });

  test('a failure of the function, and one of loading it, reach who has called', async () => {
    await expect(room(async () => group).inner.end('x')).rejects.toMatchObject({ code: 'not_found' });
    const broken = room<Group>(() => Promise.reject(new TypeError('no such file')));
    await expect(broken.get('a')).rejects.toThrow('no such file');
    await expect(broken.list().all()).rejects.toThrow('no such file');
  });
});

describe('imports from an index', () => {
  const index = resolve('console/parts/index.ts');
  const origins = new Map([[index, new Map([['Button', resolve('console/parts/button.js')]])]]);
  const file = resolve('console/jobs/jobs-page.tsx');

  test('each name is imported from where it is, and types from nowhere', () => {
    const text = "import { Button as B, type Column } from '../parts/index.js';\nB();";
    expect(withStraightImports(file, text, origins)).toBe("import { Button as B } from './../parts/button.js';\nB();");
  });

  test('an import of anything else stays as it is', () => {
    const text = "import { x } from './words.js';\nimport type { Column } from '../parts/index.js';";
    expect(withStraightImports(file, text, origins)).toBe(text);
  });

  test('a name that the index does not have ends the build with its file', () => {
    expect(() => withStraightImports(file, "import { Buton } from '../parts/index.js';", origins)).toThrow(/Buton/);
  });
});
