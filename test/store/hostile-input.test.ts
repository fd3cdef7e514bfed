import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RouteRule } from '../../src/api/route.js';
import { withTransaction } from '../../src/db/pool.js';
import { startTestApi, testRoute } from '../unit/api-harness.js';
import type { TestDatabase } from '../support/database.js';
import { hostileCursors, hostileJson, hostileTexts } from '../support/hostile-values.js';
import { fieldsOf, withValueAt } from '../support/request-fields.js';
import { nameOf, ruleTable, startTriedApi, type TriedApi } from '../support/tried-api.js';

let tried: TriedApi;
let database: TestDatabase;

beforeAll(async () => {
  tried = await startTriedApi();
  ({ database } = tried);
});
afterAll(() => tried.stop());

// The rules do not depend on the stack, so the test cases can be made before it runs.
const rules: RouteRule[] = await ruleTable();
/** Concurrent requests. */
const sentAtOnce = 8;

/** All requests for a route, each with one thing wrong. */
async function* triesOf(rule: RouteRule): AsyncGenerator<Parameters<TriedApi['sendText']>> {
  const name = nameOf(rule);
  const { target, body } = await tried.attempt(rule);
  const text = body === undefined ? undefined : JSON.stringify(body);
  // It would revoke the session that all requests use.
  if (name !== 'DELETE /api/v1/auth/sessions') yield [rule, target, text];

  for (const value of rule.path.includes(':') ? [...hostileTexts, '%00', '%ED%A0%80', '%2e%2e', 'a%2fb'] : []) {
    const part = value.startsWith('%') && value.length > 1 ? value : encodeURIComponent(value);
    if (part.length <= 6_000) yield [rule, rule.path.replace(/:[a-z]+/g, part), text];
  }
  const names = Object.keys(rule.request?.query?.shape ?? {});
  for (const unknown of [
    'no_such_field=1',
    'state=',
    '__proto__=%00',
    '%00=1',
    '%ED%A0%80=1',
    `${'x'.repeat(5_000)}=1`,
  ])
    yield [rule, `${target}?${unknown}`, text];
  for (const name of names) {
    for (const value of [...hostileTexts, ...(name === 'cursor' ? hostileCursors : [])]) {
      if (value.length <= 6_000) yield [rule, `${target}?${name}=${encodeURIComponent(value)}`, text];
    }
    yield [rule, `${target}?${name}=1&${name}=2`, text];
    yield [rule, `${target}?${name}=%ED%A0%80`, text];
  }
  for (const value of ['wait=1e400', 'wait=-0', '\u00ff', ' ', 'x'.repeat(5_000)]) {
    yield [rule, target, text, { prefer: value, 'idempotency-key': value, 'user-agent': value }];
  }
  if (rule.request?.body === undefined) return;
  for (const json of hostileJson) yield [rule, target, json];
  const placeholder = '@@hostile@@';
  for (const path of fieldsOf(rule.request.body)) {
    const with_ = JSON.stringify(withValueAt(body ?? {}, path, placeholder));
    for (const json of hostileJson) yield [rule, target, with_.replace(`"${placeholder}"`, () => json)];
  }
}

test.each(rules.map((rule) => [nameOf(rule), rule] as const))(
  '%s answers no hostile input of a client with an internal error',
  async (_name, rule) => {
    tried.api.logged.length = 0;
    const faults: string[] = [];
    const tries = triesOf(rule);
    const sendNext = async () => {
      for await (const given of tries) {
        const { status, text } = await tried.sendText(...given);
        if (status >= 500) faults.push(`${given[1].slice(0, 200)} ${given[2]?.slice(0, 300) ?? ''}: ${text}`);
      }
    };
    await Promise.all(Array.from({ length: sentAtOnce }, sendNext));
    expect(faults).toEqual([]);
    // Nor did the database have to reject a value that validation had missed.
    const defects = tried.api.logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
    expect(defects).toEqual([]);
  },
);

test.each([
  ['an impossible date', `select '2026-02-31'::timestamptz`],
  ['a number out of range', 'select 99999999999::int'],
  ['a text that is not a number', `select 'NaN'::int`],
  ['a character that no text can hold', `select $1::text`],
])('%s that passed every check is refused as the client’s mistake, and logged for operators', async (_what, sql) => {
  const rule = testRoute({
    path: '/t/unchecked',
    handler: async (ctx) => {
      await withTransaction(database.pool, (tx) => tx.query(sql, sql.includes('$1') ? ['a\0b'] : []));
      ctx.body = {};
    },
  });
  const unchecked = await startTestApi({ routes: [rule] });
  try {
    const { status, json } = await unchecked.send('GET', '/t/unchecked');
    expect([status, json.code]).toEqual([400, 'malformed_request']);
    const told = unchecked.logged.map((line) => JSON.parse(line) as { level: number; route?: string });
    expect(told.filter(({ level, route }) => level >= 50 && route === '/t/unchecked')).toHaveLength(1);
  } finally {
    await unchecked.stop();
  }
});
