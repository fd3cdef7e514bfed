import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RouteRule } from '../../src/api/route.js';
import { unprintableAstral, unprintableRanges } from '../../src/domain/outside.js';
import { anyName, fieldsOf, textsIn, valueAt, withValueAt } from '../support/request-fields.js';
import { nameOf, ruleTable, startTriedApi, type TriedApi } from '../support/tried-api.js';

/** Characters that confuse a terminal: colours and titles, new lines, right-to-left text, invisible letters. */
const marks = ['\u001b[2J', '\n', '\u202e', '\u{e0041}'];
const unprintable = new RegExp(`[${unprintableRanges}${unprintableAstral}\\p{Surrogate}]`, 'u');
const shownBadly = (value: unknown) => textsIn(value).filter((text) => unprintable.test(text));

/** Columns whose values programs get unchanged, and which are never shown to people. */
const notShown = [
  'jobs.env',
  'jobs.program',
  'providers.mining_config',
  'provider_mining.config',
  'jobs.ssh_public_keys',
];

let tried: TriedApi;
beforeAll(async () => {
  tried = await startTriedApi();
});
afterAll(() => tried.stop());

const rules: RouteRule[] = await ruleTable();

/** One request for each field and mark: the mark inside a valid value, and alone. */
async function* requestsOf(rule: RouteRule): AsyncGenerator<[string, string | undefined]> {
  const { target, body } = await tried.attempt(rule);
  const text = body === undefined ? undefined : JSON.stringify(body);
  for (const mark of marks) {
    for (const path of rule.request?.body === undefined ? [] : fieldsOf(rule.request.body)) {
      const good = valueAt(body, path);
      const within = `${typeof good === 'string' ? good : 'x'}${mark}x`;
      yield [target, JSON.stringify(withValueAt(body ?? {}, path, within))];
      yield [target, JSON.stringify(withValueAt(body ?? {}, path, mark))];
      if (path.at(-1) !== anyName) continue;
      yield [target, JSON.stringify(withValueAt(body ?? {}, [...path.slice(0, -1), `N${mark}`], 'x'))];
    }
    yield [target, JSON.stringify({ ...(body as object | undefined), [`no such ${mark}`]: 1 })];
    for (const name of Object.keys(rule.request?.query?.shape ?? {})) {
      yield [`${target}?${name}=${encodeURIComponent(`x${mark}x`)}`, text];
    }
    yield [`${target}?${encodeURIComponent(`no such ${mark}`)}=1`, text];
    if (rule.path.includes(':')) yield [rule.path.replace(/:[a-z]+/g, encodeURIComponent(`x${mark}x`)), text];
  }
}

/** What each route has shown badly. Every route is asked once, by whichever test comes first. */
const asked = new Map<RouteRule, Promise<string[]>>();
function shownBadlyBy(rule: RouteRule): Promise<string[]> {
  const answers = asked.get(rule) ?? ask(rule);
  asked.set(rule, answers);
  return answers;
}

async function ask(rule: RouteRule): Promise<string[]> {
  const bad: string[] = [];
  const requests = requestsOf(rule);
  const sendNext = async () => {
    for await (const [target, text] of requests) {
      const answer = await tried.sendText(rule, target, rule.method === 'GET' ? undefined : text);
      const isJson = answer.text.startsWith('{');
      if (shownBadly(isJson ? JSON.parse(answer.text) : answer.text).length > 0) bad.push(`${target}: ${answer.text}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, sendNext));
  return bad;
}

test.each(rules.map((rule) => [nameOf(rule), rule] as const))(
  '%s repeats nothing to anybody that a terminal would execute',
  async (_name, rule) => {
    expect(await shownBadlyBy(rule)).toEqual([]);
  },
);

test('no text that a terminal would execute was stored where people will see it', async () => {
  const { pool } = tried.database;
  for (const rule of rules) await shownBadlyBy(rule);
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  expect(tables.length).toBeGreaterThan(15);
  const kept: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query<Record<string, unknown>>(`select * from ${name}`);
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) {
        if (!notShown.includes(`${name}.${column}`) && shownBadly(value).length > 0) kept.push(`${name}.${column}`);
      }
    }
  }
  expect([...new Set(kept)]).toEqual([]);
  // The API accepted the orders; otherwise there would be nothing to store.
  const { rows: jobs } = await pool.query<{ jobs: number }>('select count(*)::int as jobs from jobs');
  expect(jobs[0]!.jobs).toBeGreaterThan(1);
});
