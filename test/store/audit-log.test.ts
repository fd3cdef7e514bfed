import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RouteRule } from '../../src/api/route.js';
import type { Session } from '../../src/client/session.js';
import { stopSettlements } from '../../src/db/batches.js';
import { pruneAudit, recordAudit, type AuditEntry } from '../../src/db/audit-log.js';
import { withTransaction } from '../../src/db/pool.js';
import { scopes as everyScope } from '../../src/wire/scopes.js';
import { newWallet } from '../support/api.js';
import { chainEnv, tableVault } from '../support/chain-site.js';
import { loginsAt, putBelongings, roomyFor, takingCommands } from '../support/owned.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { attempts, type Belongings } from '../support/route-attempts.js';
import { nameOf, ruleTable } from '../support/tried-api.js';

const operator = newWallet();
const owner = newWallet();

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas({ env: { ...roomyFor(operator), ...chainEnv }, commands: takingCommands([]) });
});
afterAll(() => replicas?.stop());

const logins = loginsAt(() => replicas.api);
const pool = () => replicas.database.pool;

interface Row {
  actor: string;
  session_id: string;
  ip: string;
  action: string;
  target: string;
  detail: Record<string, unknown>;
}
const rowsOf = async (requestId: string): Promise<Row[]> =>
  (await pool().query<Row>('select * from audit_log where request_id = $1', [requestId])).rows;

/** Changes that leave no row, each with the reason. */
const excused: Record<string, string> = {
  'POST /api/v1/providers/:id/mining/allocate': 'it answers the present figures and changes nothing',
  'POST /api/v1/providers/:id/mining/release': 'it answers the present figures and changes nothing',
};

/** What has to be there before it can be taken away. */
const first: Record<string, (session: Session, mine: Belongings) => Promise<unknown>> = {
  'POST /api/v1/admin/settlements/resume': () => stopSettlements(pool(), tableVault, 'vetoed'),
  'DELETE /api/v1/providers/:id/prices': (session, { providerId }) =>
    session.request('PUT', `/api/v1/providers/${providerId}/prices`, { cpu: 1 }),
};

const isOfOperatorOrOwner = ({ scopes, operators }: RouteRule) =>
  operators === true || scopes.some((scope) => scope === 'admin' || scope === 'providers:write');
const changes = (await ruleTable()).filter((rule) => rule.method !== 'GET' && isOfOperatorOrOwner(rule));

test('the excuses are of routes that exist', () => {
  expect(Object.keys(excused).filter((name) => !changes.some((rule) => nameOf(rule) === name))).toEqual([]);
  expect(changes.length).toBeGreaterThan(10);
});

describe.each(changes.map((rule) => [nameOf(rule), rule] as const))('%s', (name, rule) => {
  const ask = async (session: Session, by = owner, of = by) => {
    const mine = await putBelongings(pool(), of, { paid: true });
    await first[name]?.(session, mine);
    const { target, body, headers } = await attempts[name]!(mine, by);
    const reply = await session.request(rule.method, target, body, headers);
    const requestId = reply.headers.get('x-request-id')!;
    return { reply, mine, rows: await rowsOf(requestId) };
  };
  const expected = excused[name] === undefined ? 1 : 0;
  const leaves =
    expected === 1 ? 'the route leaves one row: who, by which session' : 'the route changes nothing and leaves no row';

  test(leaves, async () => {
    const isForOperators = rule.scopes.includes('admin');
    const caller = isForOperators ? operator : owner;
    const session = await logins(caller, isForOperators ? everyScope : ['providers:write']);
    const { reply, rows } = await ask(session, caller);
    expect([reply.status < 300, reply.body]).toEqual([true, reply.body]);
    expect(rows).toHaveLength(expected);
    for (const row of rows) {
      expect(row).toMatchObject({ actor: caller.address.toLowerCase(), ip: '127.0.0.1' });
      expect(row.action).toMatch(/^[a-z_]+\.[a-z_]+$/);
      const { sessions } = (await session.request('GET', '/api/v1/auth/sessions')).body as {
        sessions: { session_id: string; current: boolean }[];
      };
      expect(row.session_id).toBe(sessions.find(({ current }) => current)?.session_id);
    }
  });

  test('the route leaves no row of a request that it refuses', async () => {
    const { reply, rows } = await ask(await logins(owner, ['jobs:read', 'jobs:write']));
    expect([reply.status, rows]).toEqual([403, []]);
  });
});

describe('what an operator does to the provider of somebody else', () => {
  test('the row of a drain names its deadline and the owner', async () => {
    const { providerId } = await putBelongings(pool(), owner);
    const session = await logins(operator, ['admin']);
    const reply = await session.request('POST', `/api/v1/providers/${providerId}/drain`, { deadline_s: 60 });
    expect(await rowsOf(reply.headers.get('x-request-id')!)).toMatchObject([
      { action: 'provider.drain', target: providerId, detail: { deadline_s: 60, owner: owner.address.toLowerCase() } },
    ]);
  });

  test('a command that fails leaves a row that says so', async () => {
    const away = await replicas.start({ env: roomyFor(operator) });
    try {
      const { providerId } = await putBelongings(pool(), owner);
      const session = await away.login({ account: operator, scopes: ['admin'] });
      const reply = await session.request('POST', `/api/v1/providers/${providerId}/cordon`);
      expect(reply.status).toBe(503);
      expect(await rowsOf(reply.headers.get('x-request-id')!)).toMatchObject([
        { action: 'provider.cordon', detail: { failed: 'dependency_unavailable' } },
      ]);
    } finally {
      await away.stop();
    }
  });
});

describe('rows of the audit log', () => {
  const entry = (target = 'atlas'): AuditEntry => ({
    ...{ actor: operator.address.toLowerCase(), ip: '::1', requestId: randomUUID() },
    ...{ action: 'provider.drain', target },
  });

  test('a row goes with the transaction of its change', async () => {
    const lost = entry();
    await expect(
      withTransaction(pool(), async (tx) => {
        await recordAudit(tx, lost);
        throw new Error('the change failed');
      }),
    ).rejects.toThrow('the change failed');
    expect(await rowsOf(lost.requestId)).toEqual([]);
  });

  test('rows are removed by their age, and no younger ones', async () => {
    const [old, young] = [entry(), entry()];
    await recordAudit(pool(), young);
    const id = await recordAudit(pool(), old);
    await pool().query(`update audit_log set at = now() - interval '10 days' where id = $1`, [id]);
    expect(await pruneAudit(pool(), new Date(Date.now() - 9 * 86_400_000))).toBe(1);
    expect(await rowsOf(old.requestId)).toEqual([]);
    expect(await rowsOf(young.requestId)).toHaveLength(1);
  });

  test('text that the database cannot store costs no change', async () => {
    const odd = { ...entry(), detail: { reason: 'a\u0000b\ud800' } };
    await recordAudit(pool(), odd);
    expect(await rowsOf(odd.requestId)).toMatchObject([{ detail: { reason: 'ab' } }]);
  });
});
