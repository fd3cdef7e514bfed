import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { recordAudit } from '../../src/db/audit-log.js';
import { encodeCursor } from '../../src/db/cursor.js';
import { retire } from '../../src/db/provider-operations.js';
import { DeadLetters } from '../../src/redis/streams/dead-letters.js';
import { deadLetterStream, streams } from '../../src/wire/streams.js';
import { newWallet } from '../support/api.js';
import { putProvider } from '../support/fleet.js';
import { takingCommands } from '../support/owned.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

const operator = newWallet();
let replicas: Replicas;
let admin: Session;
beforeAll(async () => {
  const env = { ADMIN_WALLETS: operator.address, PROVIDER_AUTH_MODE: 'permissive' };
  replicas = await startReplicas({ env, commands: takingCommands([]) });
  admin = await replicas.api.login({ account: operator, scopes: ['admin'] });
});
afterAll(() => replicas?.stop());

interface Page {
  items: Record<string, unknown>[];
  providers: Record<string, unknown>[];
  next_cursor?: string;
}
async function pageOf(path: string): Promise<Page> {
  const { status, body } = await admin.request('GET', path);
  expect([status, body]).toEqual([200, body]);
  return body as Page;
}
/** The items of all pages. */
async function all(path: string, list: 'items' | 'providers' = 'items'): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (let cursor = ''; ;) {
    const page = await pageOf(`${path}${cursor}`);
    found.push(...page[list]);
    if (page.next_cursor === undefined) return found;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

describe('dead letters', () => {
  const redis = () => replicas.redis.redis;
  const keys = Object.values(streams).map(deadLetterStream);
  beforeEach(() => redis().unlink(...keys));
  const write = (stream: string, id: string, ...fields: string[]) =>
    redis().xadd(deadLetterStream(stream), id, 'orig_id', '1-1', 'reason', 'invalid', 'data', '{}', ...fields);

  test('letters of all streams come newest first, each once, whatever the size of a page', async () => {
    const { registration, heartbeat, capacity } = streams;
    for (const id of ['5-1', '7-1', '7-2']) await write(registration, id);
    for (const id of ['7-1', '8-0']) await write(heartbeat, id);
    await write(capacity, '7-1');
    const wanted = [
      ...[`${heartbeat} 8-0`, `${registration} 7-2`, `${registration} 7-1`, `${heartbeat} 7-1`],
      ...[`${capacity} 7-1`, `${registration} 5-1`],
    ];
    for (const limit of [1, 2, 3, 100]) {
      const items = await all(`/api/v1/admin/dead-letters?limit=${limit}`);
      expect(items.map(({ stream, id }) => `${String(stream)} ${String(id)}`)).toEqual(wanted);
    }
    const own = await all(`/api/v1/admin/dead-letters?stream=${heartbeat}&limit=1`);
    expect(own.map(({ id }) => id)).toEqual(['8-0', '7-1']);
  });

  test('letters of one provider are found among many, by what the broker wrote and by what older versions wrote', async () => {
    await redis().xadd(keys[1]!, '1-0', 'reason', 'x', 'data', '{"provider_id":"atlas","sig":"[removed]"}');
    for (let at = 0; at < 600; at++) await write(streams.heartbeat, `${at + 10}-0`);
    await new DeadLetters(redis()).bury(streams.heartbeat, streams.heartbeat, 'broker', [
      { entry: ['1-1', ['data', 'not JSON']], reason: 'invalid', providerId: 'atlas' },
    ]);
    const items = await all('/api/v1/admin/dead-letters?provider_id=atlas&limit=5');
    expect(items.map(({ provider_id, data }) => [provider_id, data])).toEqual([
      ['atlas', 'not JSON'],
      ['atlas', '{"provider_id":"atlas","sig":"[removed]"}'],
    ]);
  });

  test('what a stranger writes there is shown without harm and without secrets', async () => {
    const hostile = '\u001b]0;x\u0007\u202eabcdef.0123456789abcdef';
    await redis().xadd(
      ...([keys[0]!, '18446744073709551615-7'] as const),
      ...['orig_id', hostile, 'reason', hostile, 'data', hostile.repeat(2_000), 'provider_id', 'A b', '__proto__', 'x'],
    );
    await redis().set(keys[2]!, 'not a stream');
    const [item] = await all('/api/v1/admin/dead-letters?limit=5');
    expect(JSON.stringify(item)).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(item).toMatchObject({ reason: expect.any(String), at: expect.stringMatching(/^9999-/) });
    expect(item!['provider_id']).toBeUndefined();
    expect(String(item!['data'])).not.toContain('0123456789abcdef');
    expect(Buffer.byteLength(String(item!['data']))).toBeLessThanOrEqual(8_192);
  });

  test.each([
    ['an id that is too large', encodeCursor('18446744073709551616-0', streams.heartbeat)],
    ['an unknown stream', encodeCursor('1-1', 'provider:other')],
    ['no id', encodeCursor('x', streams.heartbeat)],
    ['no cursor at all', 'rubbish'],
  ])('a cursor with %s is refused', async (_what, cursor) => {
    expect((await admin.request('GET', `/api/v1/admin/dead-letters?cursor=${cursor}`)).status).toBe(422);
  });
});

describe('the audit log', () => {
  const record = (action: string, target: string, actor = operator.address.toLowerCase()) =>
    recordAudit(replicas.database.pool, { actor, ip: '::1', requestId: 'r', action, target, detail: { n: 1 } });

  test('rows come newest first, by pages, and by actor, target and action', async () => {
    const other = `0x${'7'.repeat(40)}`;
    await replicas.database.pool.query('truncate audit_log');
    for (const target of ['one', 'two', 'three']) await record('provider.drain', target);
    await record('image.block', 'docker.io/evil/*', other);
    const targets = async (query: string) => (await all(`/api/v1/admin/audit?${query}`)).map(({ target }) => target);
    expect(await targets('limit=2')).toEqual(['docker.io/evil/*', 'three', 'two', 'one']);
    expect(await targets('action=provider.drain&limit=1')).toEqual(['three', 'two', 'one']);
    expect(await targets(`actor=${other.toUpperCase().replace('X', 'x')}`)).toEqual(['docker.io/evil/*']);
    expect(await targets('target=two')).toEqual(['two']);
    const [row] = (await pageOf('/api/v1/admin/audit?limit=1')).items;
    expect(row).toMatchObject({ ip: '::1', request_id: 'r', detail: { n: 1 } });
  });

  test.each(['action=drain', 'actor=0x1', 'cursor=x', 'who=me'])('the query %s is refused', async (query) => {
    expect((await admin.request('GET', `/api/v1/admin/audit?${query}`)).status).toBe(422);
  });
});

describe('the list of all providers', () => {
  test('a provider that waits says what for, and one that has left is listed', async () => {
    const { pool } = replicas.database;
    for (const providerId of ['waits', 'serves', 'left']) await putProvider(pool, { providerId });
    await pool.query(`update providers set status = 'pending', status_reason = 'its node never joined',
                             approved_wallet = null, approved_by = null, approved_at = null where provider_id = 'waits'`);
    expect(await retire(pool, 'left')).toBe(0);
    await pool.query(
      `insert into join_tokens (token_id, provider_id, message_id, node_name, expires_at)
       values ('abcdef', 'waits', 'm', 'n', now() + interval '1 hour')`,
    );
    await admin.request('PUT', '/api/v1/admin/blocks/provider/serves', { reason: 'wrong GPUs' });
    const list = await all('/api/v1/admin/providers?limit=1', 'providers');
    expect(list.map(({ provider_id }) => provider_id).sort()).toEqual(['left', 'serves', 'waits']);
    expect(await all('/api/v1/admin/providers?status=pending', 'providers')).toMatchObject([
      {
        ...{ provider_id: 'waits', approval_needed: true, state_reason: 'its owner or an operator has to approve it' },
        join_token_expires_at: expect.any(String),
      },
    ]);
    expect(list.find(({ provider_id }) => provider_id === 'serves')).toMatchObject({
      blocked: { reason: 'wrong GPUs', until: null },
    });
  });
});
