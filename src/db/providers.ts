import type { Pool } from 'pg';
import type { SitePrices } from '../config.js';
import { architectureOf } from '../domain/gpu-needs.js';
import type { ProviderCapacity, SystemSpec } from '../domain/machine.js';
import { instant, type Printable } from '../domain/outside.js';
import { plainGpuResource } from '../domain/gpu-resources.js';
import { missingGpus } from '../domain/placement.js';
import {
  statusOfJoined,
  whyNotServing,
  type NodeAllocatable,
  type ProviderFacts,
  type ProviderOffer,
} from '../domain/provider.js';
import { offerAfterUpdate, type MiningConfig, type RegistrationRequest } from '../domain/registration.js';
import { storableJson } from './json.js';
import { withoutPrices } from './offers.js';
import { withShortLocks, withTransaction, type Database, type Queryable } from './pool.js';
import { keepOwnerPrices } from './provider-prices.js';
import { machineGpusSql, planSales, storeTargets, writeResources } from './provider-resources.js';
import type { ProviderStatus } from '../wire/statuses.js';
import { prepared } from './prepared.js';

/** A registration of a provider, as it is stored. */
export interface RegisteredProvider {
  providerId: string;
  /** Lower case. */
  wallet: string;
  walletVerified: boolean;
  spec: SystemSpec;
  capacity: ProviderCapacity;
  offer: ProviderOffer;
  miningConfig: MiningConfig | null;
  agentVersion: string | null;
  publicIp: string | null;
  receivedAt: Date;
}

/**
 * Stores registrations; a late, older one changes nothing. A registration is also a sign of life. A retired provider
 * starts over, and earlier orders about it no longer apply.
 *
 * @param registered at most one per provider.
 * @returns for each in turn, false when the stored registration is newer.
 */
export async function recordRegistrations(
  pool: Database,
  registered: readonly RegisteredProvider[],
  site: SitePrices = withoutPrices,
): Promise<boolean[]> {
  const windows = registered.map(({ capacity }) => windowOf(capacity));
  return await withShortLocks(pool, registered.length, async (tx) => {
    const { rows } = await tx.query<{ provider_id: string }>(
      prepared(`insert into providers as p (provider_id, wallet_addr, wallet_verified, spec, capacity, offer,
                                   mining_config, agent_version, public_ip, cpu_price_per_hour,
                                   memory_price_per_gb_hour, available_from, available_until, heartbeat_alive,
                                   registration_at, capacity_at, architecture)
       select provider_id, wallet, wallet_verified, machine -> 'spec', machine -> 'capacity', machine -> 'offer',
              nullif(machine -> 'miningConfig', 'null'), agent_version, public_ip, cpu_price, memory_price,
              available_from, available_until, true, received_at, received_at, architecture
         from rows from (unnest($1::text[]), unnest($2::text[]), unnest($3::bool[]), jsonb_array_elements($4::jsonb),
                         unnest($5::text[]), unnest($6::text[]), unnest($7::numeric[]), unnest($8::numeric[]),
                         unnest($9::timestamptz[]), unnest($10::timestamptz[]), unnest($11::timestamptz[]),
                         unnest($12::text[]))
                as r (provider_id, wallet, wallet_verified, machine, agent_version, public_ip, cpu_price, memory_price,
                      available_from, available_until, received_at, architecture)
        order by provider_id
       on conflict (provider_id) do update
         set wallet_addr = excluded.wallet_addr, wallet_verified = excluded.wallet_verified,
             spec = excluded.spec, capacity = excluded.capacity,
             offer = excluded.offer, mining_config = excluded.mining_config, agent_version = excluded.agent_version,
             public_ip = excluded.public_ip, cpu_price_per_hour = excluded.cpu_price_per_hour,
             memory_price_per_gb_hour = excluded.memory_price_per_gb_hour,
             available_from = excluded.available_from, available_until = excluded.available_until,
             registration_at = excluded.registration_at, capacity_at = excluded.capacity_at,
             architecture = excluded.architecture,
             cordoned = p.cordoned and p.status <> 'retired',
             retiring = p.retiring and p.status <> 'retired',
             drain_until = case when p.status <> 'retired' then p.drain_until end,
             heartbeat_alive = p.heartbeat_alive or p.status = 'retired',
             heartbeat_signalled = p.heartbeat_signalled or p.status = 'retired',
             status = case when p.status = 'retired' then 'pending' else p.status end, updated_at = now()
         where p.registration_at <= excluded.registration_at
       returning provider_id`),
      [
        registered.map(({ providerId }) => providerId),
        registered.map(({ wallet }) => wallet),
        registered.map(({ walletVerified }) => walletVerified),
        storableJson(
          registered.map(({ spec, capacity, offer, miningConfig }) => ({ spec, capacity, offer, miningConfig })),
        ),
        registered.map(({ agentVersion }) => agentVersion),
        registered.map(({ publicIp }) => publicIp),
        registered.map(({ offer }) => offer.cpuPricePerHour),
        registered.map(({ offer }) => offer.memoryPricePerGbHour),
        windows.map(([from]) => from),
        windows.map(([, until]) => until),
        registered.map(({ receivedAt }) => receivedAt),
        registered.map(({ spec }) => architectureOf(spec.architecture)),
      ],
    );
    const stored = new Set(rows.map(({ provider_id }) => provider_id));
    const newest = registered.filter(({ providerId }) => stored.has(providerId));
    if (newest.length > 0) {
      await keepOwnerPrices(tx, new Map(newest.map(({ providerId, offer }) => [providerId, offer])));
      await writeResources(tx, [...stored], site);
    }
    // Last: heartbeats wait for whoever holds these rows.
    await tx.query(
      prepared(`insert into provider_heartbeats as h (provider_id, last_heartbeat)
       select * from unnest($1::text[], $2::timestamptz[]) as r (provider_id, received_at) order by provider_id
       on conflict (provider_id) do update set last_heartbeat = greatest(h.last_heartbeat, excluded.last_heartbeat)`),
      [registered.map(({ providerId }) => providerId), registered.map(({ receivedAt }) => receivedAt)],
    );
    return registered.map(({ providerId }) => stored.has(providerId));
  });
}

/**
 * Applies a capacity update: prices and shared sizes. The machine stays as registered. Figures older than the stored
 * ones change nothing.
 */
export async function recordCapacity(
  pool: Pool,
  providerId: string,
  update: RegistrationRequest,
  receivedAt: Date,
  site: SitePrices = withoutPrices,
): Promise<void> {
  await withTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ spec: SystemSpec }>(
      `select spec from providers
        where provider_id = $1 and (capacity_at is null or capacity_at <= $2) for no key update`,
      [providerId, receivedAt],
    );
    if (rows[0] === undefined) return;
    const offer = offerAfterUpdate(rows[0].spec, update.capacity);
    await tx.query(
      `update providers set capacity = $2, offer = $3, cpu_price_per_hour = $4, memory_price_per_gb_hour = $5,
                            available_from = $6, available_until = $7, capacity_at = $8, updated_at = now()
        where provider_id = $1`,
      [
        providerId,
        storableJson(update.capacity),
        storableJson(offer),
        offer.cpuPricePerHour,
        offer.memoryPricePerGbHour,
        ...windowOf(update.capacity),
        receivedAt,
      ],
    );
    await keepOwnerPrices(tx, new Map([[providerId, offer]]));
    await writeResources(tx, [providerId], site);
  });
}

/** The rental window for the database. Values stored by older versions are validated like new ones. */
function windowOf({ availableFrom, availableUntil }: ProviderCapacity): [from: string | null, until: string | null] {
  return [instant(availableFrom) ?? null, instant(availableUntil) ?? null];
}

/** A provider's state, from its row and from the cluster's view of its node. */
export interface ProviderAssessment {
  facts: ProviderFacts;
  status: ProviderStatus;
  /** It was in service once. */
  joined: boolean;
  cordoned: boolean;
  retiring: boolean;
  lastHeartbeat?: Date;
  /** When its node was last seen ready, before this observation. */
  nodeReadyAt?: Date;
  /** Its node is ready, and the cluster counts fewer GPUs there than are rented. */
  gpusMissing: boolean;
  /** Whose GPUs these are, by resource, where there are several. */
  missingGpus?: string[];
  /** Why its GPUs are not sold as they were registered; '' where they are. */
  gpusReason: Printable | '';
  /** That is other than it was. */
  gpusReasonIsNew: boolean;
  /** Of its first GPU type. */
  gpuModel?: string;
}

/**
 * Stores the cluster's view of a provider's node (`nodeUid` is null without a node) together with the resulting status,
 * so that the two always agree and no capacity is taken from a provider that is away. The status of a provider whose
 * node was never ready is left to its registration.
 *
 * @returns undefined for a provider outside the fleet.
 */
export async function recordNode(
  pool: Pool,
  providerId: string,
  seen: { nodeName: string | null; nodeUid: string | null; ready: boolean; allocatable: NodeAllocatable },
  site: SitePrices = withoutPrices,
): Promise<ProviderAssessment | undefined> {
  return await withTransaction(pool, async (tx) => {
    const { rows } = await tx.query<AssessedRow>(
      `select p.status, p.status_reason, p.node_name, p.heartbeat_alive, p.joined_at, p.cordoned, p.retiring, p.offer, p.gpus_reason,
              ${machineGpusSql} as machine_gpus, h.last_heartbeat, h.node_ready_at
         from providers p left join provider_heartbeats h using (provider_id)
        where provider_id = $1 and status <> 'retired' for no key update of p`,
      [providerId],
    );
    const row = rows[0];
    if (row === undefined) return undefined;
    // The provider has since been given another node name, so the node seen under the old one is no longer its node.
    const node = row.node_name === seen.nodeName ? seen : { nodeUid: null, ready: false, allocatable: noCapacity };
    const { offer, machine_gpus: machineGpus } = row;
    const machine = { providerId, offer, machineGpus, allocatable: node.allocatable };
    const [sale] = await planSales(tx, [machine], site);
    const { plan, held } = sale!;
    const offeredGpus = row.offer.gpus.reduce((sum, { count }) => sum + count, 0);
    const facts: ProviderFacts = {
      nodeReady: node.ready,
      heartbeatAlive: row.heartbeat_alive,
      gpusReady: plan.countedGpus > 0 || offeredGpus === 0,
    };
    const joined = node.ready || row.joined_at !== null;
    const status = joined ? statusOfJoined(facts) : row.status;
    // A missing node gives no reason.
    const gpusReason = node.nodeUid === null ? '' : plan.why;
    await tx.query(
      `update providers set node_uid = $2, node_ready = $3, allocatable = $4, status = $5,
                            status_reason = $6, joined_at = case when $3 then coalesce(joined_at, now()) else joined_at end,
                            gpus_reason = $7, updated_at = now()
        where provider_id = $1`,
      [
        providerId,
        node.nodeUid,
        node.ready,
        JSON.stringify(node.allocatable),
        status,
        joined ? whyNotServing(facts, gpusReason) : row.status_reason,
        gpusReason,
      ],
    );
    if (node.nodeUid !== null) {
      await tx.query(
        `update provider_nodes set node_uid = $2
          where provider_id = $1 and left_at is null and node_uid is distinct from $2`,
        [providerId, node.nodeUid],
      );
    }
    if (node.ready) {
      await tx.query('update provider_heartbeats set node_ready_at = now() where provider_id = $1', [providerId]);
    }
    await storeTargets(tx, [{ providerId, plan }]);
    const { missing, isAll } = missingGpus(held, node.allocatable);
    const gpusMissing = node.ready && missing.length > 0;
    return {
      gpusMissing,
      // If all GPUs have the same resource name, there is nothing to distinguish.
      ...(gpusMissing && !(isAll && missing.every((name) => name === plainGpuResource))
        ? { missingGpus: missing }
        : {}),
      gpusReason,
      gpusReasonIsNew: gpusReason !== row.gpus_reason,
      facts,
      status,
      joined,
      cordoned: row.cordoned,
      retiring: row.retiring,
      ...(row.last_heartbeat === null ? {} : { lastHeartbeat: row.last_heartbeat }),
      ...(row.node_ready_at === null ? {} : { nodeReadyAt: row.node_ready_at }),
      ...(row.offer.gpus[0] === undefined ? {} : { gpuModel: row.offer.gpus[0].model }),
    };
  });
}

const noCapacity: NodeAllocatable = { gpus: 0, cpuCores: 0, memoryMb: 0, storageGb: 0, pods: 0, systemPods: 0 };

interface AssessedRow {
  status: ProviderStatus;
  node_name: string | null;
  status_reason: string;
  heartbeat_alive: boolean;
  joined_at: Date | null;
  cordoned: boolean;
  retiring: boolean;
  offer: ProviderOffer;
  gpus_reason: string;
  machine_gpus: number;
  last_heartbeat: Date | null;
  node_ready_at: Date | null;
}

/**
 * Sets a provider's status. With `unlessServing`, a provider that has already joined or was retired keeps its status: a new
 * registration of a machine in service must not take it out of service, nor an answer bring back one that left meanwhile.
 */
export async function setProviderStatus(
  db: Queryable,
  providerId: string,
  status: ProviderStatus,
  reason: string,
  options: { unlessServing?: boolean } = {},
): Promise<void> {
  await setProviderStatuses(db, [providerId], status, reason, options);
}

/** The same for several providers. */
export async function setProviderStatuses(
  db: Queryable,
  providerIds: readonly string[],
  status: ProviderStatus,
  reason: string,
  { unlessServing = false }: { unlessServing?: boolean } = {},
): Promise<void> {
  await db.query(
    prepared(`update providers set status = $2, status_reason = $3, updated_at = now()
      where provider_id in
            (select provider_id from providers
              where provider_id = any ($1::text[]) and (status, status_reason) is distinct from ($2, $3)
                and not ($4 and status in ('joined', 'available', 'busy', 'offline', 'retired'))
              order by provider_id for no key update)`),
    [providerIds, status, reason, unlessServing],
  );
}
