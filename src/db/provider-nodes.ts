import type { Pool } from 'pg';
import { nodeNameOf } from '../node-name.js';
import { withTransaction, type Queryable, type Transaction } from './pool.js';
import { prepared } from './prepared.js';

/** A node name assigned to a provider. */
export interface NamedNode {
  providerId: string;
  nodeName: string;
  /** 0 for a node that joined under 0.1.0, with a name that an operator's machine may have too. */
  generation: number;
  /** The key it was admitted with; absent if it did not sign. */
  nodeKey?: string;
  /** The uid of the node when last seen. */
  nodeUid?: string;
  /** True if somebody may hold a certificate for the name. */
  certified: boolean;
}

interface NamedNodeRow {
  provider_id: string;
  node_name: string;
  generation: number;
  node_key: string | null;
  node_uid: string | null;
  certified: boolean;
}

const columns = `n.provider_id, n.node_name, n.generation, n.node_key, n.node_uid, n.certified_at is not null as certified`;

function nodeOf(row: NamedNodeRow): NamedNode {
  return {
    providerId: row.provider_id,
    nodeName: row.node_name,
    generation: row.generation,
    ...(row.node_key === null ? {} : { nodeKey: row.node_key }),
    ...(row.node_uid === null ? {} : { nodeUid: row.node_uid }),
    certified: row.certified,
  };
}

/** The node that a provider has in the fleet or may create by joining; undefined before a name is assigned. */
export async function currentNode(db: Queryable, providerId: string): Promise<NamedNode | undefined> {
  return (await currentNodes(db, [providerId])).get(providerId);
}

export async function currentNodes(db: Queryable, providerIds: readonly string[]): Promise<Map<string, NamedNode>> {
  const { rows } = await db.query<NamedNodeRow>(
    prepared(`select ${columns} from provider_nodes n where n.provider_id = any ($1::text[]) and n.left_at is null`),
    [providerIds],
  );
  return new Map(rows.map((row) => [row.provider_id, nodeOf(row)]));
}

/** What is known about a provider's node when the provider registers. */
export interface Admission {
  providerId: string;
  /** The registration's id and the number of the join command. */
  messageId: string;
  /** True if the provider's current key signed the message. */
  signed: boolean;
  /** The node name that was looked up in the cluster, and the result. */
  seen?: { nodeName: string; node: 'its_own' | 'anothers' | 'none' };
}

/**
 * Chooses the node name for a registration. A node in the fleet keeps its name unless its provider now has another key,
 * and a key with a name keeps that name. Otherwise the provider gets a new name, and its previous node has left. A
 * repeat for the same message returns the same name.
 */
export async function admitNode(pool: Pool, admission: Admission): Promise<NamedNode> {
  const { providerId, messageId, signed, seen } = admission;
  return await withTransaction(pool, async (tx) => {
    await tx.query(prepared('select from providers where provider_id = $1 for no key update'), [providerId]);
    const current = await currentNode(tx, providerId);
    const key = signed ? await keyOf(tx, providerId) : undefined;
    if (current !== undefined) {
      const isAnothers = seen?.nodeName === current.nodeName && seen.node === 'anothers';
      const isThere = seen?.nodeName === current.nodeName && seen.node === 'its_own';
      const isSameKey = !signed || key === current.nodeKey;
      const isAnswered = (await nameInToken(tx, providerId, messageId)) === current.nodeName;
      const isKeysOwn = signed && current.generation > 0;
      if (isSameKey && !isAnothers && (isThere || isAnswered || isKeysOwn)) return current;
    }
    return await nameNode(tx, providerId, key);
  });
}

/** A provider's current key; undefined if it has not signed anything. */
export async function keyOf(db: Queryable, providerId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ node_key: string }>(
    prepared('select node_key from provider_identities where provider_id = $1 and signed_at is not null'),
    [providerId],
  );
  return rows[0]?.node_key;
}

async function nameInToken(tx: Transaction, providerId: string, messageId: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ node_name: string }>(
    prepared('select node_name from join_tokens where provider_id = $1 and message_id = $2'),
    [providerId, messageId],
  );
  return rows[0]?.node_name;
}

/** Assigns a new name to a provider's node; nothing more is placed on the previous node. */
async function nameNode(tx: Transaction, providerId: string, key: string | undefined): Promise<NamedNode> {
  await leaveNode(tx, providerId);
  const { rows } = await tx.query<{ generation: number }>(
    prepared('select coalesce(max(generation), 0) + 1 as generation from provider_nodes where provider_id = $1'),
    [providerId],
  );
  for (let generation = rows[0]!.generation; ; generation++) {
    const nodeName = nodeNameOf(providerId, generation);
    const { rowCount } = await tx.query(
      prepared(`insert into provider_nodes (node_name, provider_id, generation, node_key) values ($1, $2, $3, $4)
       on conflict (node_name) do nothing`),
      [nodeName, providerId, generation, key ?? null],
    );
    if (rowCount === 0) continue;
    await tx.query(
      prepared(`update providers
          set node_name = $2, node_uid = null, node_ready = false, updated_at = now(),
              status = case when status in ('joined', 'available', 'busy') then 'offline' else status end
        where provider_id = $1`),
      [providerId, nodeName],
    );
    return { providerId, nodeName, generation, ...(key === undefined ? {} : { nodeKey: key }), certified: false };
  }
}

/**
 * Records that a provider's node has left the fleet. The cluster must still be told, unless nobody can have a
 * certificate for the name.
 */
export async function leaveNode(db: Queryable, providerId: string): Promise<void> {
  await db.query(
    prepared(`update provider_nodes
        set left_at = now(), closed_at = case when certified_at is null and node_uid is null then now() end
      where provider_id = $1 and left_at is null`),
    [providerId],
  );
}

/** Which of these names belonged to a provider's node that has left. Names never assigned are not returned. */
export async function whichHaveLeft(db: Queryable, nodeNames: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ node_name: string }>(
    `select node_name from provider_nodes
      where node_name = any ($1::text[]) and left_at is not null and generation > 0`,
    [nodeNames],
  );
  return rows.map(({ node_name }) => node_name);
}

/** Records, before approval, that a certificate is issued for the name. @returns false when the node has left. */
export async function markNodeCertified(db: Queryable, nodeName: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update provider_nodes set certified_at = coalesce(certified_at, now()) where node_name = $1 and left_at is null`,
    [nodeName],
  );
  return rowCount === 1;
}

/** Nodes that left at least this long ago and that the cluster has not been told of: of one provider, or of all. */
export async function nodesToClose(
  db: Queryable,
  { providerId, olderThanS = 0, limit }: { providerId?: string; olderThanS?: number; limit: number },
): Promise<NamedNode[]> {
  const { rows } = await db.query<NamedNodeRow>(
    prepared(`select ${columns} from provider_nodes n
      where n.left_at is not null and n.closed_at is null and ($1::text is null or n.provider_id = $1)
        and n.left_at <= now() - make_interval(secs => $2)
      order by n.left_at limit $3`),
    [providerId ?? null, olderThanS, limit],
  );
  return rows.map(nodeOf);
}

export async function markNodeClosed(db: Queryable, nodeName: string): Promise<void> {
  await db.query('update provider_nodes set closed_at = now() where node_name = $1 and left_at is not null', [
    nodeName,
  ]);
}

/** Names that have left and for which somebody may still hold a certificate, latest first. */
export async function namesThatLeft(db: Queryable, { withinDays, limit }: { withinDays: number; limit: number }) {
  const { rows } = await db.query<{ node_name: string }>(
    `select node_name from provider_nodes
      where left_at > now() - make_interval(days => $1) and certified_at is not null and generation > 0
      order by left_at desc limit $2`,
    [withinDays, limit],
  );
  return rows.map(({ node_name }) => node_name);
}

/** Deletes names for which nobody holds a certificate, some thousands at a time. @returns how many. */
export async function forgetNodes(db: Queryable, withinDays: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from provider_nodes where node_name in
       (select node_name from provider_nodes
         where closed_at < now() - case when certified_at is null then interval '1 day' else make_interval(days => $1) end
         order by closed_at limit 5000)`,
    [withinDays],
  );
  return rowCount ?? 0;
}
