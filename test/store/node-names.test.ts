import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { reserveJoinToken } from '../../src/db/join-tokens.js';
import { migrate } from '../../src/db/migrate.js';
import { migrationsFolder } from '../../src/db/migration-files.js';
import { createPool } from '../../src/db/pool.js';
import { admitNode, type Admission } from '../../src/db/node-admission.js';
import {
  currentNode,
  leaveNode,
  markNodeCertified,
  markNodeClosed,
  nodesToClose,
} from '../../src/db/provider-nodes.js';
import { recordNode } from '../../src/db/providers.js';
import { dropDatabase, emptyDatabase, freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.close();
});
const pool = () => database.pool;

/** A registered provider that has no node name yet. */
async function registered(): Promise<string> {
  const providerId = `named-${randomUUID().slice(0, 8)}`;
  await putProvider(pool(), { providerId });
  await pool().query('delete from provider_nodes where provider_id = $1', [providerId]);
  await pool().query(
    'update providers set node_name = null, node_uid = null, joined_at = null where provider_id = $1',
    [providerId],
  );
  return providerId;
}
const hex = (length: number) => randomUUID().replaceAll('-', '').repeat(2).slice(0, length);

async function signsWith(providerId: string, nodeKey: string): Promise<void> {
  await pool().query(
    `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id, spec_hash,
                                      issued_at, expires_at, bound_at, signed_at)
     values ($1, $2, $3, '{}', '', 1, $4, now(), now(), now(), now())
     on conflict (provider_id) do update set node_key = excluded.node_key`,
    [providerId, `0x${'1'.repeat(40)}`, nodeKey, `0x${'0'.repeat(64)}`],
  );
}
let messages = 0;
async function admit(providerId: string, signed: boolean, node?: 'its_own' | 'anothers' | 'none', messageId?: string) {
  const admission: Admission = { providerId, messageId: messageId ?? `message-${messages++}`, signed };
  const current = await currentNode(pool(), providerId);
  if (current !== undefined) admission.seen = { nodeName: current.nodeName, node: node ?? 'none' };
  return (await admitNode(pool(), admission)).nodeName;
}

test('a node key keeps its node name, whether its node is there or not, and another key gets another name', async () => {
  const providerId = await registered();
  const [first, second] = [`0x${hex(40)}`, `0x${hex(40)}`];
  await signsWith(providerId, first);
  expect(await admit(providerId, true)).toBe(`p-${providerId}-1`);
  expect(await admit(providerId, true)).toBe(`p-${providerId}-1`);
  expect(await admit(providerId, true, 'its_own')).toBe(`p-${providerId}-1`);
  await signsWith(providerId, second);
  expect(await admit(providerId, true, 'its_own')).toBe(`p-${providerId}-2`);
  await signsWith(providerId, first);
  expect(await admit(providerId, true, 'its_own')).toBe(`p-${providerId}-3`);
});

test('a provider that does not sign keeps its existing node, and is never admitted twice under one name', async () => {
  const providerId = await registered();
  expect(await admit(providerId, false)).toBe(`p-${providerId}-1`);
  expect(await admit(providerId, false)).toBe(`p-${providerId}-2`);
  expect(await admit(providerId, false, 'its_own')).toBe(`p-${providerId}-2`);
  expect(await admit(providerId, false)).toBe(`p-${providerId}-3`);
});

test('an answer that is made again names the same node', async () => {
  const providerId = await registered();
  const nodeName = await admit(providerId, false, 'none', 'once#0');
  await reserveJoinToken(pool(), { providerId, messageId: 'once#0', nodeName, ttlS: 60 });
  expect(await admit(providerId, false, 'none', 'once#0')).toBe(nodeName);
  expect(await admit(providerId, false, 'none', 'once#1')).not.toBe(nodeName);
});

test('a node name that somebody else’s node bears is left to that node', async () => {
  const providerId = await registered();
  await signsWith(providerId, `0x${hex(40)}`);
  expect(await admit(providerId, true)).toBe(`p-${providerId}-1`);
  expect(await admit(providerId, true, 'anothers')).toBe(`p-${providerId}-2`);
});

test('the name of a node that has left is never given again, even if its provider was forgotten meanwhile', async () => {
  const providerId = await registered();
  await signsWith(providerId, `0x${hex(40)}`);
  expect(await admit(providerId, true)).toBe(`p-${providerId}-1`);
  expect(await markNodeCertified(pool(), `p-${providerId}-1`)).toBe(true);
  await leaveNode(pool(), providerId);
  expect(await markNodeCertified(pool(), `p-${providerId}-1`)).toBe(false);
  expect(await nodesToClose(pool(), providerId)).toMatchObject([{ nodeName: `p-${providerId}-1` }]);
  await markNodeClosed(pool(), `p-${providerId}-1`);
  expect(await nodesToClose(pool(), providerId)).toEqual([]);
  await pool().query('delete from providers where provider_id = $1', [providerId]);
  await putProvider(pool(), { providerId });
  await leaveNode(pool(), providerId);
  expect(await admit(providerId, true)).not.toBe(`p-${providerId}-1`);
});

test('an observation of the node with the previous name is not taken for the current node', async () => {
  const providerId = await registered();
  const before = await admit(providerId, false);
  const today = await admit(providerId, false);
  const seen = { nodeUid: 'a', ready: true, allocatable: { gpus: 8, cpuCores: 1, memoryMb: 1, storageGb: 1 } };
  await recordNode(pool(), providerId, { ...seen, nodeName: before });
  expect(await currentNode(pool(), providerId)).not.toHaveProperty('nodeUid');
  await recordNode(pool(), providerId, { ...seen, nodeName: today });
  expect(await currentNode(pool(), providerId)).toMatchObject({ nodeName: today, nodeUid: 'a' });
});

test('a machine of 0.1.0 keeps its node name while its node is there, and gets one from the broker when it joins again', async () => {
  const providerId = await registered();
  const nodeKey = `0x${hex(40)}`;
  await signsWith(providerId, nodeKey);
  await pool().query(
    `insert into provider_nodes (node_name, provider_id, generation, node_key, node_uid) values ($1, $1, 0, $2, 'uid')`,
    [providerId, nodeKey],
  );
  expect(await admit(providerId, true, 'its_own')).toBe(providerId);
  expect(await admit(providerId, true, 'none')).toBe(`p-${providerId}-1`);
});

test('an upgraded database of 0.1.0 keeps the names of existing nodes with their uids, and no other names', async () => {
  const [before, config] = [mkdtempSync(join(tmpdir(), 'migrations-')), await emptyDatabase()];
  for (const file of readdirSync(migrationsFolder()).filter((name) => name < '0044')) {
    copyFileSync(join(migrationsFolder(), file), join(before, file));
  }
  await migrate(config, undefined, before);
  const db = createPool(config);
  try {
    await db.query(
      `insert into providers (provider_id, node_name, node_uid, status, cordoned, wallet_addr, spec, capacity,
                              offer)
       select id, id, uid, status, status = 'retired', $1, '{}', '{}', '{"gpus": []}'
         from (values ('serves', 'uid-1', 'available'), ('signs', 'uid-2', 'offline'), ('yet-to-join', null, 'approved'),
                      ('retired', null, 'retired')) as t (id, uid, status)`,
      [`0x${'1'.repeat(40)}`],
    );
    await db.query(
      `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id,
                                        spec_hash, issued_at, expires_at, bound_at, signed_at)
       values ('signs', $1, $2, '{}', '', 1, $3, now(), now(), now(), now())`,
      [`0x${'1'.repeat(40)}`, `0x${'2'.repeat(40)}`, `0x${'0'.repeat(64)}`],
    );
    await migrate(config);
    const names = await db.query<{ provider_id: string; node_name: string | null }>(
      'select provider_id, node_name from providers where node_name is not null order by 1',
    );
    expect(names.rows.map(({ node_name: name }) => name)).toEqual(['serves', 'signs']);
    const old = { generation: 0, certified: false };
    expect(await currentNode(db, 'serves')).toEqual({
      providerId: 'serves',
      nodeName: 'serves',
      nodeUid: 'uid-1',
      ...old,
    });
    expect(await currentNode(db, 'signs')).toMatchObject({ nodeUid: 'uid-2', nodeKey: `0x${'2'.repeat(40)}`, ...old });
    expect(await currentNode(db, 'yet-to-join')).toBeUndefined();
    expect(await currentNode(db, 'retired')).toBeUndefined();
  } finally {
    await db.end();
    await dropDatabase(config.POSTGRES_DB);
    rmSync(before, { recursive: true });
  }
});
