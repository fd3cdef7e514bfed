import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { clientFiles } from '../../scripts/client-types.js';
import { routeTable } from '../../scripts/route-table.js';
import { createNamedSchemas } from '../../src/api/named-schemas.js';
import { z } from 'zod';

const rules = routeTable();

test('the client’s types are what `npm run client:types` makes of the route table', async () => {
  for (const [file, text] of Object.entries(await clientFiles(rules))) expect(readFileSync(file, 'utf8')).toBe(text);
});

/** Routes that no method of the client asks for, and why. */
const withoutMethod: Record<string, string> = {
  'GET /': 'links for people who open the address',
  'GET /health': 'for probes',
  'GET /ready': 'for probes',
  'GET /openapi.json': 'for programs that are no client of this kind',
  'GET /api/v1/admin/bookings': 'for guardians, which believe no client of the broker',
  'POST /api/v1/providers/messages': 'for agents, which sign with the key of their node',
  'GET /api/v1/providers/:id/responses': 'for agents',
  'POST /api/v1/providers/:id/maintenance': 'an older name of cordon and drain, for clients that have it',
  'POST /api/v1/providers/:id/mining/allocate': 'changes nothing, for clients that have it',
  'POST /api/v1/providers/:id/mining/release': 'changes nothing, for clients that have it',
};

test('every route has a method of the client, or a reason why it has none', () => {
  const sources = readdirSync('src/client')
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.generated.ts'))
    .map((file) => readFileSync(`src/client/${file}`, 'utf8'));
  const asked = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/'((?:GET|POST|PUT|PATCH|DELETE) \/[^']*)'/g)].map(([, name]) => name!),
    ),
  );
  const names = rules.map(({ method, path }) => `${method} ${path}`);
  expect(names.filter((name) => !asked.has(name) && withoutMethod[name] === undefined)).toEqual([]);
  expect(Object.keys(withoutMethod).filter((name) => asked.has(name))).toEqual([]);
});

test('a schema with a name stands once, and what it holds is referred to by name', () => {
  const inner = z.object({ a: z.string() }).meta({ id: 'Inner' });
  const outer = z.object({ one: inner, many: z.array(inner) }).meta({ id: 'Outer' });
  const schemas = createNamedSchemas();
  expect(schemas.of(outer, 'output')).toEqual({ $ref: '#/components/schemas/Outer' });
  expect(schemas.of(z.array(inner), 'output')).toMatchObject({ items: { $ref: '#/components/schemas/Inner' } });
  expect(Object.keys(schemas.components).sort()).toEqual(['Inner', 'Outer']);
  expect(schemas.resolved(outer, 'output')).toMatchObject({
    properties: { many: { items: { $ref: '#/components/schemas/Inner' } } },
  });
});

test('a named schema that is read and written differently has a name for each, and two others with one name are refused', () => {
  const sized = z.object({ size: z.string().transform(Number).pipe(z.number()) }).meta({ id: 'Sized' });
  const schemas = createNamedSchemas();
  expect(schemas.of(z.array(sized), 'output')).toMatchObject({ items: { $ref: '#/components/schemas/Sized' } });
  expect(schemas.of(sized, 'input')).toEqual({ $ref: '#/components/schemas/SizedInput' });
  expect(schemas.of(sized, 'output')).toEqual({ $ref: '#/components/schemas/Sized' });
  const other = z.object({ colour: z.string() }).meta({ id: 'Sized' });
  expect(schemas.of(other, 'output')).toEqual({ $ref: '#/components/schemas/SizedOutput' });
  expect(() => schemas.of(z.object({ taste: z.string() }).meta({ id: 'Sized' }), 'output')).toThrow('Sized');
});
