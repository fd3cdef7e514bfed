import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RouteRule } from '../../src/api/route.js';
import { createProviderVerifier } from '../../src/auth/providers/identity.js';
import { createRecover } from '../../src/auth/recover.js';
import { brokerGroup, streams } from '../../src/wire/streams.js';
import { booksFaults } from '../fuzz/books.js';
import { createEntries } from '../fuzz/entries.js';
import { createMutations } from '../fuzz/mutations.js';
import { rawClient } from '../fuzz/raw-client.js';
import { createRequests } from '../fuzz/requests.js';
import { audience } from '../support/api.js';
import { createRandom } from '../support/random.js';
import { createRelayWorld, heartbeatData, newProviderId, registrationData, type RelayWorld } from '../support/relay.js';
import { nameOf, ruleTable, startTriedApi, type TriedApi } from '../support/tried-api.js';
import { until } from '../support/until.js';

/** `npm run fuzz` sends a hundred thousand of each; another seed is another run. */
const requests = Number(process.env['FUZZ_REQUESTS'] ?? 1_500);
const entries = Number(process.env['FUZZ_ENTRIES'] ?? 3_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const atOnce = 8;
const withinMs = 120_000 + requests * 50 + entries * 50;

/** The session that everything is tried with would be gone. */
const endsTheRun = ['DELETE /api/v1/auth/sessions'];

let tried: TriedApi;
let world: RelayWorld;
beforeAll(async () => {
  [tried, world] = await Promise.all([startTriedApi(), createRelayWorld()]);
}, 120_000);
afterAll(async () => {
  await Promise.all([tried?.stop(), world?.close()]);
});

const rules: RouteRule[] = (await ruleTable()).filter((rule) => !endsTheRun.includes(nameOf(rule)));

test(
  `${requests} nearly valid requests are answered, none of them with an internal error, and money is the same wherever it is written`,
  async () => {
    const random = createRandom(seed);
    const next = createRequests(tried, rules, random, createMutations(random));
    const faults: string[] = [];
    const statuses = new Map<string, number>();
    let sent = 0;
    const client = async () => {
      const line = rawClient(Number(new URL(tried.api.url).port));
      while (sent < requests) {
        sent++;
        const { head, body } = await next();
        const { status, text } = await line.send(head, body);
        statuses.set(String(status), (statuses.get(String(status)) ?? 0) + 1);
        // What breaks off without a word, or takes too long, is a fault too.
        if (status === 'closed' || Number.isNaN(status) || status >= 500) {
          faults.push(
            `${status} ${JSON.stringify(head.slice(0, 1_500))} ${JSON.stringify(body.toString().slice(0, 500))} ${text}`,
          );
        }
        // Where each was logged, the lines would be what fills the memory.
        if (tried.api.logged.length > 5_000) checkLog();
      }
      line.close();
    };
    const checkLog = () => {
      for (const line of tried.api.logged.splice(0)) {
        if ((JSON.parse(line) as { level: number }).level >= 50) faults.push(line);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, client));
    checkLog();
    expect(faults.slice(0, 10)).toEqual([]);
    // Some of each: the routes were reached, and not only their doors.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining(['200', '400', '401', '404', '422']));
    expect(await booksFaults(tried.database.pool)).toEqual([]);
  },
  withinMs,
);

test(
  `${entries} nearly valid entries leave no stream stuck`,
  async () => {
    const random = createRandom(seed);
    const next = await createEntries({ audience, providers: 20 }, random, createMutations(random));
    const config = { ...world.config, PROVIDER_AUTH_MODE: 'permissive' as const, AUTH_AUDIENCE: audience };
    const recover = createRecover({ maxWaiting: Infinity });
    await world.start({
      config,
      verifier: createProviderVerifier({ config, pool: world.pool, recover }),
    });
    for (let sent = 0; sent < entries; sent += 500) {
      const pipeline = world.redis.pipeline();
      for (let at = sent; at < Math.min(entries, sent + 500); at++) {
        const { stream, id, fields } = next();
        pipeline.xadd(stream, id, ...fields);
      }
      const results = (await pipeline.exec()) ?? [];
      expect(results.filter(([error]) => error !== null)).toEqual([]);
      // As fast as they are read, or Redis would hold them all.
      await until(async () => (await unread()) < 2_000, { timeoutMs: withinMs, everyMs: 20 });
    }
    await until(async () => (await unread()) === 0, { timeoutMs: withinMs, everyMs: 50, name: 'all were read' });
    const errors = world.lines.filter(({ level }) => Number(level) >= 50);
    expect(errors.slice(0, 5)).toEqual([]);

    // Whoever comes next is served as ever.
    const providerId = newProviderId();
    await world.redis.xadd(streams.registration, '*', 'data', registrationData(providerId));
    await until(async () => (await world.signals(providerId)).length === 1, { timeoutMs: 30_000, everyMs: 100 });
    const before = Date.now();
    await world.redis.xadd(streams.heartbeat, '*', 'data', heartbeatData(providerId));
    await until(async () => (await unread()) === 0, { everyMs: 50 });
    const { rows } = await world.pool.query<{ at: Date }>(
      'select last_heartbeat as at from provider_heartbeats where provider_id = $1',
      [providerId],
    );
    expect(rows.every(({ at }) => at.getTime() >= before - 1_000)).toBe(true);
  },
  withinMs,
);

/** What no relay has read or settled. */
async function unread(): Promise<number> {
  const each = await Promise.all(
    Object.values(streams).map(async (stream) => {
      const groups = (await world.redis.xinfo('GROUPS', stream)) as (string | number)[][];
      const group = groups.find((facts) => facts[facts.indexOf('name') + 1] === brokerGroup)!;
      return Number(group[group.indexOf('lag') + 1] ?? 0) + Number(group[group.indexOf('pending') + 1]);
    }),
  );
  return each.reduce((sum, count) => sum + count, 0);
}
