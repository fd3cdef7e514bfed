import type { NodeAllocatable } from '../domain/provider.js';
import type { Queryable } from './pool.js';
import { currentNodes, type NamedNode } from './provider-nodes.js';
import type { ProviderStatus } from '../wire/statuses.js';

/** What the database knows about a provider of the fleet and the cluster or Temporal might contradict. */
export interface KnownProvider {
  providerId: string;
  nodeName?: string;
  /** What makes a node of that name its own; absent without a name. */
  node?: NamedNode;
  /** Absent while no node was seen. */
  nodeUid?: string;
  nodeReady: boolean;
  allocatable?: NodeAllocatable;
  status: ProviderStatus;
  heartbeatAlive: boolean;
  offeredGpus: number;
  /** It leaves the fleet when it has no jobs any more. */
  retiring: boolean;
}

interface KnownProviderRow {
  provider_id: string;
  node_name: string | null;
  node_uid: string | null;
  node_ready: boolean;
  allocatable: NodeAllocatable | null;
  status: ProviderStatus;
  heartbeat_alive: boolean;
  offered_gpus: number;
  retiring: boolean;
}

const selectKnown = `
  select provider_id, node_name, node_uid, node_ready, allocatable, status, heartbeat_alive, retiring,
         (select coalesce(sum((g ->> 'count')::int), 0)::int from jsonb_array_elements(offer -> 'gpus') g) as offered_gpus
    from providers
   where status <> 'retired'`;

/** With what is known of their nodes. */
async function knownOf(db: Queryable, rows: readonly KnownProviderRow[]): Promise<KnownProvider[]> {
  const nodes = await currentNodes(
    db,
    rows.map(({ provider_id }) => provider_id),
  );
  return rows.map((row) => ({ ...providerOf(row), ...nodeIn(nodes, row) }));
}

function nodeIn(nodes: ReadonlyMap<string, NamedNode>, row: KnownProviderRow): { node?: NamedNode } {
  const node = nodes.get(row.provider_id);
  return node === undefined ? {} : { node };
}

function providerOf(row: KnownProviderRow): KnownProvider {
  return {
    providerId: row.provider_id,
    ...(row.node_name === null ? {} : { nodeName: row.node_name }),
    ...(row.node_uid === null ? {} : { nodeUid: row.node_uid }),
    nodeReady: row.node_ready,
    ...(row.allocatable === null ? {} : { allocatable: row.allocatable }),
    status: row.status,
    heartbeatAlive: row.heartbeat_alive,
    offeredGpus: row.offered_gpus,
    retiring: row.retiring,
  };
}

const pageSize = 1_000;

/** All providers that are part of the fleet, a page at a time in the order of their ids. */
export async function knownProviders(db: Queryable, after?: string): Promise<KnownProvider[]> {
  const { rows } = await db.query<KnownProviderRow>(
    `${selectKnown} and ($1::text is null or provider_id > $1) order by provider_id limit $2`,
    [after ?? null, pageSize],
  );
  return await knownOf(db, rows);
}

export async function knownAmong(db: Queryable, providerIds: readonly string[]): Promise<Map<string, KnownProvider>> {
  const { rows } = await db.query<KnownProviderRow>(`${selectKnown} and provider_id = any ($1::text[])`, [providerIds]);
  return new Map((await knownOf(db, rows)).map((provider) => [provider.providerId, provider]));
}

/**
 * Records that the nodes of these providers were seen ready just now. Rows locked elsewhere are skipped, since the next
 * comparison comes in a minute.
 */
export async function recordNodesReady(db: Queryable, providerIds: readonly string[]): Promise<void> {
  await db.query(
    `with seen as materialized (
       select provider_id from provider_heartbeats where provider_id = any ($1::text[]) for no key update skip locked
     )
     update provider_heartbeats h set node_ready_at = now() from seen where h.provider_id = seen.provider_id`,
    [providerIds],
  );
}

/** The registration with an outstanding join command: its token is still usable and its node has not joined. */
export async function pendingRegistration(db: Queryable, providerId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ message_id: string }>(
    `select t.message_id from join_tokens t join provider_registrations r
         on r.message_id = split_part(t.message_id, '#', 1) and r.provider_id = t.provider_id
      where t.provider_id = $1 and t.deleted_at is null and t.expires_at > now()
      order by t.created_at desc limit 1`,
    [providerId],
  );
  return rows[0]?.message_id.split('#')[0];
}
