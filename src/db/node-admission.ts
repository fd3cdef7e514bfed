import { nodeNameOf } from '../node-name.js';
import { withShortLocks, type Database, type Transaction } from './pool.js';
import { prepared } from './prepared.js';
import { currentNodes, keysOf, leaveNodes, type NamedNode } from './provider-nodes.js';
import { together } from './together.js';

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
