import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { extensionSchema } from '../../src/domain/job-extension.js';
import { startTestApi, testRoute, type TestApi } from './api-harness.js';

const body = z.strictObject({
  text: z.string().max(3).optional(),
  whole: z.int().min(60).max(100).optional(),
  choice: z.enum(['one', 'two']).optional(),
  list: z.array(z.string()).max(1).optional(),
  needed: z.object({ name: z.string() }).optional(),
  yes: z.boolean().optional(),
  id: z.uuid().optional(),
});
const query = z.object({ sort: z.enum(['price', 'free']).optional() });

let api: TestApi;
beforeAll(async () => {
  const handler = async (ctx: { body?: unknown }) => void (ctx.body = {});
  api = await startTestApi({
    routes: [
      testRoute({ method: 'POST', path: '/t/body', request: { body }, handler }),
      testRoute({ method: 'POST', path: '/t/extend', request: { body: extensionSchema }, handler }),
      testRoute({ path: '/t/list', request: { query }, handler }),
    ],
  });
});
afterAll(() => api.stop());

const told = async (method: string, path: string, json?: unknown) =>
  (await api.send(method, path, json === undefined ? {} : { json })).json.errors as object[];

test.each([
  [{ text: 5 }, 'text', 'must be text'],
  [{ text: 'long' }, 'text', 'must be at most 3 characters'],
  [{ whole: 1.5 }, 'whole', 'must be a whole number'],
  [{ whole: 1 }, 'whole', 'must be at least 60'],
  [{ whole: '70' }, 'whole', 'must be a number'],
  [{ choice: 'three' }, 'choice', 'must be one of one, two'],
  [{ list: ['a', 'b'] }, 'list', 'must be at most 1 items'],
  [{ list: 'a' }, 'list', 'must be a list'],
  [{ needed: {} }, 'needed.name', 'required: text'],
  [{ yes: 'yes' }, 'yes', 'must be true or false'],
  [{ id: 'x' }, 'id', 'must be a UUID'],
])('%j is refused in plain words', async (json, field, message) => {
  expect(await told('POST', '/t/body', json)).toEqual([{ field, message }]);
});

test('an extension without its hours is told what is required, and a choice of a query what there is', async () => {
  expect(await told('POST', '/t/extend', { hours: 1 })).toEqual([
    { field: 'additional_hours', message: 'required: a number of hours' },
    { field: 'hours', message: 'is not a field of this request' },
  ]);
  expect(await told('POST', '/t/extend', { additional_hours: true })).toEqual([
    { field: 'additional_hours', message: 'must be a number of hours' },
  ]);
  expect(await told('GET', '/t/list?sort=name')).toEqual([
    { field: 'query.sort', message: 'must be one of price, free' },
  ]);
});
