import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';
import { together } from './together.js';

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
export const currentNode = together(async (db: Queryable, providerIds: readonly string[]) => {
  const nodes = await currentNodes(db, providerIds);
  return providerIds.map((providerId) => nodes.get(providerId));
});

export async function currentNodes(db: Queryable, providerIds: readonly string[]): Promise<Map<string, NamedNode>> {
  const { rows } = await db.query<NamedNodeRow>(
    prepared(`select ${columns} from provider_nodes n where n.provider_id = any ($1::text[]) and n.left_at is null`),
    [providerIds],
  );
  return new Map(rows.map((row) => [row.provider_id, nodeOf(row)]));
}

/** A provider's current key; undefined if it has not signed anything. */
export async function keyOf(db: Queryable, providerId: string): Promise<string | undefined> {
  return (await keysOf(db, [providerId])).get(providerId);
}

/** The same for several providers, by their ids. */
export async function keysOf(db: Queryable, providerIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await db.query<{ provider_id: string; node_key: string }>(
    prepared(`select provider_id, node_key from provider_identities
      where provider_id = any ($1::text[]) and signed_at is not null`),
    [providerIds],
  );
  return new Map(rows.map(({ provider_id, node_key }) => [provider_id, node_key]));
}

/**
 * Records that a provider's node has left the fleet. The cluster must still be told, unless nobody can have a
 * certificate for the name.
 */
export async function leaveNode(db: Queryable, providerId: string): Promise<void> {
  await leaveNodes(db, [providerId]);
}

/** The same for several providers. */
export async function leaveNodes(db: Queryable, providerIds: readonly string[]): Promise<void> {
  await db.query(
    prepared(`update provider_nodes
        set left_at = now(), closed_at = case when certified_at is null and node_uid is null then now() end
      where provider_id = any ($1::text[]) and left_at is null`),
    [providerIds],
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

const isToCloseSql = 'n.left_at is not null and n.closed_at is null';

/** Nodes of a provider that left and that the cluster has not been told of. */
export const nodesToClose = together(nodesToCloseOf);

/** The same for several providers, in their order. */
export async function nodesToCloseOf(db: Queryable, providerIds: readonly string[]): Promise<NamedNode[][]> {
  const { rows } = await db.query<NamedNodeRow>(
    prepared(`select ${columns} from provider_nodes n
      where n.provider_id = any ($1::text[]) and ${isToCloseSql} order by n.left_at`),
    [providerIds],
  );
  const nodes = rows.map(nodeOf);
  return providerIds.map((asked) => nodes.filter(({ providerId }) => providerId === asked));
}

/** Nodes of all providers that left at least this long ago and that the cluster has not been told of. */
export async function nodesLeftUnclosed(
  db: Queryable,
  { olderThanS, limit }: { olderThanS: number; limit: number },
): Promise<NamedNode[]> {
  const { rows } = await db.query<NamedNodeRow>(
    `select ${columns} from provider_nodes n
      where ${isToCloseSql} and n.left_at <= now() - make_interval(secs => $1)
      order by n.left_at limit $2`,
    [olderThanS, limit],
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
