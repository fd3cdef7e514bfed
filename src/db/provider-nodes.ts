import { nodeNameOf } from '../node-name.js';
import { withShortLocks, type Database, type Queryable, type Transaction } from './pool.js';
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
export const admitNode = together(admitNodes, ({ providerId }) => providerId);

/** The same for several providers; at most one registration of each. */
export async function admitNodes(pool: Database, admissions: readonly Admission[]): Promise<NamedNode[]> {
  return await withShortLocks(pool, admissions.length, async (tx) => {
    const providerIds = admissions.map(({ providerId }) => providerId);
    await tx.query(
      prepared(`select from providers where provider_id = any ($1::text[]) order by provider_id for no key update`),
      [providerIds],
    );
    const nodes = await currentNodes(tx, providerIds);
    const signing = admissions.filter(({ signed }) => signed).map(({ providerId }) => providerId);
    const keys = signing.length === 0 ? new Map<string, string>() : await keysOf(tx, signing);
    const answered = await namesInTokens(
      tx,
      admissions.filter(({ providerId }) => nodes.has(providerId)),
    );
    const unnamed = admissions.filter((admission) => {
      const { providerId } = admission;
      const current = nodes.get(providerId);
      return current === undefined || !staysNamed(admission, current, keys.get(providerId), answered.get(providerId));
    });
    if (unnamed.length > 0) {
      for (const node of await nameNodes(tx, unnamed, keys)) nodes.set(node.providerId, node);
    }
    return providerIds.map((providerId) => nodes.get(providerId)!);
  });
}

/**
 * @param key the provider's current key, if it signed the message.
 * @param answered the name that the message was answered with before.
 */
function staysNamed(
  { signed, seen }: Admission,
  current: NamedNode,
  key: string | undefined,
  answered: string | undefined,
): boolean {
  const isAnothers = seen?.nodeName === current.nodeName && seen.node === 'anothers';
  const isThere = seen?.nodeName === current.nodeName && seen.node === 'its_own';
  const isSameKey = !signed || key === current.nodeKey;
  const isAnswered = answered === current.nodeName;
  const isKeysOwn = signed && current.generation > 0;
  return isSameKey && !isAnothers && (isThere || isAnswered || isKeysOwn);
}

/** A provider's current key; undefined if it has not signed anything. */
export async function keyOf(db: Queryable, providerId: string): Promise<string | undefined> {
  return (await keysOf(db, [providerId])).get(providerId);
}

async function keysOf(db: Queryable, providerIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await db.query<{ provider_id: string; node_key: string }>(
    prepared(`select provider_id, node_key from provider_identities
      where provider_id = any ($1::text[]) and signed_at is not null`),
    [providerIds],
  );
  return new Map(rows.map(({ provider_id, node_key }) => [provider_id, node_key]));
}

/** The names that messages were answered with, by provider. */
async function namesInTokens(tx: Transaction, answered: readonly Admission[]): Promise<Map<string, string>> {
  if (answered.length === 0) return new Map();
  const { rows } = await tx.query<{ provider_id: string; node_name: string }>(
    prepared(`select t.provider_id, t.node_name
       from unnest($1::text[], $2::text[]) as a (provider_id, message_id)
       join join_tokens t on t.provider_id = a.provider_id and t.message_id = a.message_id`),
    [answered.map(({ providerId }) => providerId), answered.map(({ messageId }) => messageId)],
  );
  return new Map(rows.map(({ provider_id, node_name }) => [provider_id, node_name]));
}

/** Assigns new names to providers' nodes; nothing more is placed on the previous nodes. */
async function nameNodes(
  tx: Transaction,
  unnamed: readonly Admission[],
  keys: ReadonlyMap<string, string>,
): Promise<NamedNode[]> {
  const providerIds = unnamed.map(({ providerId }) => providerId);
  // `node_name` is a key, so changing it needs the stronger lock. Rows are locked in the order of their ids, as everywhere.
  await tx.query(
    prepared('select from providers where provider_id = any ($1::text[]) order by provider_id for update'),
    [providerIds],
  );
  await leaveNodes(tx, providerIds);
  const last = await lastGenerations(tx, providerIds);
  const named: NamedNode[] = [];
  let next = providerIds.map((providerId) => nodeAfter(providerId, last.get(providerId) ?? 0, keys));
  while (next.length > 0) {
    const inserted = await insertNodes(tx, next);
    named.push(...next.filter(({ providerId }) => inserted.has(providerId)));
    // Somebody has these names: try the next generation.
    next = next
      .filter(({ providerId }) => !inserted.has(providerId))
      .map(({ providerId, generation }) => nodeAfter(providerId, generation, keys));
  }
  await tx.query(
    prepared(`update providers p
        set node_name = n.name, node_uid = null, node_ready = false, updated_at = now(),
            status = case when p.status in ('joined', 'available', 'busy') then 'offline' else p.status end
       from unnest($1::text[], $2::text[]) as n (provider_id, name)
      where p.provider_id = n.provider_id`),
    [named.map(({ providerId }) => providerId), named.map(({ nodeName }) => nodeName)],
  );
  return named;
}

async function lastGenerations(tx: Transaction, providerIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ provider_id: string; generation: number }>(
    prepared(`select provider_id, max(generation) as generation from provider_nodes
      where provider_id = any ($1::text[]) group by 1`),
    [providerIds],
  );
  return new Map(rows.map(({ provider_id, generation }) => [provider_id, generation]));
}

function nodeAfter(providerId: string, last: number, keys: ReadonlyMap<string, string>): NamedNode {
  const generation = last + 1;
  const key = keys.get(providerId);
  return {
    ...{ providerId, nodeName: nodeNameOf(providerId, generation), generation, certified: false },
    ...(key === undefined ? {} : { nodeKey: key }),
  };
}

/** @returns the providers whose names were free. */
async function insertNodes(tx: Transaction, nodes: readonly NamedNode[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ provider_id: string }>(
    prepared(`insert into provider_nodes (node_name, provider_id, generation, node_key)
     select * from unnest($1::text[], $2::text[], $3::int[], $4::text[]) as n (name, provider, generation, key)
      order by name
     on conflict (node_name) do nothing returning provider_id`),
    [
      nodes.map(({ nodeName }) => nodeName),
      nodes.map(({ providerId }) => providerId),
      nodes.map(({ generation }) => generation),
      nodes.map(({ nodeKey }) => nodeKey ?? null),
    ],
  );
  return new Set(rows.map(({ provider_id }) => provider_id));
}

/**
 * Records that a provider's node has left the fleet. The cluster must still be told, unless nobody can have a
 * certificate for the name.
 */
export async function leaveNode(db: Queryable, providerId: string): Promise<void> {
  await leaveNodes(db, [providerId]);
}

async function leaveNodes(db: Queryable, providerIds: readonly string[]): Promise<void> {
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
