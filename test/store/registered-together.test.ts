import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  liveAnswer,
  markTokenAnswered,
  markTokenDelivered,
  replacedTokens,
  reserveJoinToken,
} from '../../src/db/join-tokens.js';
import { admitNode } from '../../src/db/node-admission.js';
import { currentNode, nodesToClose } from '../../src/db/provider-nodes.js';
import { registrationRecord } from '../../src/db/provider-approvals.js';
import { recordRegistrations, type RegisteredProvider } from '../../src/db/providers.js';
import { handOver, recordAnswer } from '../../src/db/answer-desk.js';
import { keepRegistration, mayBeTold, takeRegistration, type ArrivedMessage } from '../../src/db/registrations.js';
import { hasRoomForProvider } from '../../src/db/never-joined.js';
import { together } from '../../src/db/together.js';
import { registrationSchema } from '../../src/domain/registration.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { registrationOf } from '../support/fleet.js';

/**
 * Registrations that come at the same time share statements. Each must end as if it had come alone, and none may fail or
 * wait because of another.
 */
let database: TestDatabase;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await pool().query('truncate providers, provider_nodes, provider_registrations, join_tokens cascade');
});

const wallet = (digit: number) => `0x${String(digit).repeat(40)}`;
const ids = ['alder', 'beech', 'cedar', 'douglas'];
const at = (minute: number) => new Date(Date.UTC(2026, 10, 28, 12, minute));

const mining = registrationSchema.parse({
  provider_id: 'douglas',
  spec: { hostname: 'douglas', gpus: [] },
  capacity: { gpu_count: 0 },
  mining_config: { image: 'docker.io/miners/one:1' },
}).miningConfig!;

const machines: RegisteredProvider[] = ids.map((providerId, index) => ({
  ...registrationOf({
    providerId,
    gpus: { model: ['NVIDIA L4', 'NVIDIA A100'][index % 2]!, count: index + 1 },
    gpuPrice: index / 10 + 0.1,
    cpuCores: 8 * (index + 1),
  }),
  wallet: wallet(index),
  walletVerified: index % 2 === 0,
  agentVersion: index === 1 ? null : `1.${index}`,
  publicIp: index === 2 ? '198.51.100.7' : null,
  miningConfig: index === 3 ? mining : null,
  receivedAt: at(index),
}));

async function storedRows(): Promise<unknown[]> {
  const { rows } = await pool().query<{ row: Record<string, unknown> }>(
    `select to_jsonb(p) - 'registered_at' - 'updated_at' as row from providers p
     union all select to_jsonb(r) from provider_resources r
     union all select jsonb_build_object('heard', provider_id, 'at', last_heartbeat) from provider_heartbeats
      order by 1`,
  );
  return rows.map(({ row }) => row);
}

const record = together(
  (db, registered: readonly RegisteredProvider[]) => recordRegistrations(db, registered),
  ({ providerId }) => providerId,
);
const recordAll = () => Promise.all(machines.map((machine) => record(pool(), machine)));

/** Holds a provider's row while `work` runs, then releases it. @returns what the promise `left` resolves to. */
async function whileHeld<T>(providerId: string, work: () => Promise<{ left: Promise<T> }>): Promise<T> {
  const holder = await pool().connect();
  let left: Promise<T>;
  try {
    await holder.query('begin');
    await holder.query('select from providers where provider_id = $1 for update', [providerId]);
    ({ left } = await work());
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  return await left;
}

describe('machines that register together', () => {
  test('are stored as if each had come alone', async () => {
    for (const machine of machines) expect(await recordRegistrations(pool(), [machine])).toEqual([true]);
    const alone = await storedRows();
    expect(alone.length).toBeGreaterThan(4 * ids.length);
    await pool().query('truncate providers cascade');
    expect(await recordAll()).toEqual([true, true, true, true]);
    expect(await storedRows()).toEqual(alone);
  });

  test('get what newer registrations say, and an older one among them changes nothing', async () => {
    await recordAll();
    const later = machines.map((machine, index) => ({
      ...{ ...machine, agentVersion: 'later', receivedAt: at(index === 2 ? 0 : 30) },
    }));
    expect(await Promise.all(later.map((machine) => record(pool(), machine)))).toEqual([true, true, false, true]);
    const { rows } = await pool().query<{ agent_version: string }>(
      'select agent_version from providers order by provider_id',
    );
    expect(rows.map(({ agent_version }) => agent_version)).toEqual(['later', 'later', '1.2', 'later']);
  });

  test('of two registrations of one machine both are looked at', async () => {
    const [first] = machines;
    const second = { ...first!, agentVersion: 'second', receivedAt: at(9) };
    const older = { ...first!, agentVersion: 'older', receivedAt: at(1) };
    expect(await Promise.all([first!, second, older].map((one) => record(pool(), one)))).toEqual([true, true, false]);
    const { rows } = await pool().query('select agent_version from providers');
    expect(rows).toEqual([{ agent_version: 'second' }]);
  });

  test('do not wait for one whose row somebody holds, and that one is stored afterwards', async () => {
    await recordAll();
    const later = machines.map((machine) => ({ ...machine, agentVersion: 'later', receivedAt: at(30) }));
    const versions = async () => {
      const { rows } = await pool().query<{ agent_version: string }>(
        'select agent_version from providers order by provider_id',
      );
      return rows.map(({ agent_version }) => agent_version);
    };
    const stored = await whileHeld('cedar', async () => {
      const all = later.map((machine) => record(pool(), machine));
      await Promise.all(all.filter((_, index) => index !== 2));
      expect(await versions()).toEqual(['later', 'later', '1.2', 'later']);
      return { left: all[2]! };
    });
    expect(stored).toBe(true);
    expect(await versions()).toEqual(['later', 'later', 'later', 'later']);
  });

  test('do not suffer for one with a value that the database refuses', async () => {
    const broken = { ...machines[1]!, wallet: 'x'.repeat(1_000) };
    const ends = await Promise.allSettled(
      [machines[0]!, broken, machines[2]!].map((machine) => record(pool(), machine)),
    );
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await pool().query('select from providers')).rowCount).toBe(2);
  });

  test('are told each of its own wallet', async () => {
    await recordAll();
    await pool()
      .query(`update providers set approved_wallet = wallet_addr, approved_by = wallet_addr, approved_at = now()
        where provider_id in ('alder', 'beech')`);
    const asked = ids.map((providerId, index) => ({ providerId, wallet: wallet(index === 1 ? 9 : index) }));
    const records = await Promise.all(asked.map((one) => registrationRecord(pool(), one)));
    expect(records.map(({ approved }) => approved)).toEqual([true, false, false, false]);
    expect(records.map(({ isAnothers }) => isAnothers)).toEqual([false, true, false, false]);
  });
});

describe('nodes that are named together', () => {
  const admit = (providerId: string, messageId = `${providerId}#0`) =>
    admitNode(pool(), { providerId, messageId, signed: false });

  test('have each its own name, which its provider finds', async () => {
    await recordAll();
    const nodes = await Promise.all(ids.map((providerId) => admit(providerId)));
    expect(nodes.map(({ nodeName }) => nodeName)).toEqual(ids.map((providerId) => `p-${providerId}-1`));
    expect(await Promise.all(ids.map((providerId) => currentNode(pool(), providerId)))).toEqual(nodes);
    const { rows } = await pool().query('select node_name from providers order by provider_id');
    expect(rows).toEqual(nodes.map(({ nodeName }) => ({ node_name: nodeName })));
  });

  test('where one keeps its name, the others get new ones', async () => {
    await recordAll();
    await Promise.all(ids.map((providerId) => admit(providerId)));
    await reserveJoinToken(pool(), { providerId: 'beech', messageId: 'beech#1', nodeName: 'p-beech-1', ttlS: 60 });
    await pool().query(`update provider_nodes set certified_at = now() where node_name = 'p-alder-1'`);
    const again = await Promise.all(ids.map((providerId) => admit(providerId, `${providerId}#1`)));
    expect(again.map(({ nodeName }) => nodeName)).toEqual(['p-alder-2', 'p-beech-1', 'p-cedar-2', 'p-douglas-2']);
    const left = await Promise.all(ids.map((providerId) => nodesToClose(pool(), providerId)));
    expect(left.map((nodes) => nodes.map(({ nodeName }) => nodeName))).toEqual([['p-alder-1'], [], [], []]);
  });

  test('two registrations of one provider are admitted one after the other', async () => {
    await recordAll();
    const nodes = await Promise.all([admit('alder', 'first#0'), admit('alder', 'second#0')]);
    expect(nodes.map(({ nodeName }) => nodeName)).toEqual(['p-alder-1', 'p-alder-2']);
  });

  test('a name that somebody has is passed over', async () => {
    await recordAll();
    await pool().query(
      `insert into provider_nodes (node_name, provider_id, generation, left_at) values ('p-beech-1', 'alder', 0, now())`,
    );
    const nodes = await Promise.all(['beech', 'cedar'].map((providerId) => admit(providerId)));
    expect(nodes).toMatchObject([
      { nodeName: 'p-beech-2', generation: 2 },
      { nodeName: 'p-cedar-1', generation: 1 },
    ]);
    expect(await currentNode(pool(), 'beech')).toEqual(nodes[0]);
  });
});

describe('join tokens that are given together', () => {
  const needed = (providerId: string, more: object = {}) => ({
    ...{ providerId, messageId: `${providerId}#0`, nodeName: `p-${providerId}-1`, ttlS: 60, ...more },
  });
  beforeEach(recordAll);

  test('each message gets its own, and a repeat the same', async () => {
    const reserve = () => Promise.all(ids.map((providerId) => reserveJoinToken(pool(), needed(providerId))));
    const tokens = await reserve();
    expect(new Set(tokens.map(({ tokenId }) => tokenId)).size).toBe(ids.length);
    expect(await reserve()).toEqual(tokens);
  });

  test('one that was made ahead goes to the message that it was taken for', async () => {
    const expiresAt = at(59);
    const tokens = await Promise.all(
      ids.map((providerId, index) =>
        reserveJoinToken(pool(), needed(providerId, { ahead: { tokenId: `ahead${index}`, expiresAt } })),
      ),
    );
    expect(tokens).toEqual(ids.map((_, index) => ({ tokenId: `ahead${index}`, expiresAt })));
  });

  test('where an id is taken, its message alone gets another', async () => {
    const ahead = { tokenId: 'taken0', expiresAt: at(59) };
    await reserveJoinToken(pool(), needed('alder', { ahead }));
    const [beech, cedar] = await Promise.all([
      reserveJoinToken(pool(), needed('beech', { ahead })),
      reserveJoinToken(pool(), needed('cedar', { ahead: { tokenId: 'free00', expiresAt: at(58) } })),
    ]);
    expect(beech.tokenId).not.toBe('taken0');
    expect(cedar).toEqual({ tokenId: 'free00', expiresAt: at(58) });
  });

  test('what is recorded of one is not recorded of another', async () => {
    const [alder, beech, cedar] = await Promise.all(
      ids.slice(0, 3).map((providerId) => reserveJoinToken(pool(), needed(providerId))),
    );
    await Promise.all([
      markTokenAnswered(pool(), { tokenId: alder!.tokenId, encKey: 'key', answeredAt: at(1) }),
      markTokenAnswered(pool(), { tokenId: beech!.tokenId, encKey: undefined, answeredAt: at(2) }),
      markTokenDelivered(pool(), cedar!.tokenId),
    ]);
    const { rows } = await pool().query(
      `select provider_id, answered_at, sealed_for, delivered_at is not null as delivered from join_tokens order by 1`,
    );
    expect(rows).toEqual([
      { provider_id: 'alder', answered_at: at(1), sealed_for: 'key', delivered: false },
      { provider_id: 'beech', answered_at: at(2), sealed_for: null, delivered: false },
      { provider_id: 'cedar', answered_at: null, sealed_for: null, delivered: true },
    ]);
  });

  test('each provider is given its own answer again, and loses only its own tokens', async () => {
    for (const [index, providerId] of ids.entries()) {
      await keepRegistration(pool(), arrived(providerId));
      const { tokenId } = await reserveJoinToken(
        pool(),
        needed(providerId, { messageId: `${arrived(providerId).messageId}#0`, ttlS: 900 }),
      );
      if (index !== 1) await markTokenAnswered(pool(), { tokenId, encKey: undefined, answeredAt: new Date() });
      await pool().query(`update join_tokens set created_at = now() - interval '1 minute' where token_id = $1`, [
        tokenId,
      ]);
    }
    const live = await Promise.all(
      ids.map((providerId) =>
        liveAnswer(pool(), { providerId, command: `later/${providerId}#0`, wallet: wallet(1), signed: false }),
      ),
    );
    expect(live.map((answer) => answer?.nodeName)).toEqual(['p-alder-1', undefined, 'p-cedar-1', 'p-douglas-1']);
    const newest = await Promise.all(
      ids.map((providerId) =>
        reserveJoinToken(pool(), needed(providerId, { messageId: 'newest#0', nodeName: 'another', ttlS: 900 })),
      ),
    );
    const replaced = await Promise.all(
      ids.map((providerId, index) => replacedTokens(pool(), { providerId, newest: newest[index]!.tokenId })),
    );
    expect(replaced).toEqual([[live[0]!.tokenId], [expect.any(String)], [live[2]!.tokenId], [live[3]!.tokenId]]);
  });
});

const arrived = (providerId: string, more: Partial<ArrivedMessage> = {}): ArrivedMessage => ({
  ...{ messageId: `provider:registration/1-1/${providerId}`, providerId, wallet: wallet(1), signed: false },
  registration: registrationSchema.parse({
    provider_id: providerId,
    wallet_addr: wallet(1),
    spec: { hostname: providerId, gpus: [] },
    capacity: { gpu_count: 0 },
  }),
  ...{ receivedAt: at(1), placeInMs: 0, ...more },
});

describe('messages that are stored together', () => {
  const messageIds = ids.map((providerId) => arrived(providerId).messageId);

  test('each gets a row with its own content, and a repeat finds it', async () => {
    const keep = () => Promise.all(ids.map((providerId) => keepRegistration(pool(), arrived(providerId))));
    const kept = await keep();
    expect(kept).toEqual(messageIds.map((messageId) => ({ messageId, untold: true, sender: expect.any(String) })));
    expect(await keep()).toEqual(kept);
    const taken = await Promise.all(messageIds.map((messageId) => takeRegistration(pool(), messageId)));
    expect(taken.map((message) => message?.registration.providerId)).toEqual(ids);
    expect(await takeRegistration(pool(), 'unknown')).toBeUndefined();
  });

  test('a newer one takes the place of the one that waits, beside one that is new', async () => {
    await keepRegistration(pool(), arrived('alder'));
    const [alder, beech] = await Promise.all([
      keepRegistration(pool(), arrived('alder', { messageId: 'provider:registration/2-1/alder', receivedAt: at(2) })),
      keepRegistration(pool(), arrived('beech')),
    ]);
    expect([alder!.messageId, beech!.messageId]).toEqual([messageIds[0], messageIds[1]]);
    expect((await takeRegistration(pool(), messageIds[0]!))!.receivedAt).toEqual(at(2));
  });

  test('a provider with too many under several wallets is refused, and the others are not', async () => {
    for (const digit of [2, 3, 4, 5]) {
      const messageId = `provider:registration/${digit}-1/alder`;
      await keepRegistration(pool(), arrived('alder', { messageId, wallet: wallet(digit) }));
    }
    const kept = await Promise.all(
      ['alder', 'beech'].map((providerId) => keepRegistration(pool(), arrived(providerId))),
    );
    expect(kept).toMatchObject([undefined, { messageId: messageIds[1] }]);
  });

  test('only those are handed over whose provider stays, and each keeps its own answer', async () => {
    await recordAll();
    await pool().query(`insert into registration_answerers (name) values ('worker') on conflict do nothing`);
    await pool().query(`update providers set retiring = true, cordoned = true where provider_id = 'beech'`);
    for (const providerId of ids) await keepRegistration(pool(), arrived(providerId));
    const handed = await Promise.all(messageIds.map((messageId) => handOver(pool(), messageId)));
    expect(handed).toEqual([true, false, true, true]);
    await Promise.all(
      messageIds.map((messageId, index) =>
        recordAnswer(pool(), { messageId, answer: { kind: 'rejected', rejected: `no ${index}` } }),
      ),
    );
    const { rows } = await pool().query<{ rejected: string }>(
      `select answer ->> 'rejected' as rejected from provider_registrations order by provider_id`,
    );
    expect(rows.map(({ rejected }) => rejected)).toEqual(['no 0', 'no 1', 'no 2', 'no 3']);
  });

  test('each is told as often as its own limit allows', async () => {
    for (const place of Array.from({ length: 6 }, (_, index) => index)) {
      await keepRegistration(pool(), arrived('alder', { messageId: `provider:registration/0-${place}/alder` }));
      await pool().query('update provider_registrations set signalled_at = now(), taken_at = now()');
    }
    for (const providerId of ['alder', 'beech']) await keepRegistration(pool(), arrived(providerId));
    const may = await Promise.all(messageIds.slice(0, 2).map((messageId) => mayBeTold(pool(), messageId)));
    expect(may).toEqual([false, true]);
  });

  test('whether there is room is asked for each wallet', async () => {
    await recordAll();
    await pool().query(
      `insert into providers (provider_id, wallet_addr, wallet_verified, spec, capacity, offer)
       select 'full-' || n, $1, true, '{}', '{}', '{}' from generate_series(1, 1000) n`,
      [wallet(7)],
    );
    const asked = [
      { providerId: 'new', wallet: wallet(7), signed: true },
      { providerId: 'full-3', wallet: wallet(7), signed: true },
      { providerId: 'new', wallet: wallet(8), signed: true },
      { providerId: 'new', wallet: wallet(7), signed: false },
    ];
    const room = await Promise.all(asked.map((one) => hasRoomForProvider(pool(), one)));
    expect(room).toEqual([false, true, true, true]);
  });
});
