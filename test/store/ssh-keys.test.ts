import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Reply, Session } from '../../src/client/session.js';
import { sshFingerprint } from '../../src/api/ssh-fingerprint.js';
import { pruneSessions, pruneWallets } from '../../src/db/auth-pruning.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { takingCommands } from '../support/owned.js';
import { ed25519Key } from '../support/ssh-key.js';
import { sshKeys } from '../unit/api-ssh-keys.js';

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas({ env: { ALLOW_FREE_JOBS: 'true' }, commands: takingCommands([]) });
});
afterAll(() => replicas.stop());

const customer = () => replicas.api.login({ scopes: ['jobs:read', 'jobs:write'], spendLimit: 10n ** 20n });
const keep = (who: Session, body: object) => who.request('POST', '/api/v1/ssh-keys', body);
const kept = async (who: Session) =>
  ((await who.request('GET', '/api/v1/ssh-keys')).body as { keys: { key_id: string; name: string }[] }).keys;
const idOf = ({ body }: Reply) => (body as { key_id: string }).key_id;
const order = (who: Session, body: object, headers: Record<string, string> = {}) =>
  who.request('POST', '/api/v1/jobs', { gpu_count: 0, max_price_per_hour: 0, ...body }, headers);
const keysOfJob = async ({ body }: Reply) => {
  const { rows } = await replicas.database.pool.query<{ ssh_public_keys: string[] }>(
    'select ssh_public_keys from jobs where job_id = $1',
    [(body as { job_id: string }).job_id],
  );
  return rows[0]?.ssh_public_keys;
};
describe('keys that a customer keeps', () => {
  test('a key is kept under the comment in it, with the fingerprint that ssh-keygen shows', async () => {
    const who = await customer();
    const { status, body } = await keep(who, { public_key: sshKeys.ed25519 });
    expect([status, body]).toEqual([
      201,
      {
        key_id: expect.any(String),
        name: 'me@laptop',
        public_key: sshKeys.ed25519,
        fingerprint: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
        created_at: expect.any(String),
      },
    ]);
    expect(await kept(who)).toEqual([body]);
  });

  test('a key that is sent again is the same key, under its new name where one is given', async () => {
    const who = await customer();
    const first = await keep(who, { name: 'laptop', public_key: sshKeys.ed25519 });
    // The comment is no part of a key.
    const again = await keep(who, { public_key: sshKeys.ed25519.replace('me@laptop', 'me@desktop') });
    expect([again.status, again.body]).toEqual([200, first.body]);
    const renamed = await keep(who, { name: 'desktop', public_key: sshKeys.ed25519 });
    expect([renamed.status, idOf(renamed)]).toEqual([200, idOf(first)]);
    expect((await kept(who)).map(({ name }) => name)).toEqual(['desktop']);
  });

  test('two keys never share a name', async () => {
    const who = await customer();
    await keep(who, { public_key: sshKeys.ed25519 });
    const { status, body } = await keep(who, { name: 'me@laptop', public_key: sshKeys.ecdsa256 });
    expect([status, body]).toMatchObject([422, { errors: [{ field: 'name' }] }]);
    // Without a name of its own it gets one that is free.
    expect((await keep(who, { public_key: sshKeys.ecdsa256 })).status).toBe(201);
    expect((await kept(who)).map(({ name }) => name)).toEqual([
      'me@laptop',
      expect.stringMatching(/^me@laptop-[A-Za-z0-9]{16}$/),
    ]);
  });

  test('a key is refused as the mistake that it is if its wallet has given all names for it to others', async () => {
    const who = await customer();
    const key = ed25519Key();
    const letters = sshFingerprint(key)
      .replace('SHA256:', '')
      .replaceAll(/[^A-Za-z0-9]/g, '');
    const plain = `key-${letters.slice(0, 8)}`;
    for (const name of [plain, `${plain}-${letters.slice(0, 16)}`, letters])
      expect((await keep(who, { name, public_key: ed25519Key() })).status).toBe(201);
    expect(await keep(who, { public_key: key })).toMatchObject({ status: 422, body: { errors: [{ field: 'name' }] } });
    expect((await keep(who, { name: 'other', public_key: key })).status).toBe(201);
  });

  test('concurrent requests cannot keep more keys than a wallet may have', async () => {
    const who = await customer();
    const replies = await Promise.all(Array.from({ length: 55 }, () => keep(who, { public_key: ed25519Key() })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(50);
    const refused = replies.filter(({ status }) => status !== 201);
    expect(new Set(refused.map(({ body }) => (body as { code: string }).code))).toEqual(new Set(['quota_exceeded']));
    expect(await kept(who)).toHaveLength(50);
  });

  test('a private key is refused and repeated nowhere', async () => {
    const secret = `-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA${randomUUID()}\n-----END OPENSSH PRIVATE KEY-----`;
    const { status, body } = await keep(await customer(), { public_key: secret });
    expect([status, body]).toMatchObject([
      422,
      { errors: [{ field: 'public_key', message: expect.stringContaining('private') }] },
    ]);
    expect(JSON.stringify(body) + replicas.api.logged.join()).not.toContain('b3BlbnNzaC1rZXktdjEAAAAA');
  });

  test('keys that were added, renamed and deleted stand in the audit log', async () => {
    const who = await customer();
    const id = idOf(await keep(who, { name: 'a', public_key: sshKeys.ed25519 }));
    await keep(who, { name: 'b', public_key: sshKeys.ed25519 });
    expect((await who.request('DELETE', `/api/v1/ssh-keys/${id.toUpperCase()}`)).status).toBe(204);
    const { rows } = await replicas.database.pool.query(
      'select actor, action, session_id is not null as with_session from audit_log where target = $1 order by id',
      [id],
    );
    const actor = who.wallet.toLowerCase();
    expect(rows).toEqual(
      ['ssh_key.add', 'ssh_key.rename', 'ssh_key.delete'].map((action) => ({ actor, action, with_session: true })),
    );
  });

  test('keys go with the last session of their wallet', async () => {
    const who = await customer();
    await keep(who, { public_key: sshKeys.ed25519 });
    const { pool } = replicas.database;
    const wallet = who.wallet.toLowerCase();
    await pool.query(
      `update auth_sessions set created_at = now() - interval '100 days', expires_at = now() - interval '99 days' where wallet = $1`,
      [wallet],
    );
    await pruneSessions(pool, new Date(Date.now() - 90 * 86_400_000));
    await pruneWallets(pool, new Date(Date.now() - 86_400_000));
    expect((await pool.query('select from ssh_keys where wallet = $1', [wallet])).rowCount).toBe(0);
  });
});

describe('keys of an order', () => {
  test('an order has the keys that it names by id beside those that it holds, each once', async () => {
    const who = await customer();
    const [one, two] = [
      idOf(await keep(who, { public_key: sshKeys.ed25519 })),
      idOf(await keep(who, { public_key: sshKeys.ecdsa256 })),
    ];
    const reply = await order(who, { ssh_key_ids: [one, two.toUpperCase(), one], ssh_public_keys: [sshKeys.ed25519] });
    expect(reply.status).toBe(202);
    expect((await keysOfJob(reply))?.sort()).toEqual([sshKeys.ecdsa256, sshKeys.ed25519]);
  });

  test('an order names each id that is none of the customer’s keys, and makes no job', async () => {
    const [who, other] = [await customer(), await customer()];
    const own = idOf(await keep(who, { public_key: sshKeys.ed25519 }));
    const his = idOf(await keep(other, { public_key: sshKeys.ed25519 }));
    const { status, body } = await order(who, { ssh_key_ids: [own, his, randomUUID()] });
    expect([status, body]).toMatchObject([422, { errors: [{ field: 'ssh_key_ids.1' }, { field: 'ssh_key_ids.2' }] }]);
    expect((await who.request('GET', '/api/v1/jobs')).body).toMatchObject({ count: 0 });
  });

  test('a repeated order is answered with its job although its key was deleted', async () => {
    const who = await customer();
    const id = idOf(await keep(who, { public_key: sshKeys.ed25519 }));
    const headers = { 'idempotency-key': 'once' };
    const first = await order(who, { ssh_key_ids: [id] }, headers);
    await who.request('DELETE', `/api/v1/ssh-keys/${id}`);
    const again = await order(who, { ssh_key_ids: [id] }, headers);
    expect([again.status, again.body]).toMatchObject([202, { job_id: (first.body as { job_id: string }).job_id }]);
    expect(await keysOfJob(again)).toEqual([sshKeys.ed25519]);
  });

  test.each([
    ['no key at all', {}, 'ssh_public_keys'],
    ['two empty lists', { ssh_public_keys: [], ssh_key_ids: [] }, 'ssh_public_keys'],
    ['what is no id', { ssh_key_ids: ['laptop'] }, 'ssh_key_ids.0'],
    [
      'more keys than a job takes',
      {
        ssh_public_keys: Object.values(sshKeys).slice(0, 5),
        ssh_key_ids: Array.from({ length: 6 }, () => randomUUID()),
      },
      'ssh_key_ids',
    ],
  ])('an order with %s is refused', async (_, keys, field) => {
    const { status, body } = await order(await customer(), keys);
    expect([status, (body as { errors?: unknown }).errors]).toMatchObject([422, [{ field }]]);
  });
});
