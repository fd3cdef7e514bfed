import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { ProviderVerifier } from '../../src/domain/provider-verdict.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { registrationMessage } from '../../engines/simulated-provider/messages.js';
import type { Logger } from '../../src/observability/logger.js';
import { startRelay, type Relay, type RelayDeps } from '../../src/roles/relay/relay.js';
import { brokerGroup, deadLetterStream, streams } from '../../src/wire/streams.js';
import { testConfig } from './config.js';
import { freshDatabase } from './database.js';
import { freshRedis } from './redis.js';
import { freshTemporal } from './temporal.js';
import { until } from './until.js';

/** Accepts every message as it is, like `PROVIDER_AUTH_MODE=off`. */
export const trusting: ProviderVerifier = {
  acceptsAll: true,
  verify: () => Promise.resolve({ accepted: true, signed: false }),
  mayBeTold: () => Promise.resolve(true),
};

/** For verifiers that check each message, by the `verify` of a test. */
export const checking = { ...trusting, acceptsAll: false } as const;

/** Makes the janitor do in a moment what it usually does in a minute. */
const hastily = {
  everyMs: 200,
  abandonedAfterMs: 100,
  trimEveryMs: 3_600_000,
  watchEveryMs: 100,
  registrationGraceMs: 0,
};

/** Redis, Postgres and Temporal of one test file, and relays on them. There is no worker: signals need none. */
export async function createRelayWorld() {
  const [database, redis, temporal] = await Promise.all([freshDatabase(), freshRedis(), freshTemporal()]);
  const config = testConfig({ ...database.config, ...temporal.config });
  const relays = new Set<Relay>();
  const lines: Record<string, unknown>[] = [];
  const logger: Logger = pino(
    { level: 'debug' },
    { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );

  return {
    config,
    pool: database.pool,
    redis: redis.redis,
    redisDb: redis.db,
    connect: redis.connect,
    asBroker: redis.asBroker,
    temporal: temporal.client,
    /** The relays' log lines. */
    lines,

    /** Starts a relay and waits until it reads and its groups exist. */
    async start(overrides: Partial<RelayDeps> = {}): Promise<Relay> {
      const deps = {
        config,
        pool: database.pool,
        temporal: temporal.client,
        logger,
        redisDb: redis.db,
        times: hastily,
      };
      const relay = startRelay({ verifier: trusting, ...deps, ...overrides });
      relays.add(relay);
      await until(async () => {
        const groups = await Promise.all(
          Object.values(streams).map((key) => redis.redis.xinfo('GROUPS', key).catch(() => [])),
        );
        return groups.every((list) => (list as unknown[]).length > 0);
      });
      return relay;
    },

    /** Stops the relays and empties the streams. */
    async reset(): Promise<void> {
      await Promise.all([...relays].map((relay) => relay.stop()));
      relays.clear();
      lines.length = 0;
      await redis.redis.flushdb();
    },

    async deadLetters(stream: string): Promise<Record<string, string>[]> {
      const entries = await redis.redis.xrange(deadLetterStream(stream), '-', '+');
      return entries.map(([, fields]) => Object.fromEntries(pairs(fields)));
    },

    async pending(stream: string): Promise<number> {
      const [count] = (await redis.redis.xpending(stream, brokerGroup)) as [number];
      return count;
    },

    /**
     * The ids of the messages that a provider's workflow was signalled about, in order; empty if it has no workflow.
     */
    async signals(providerId: string, signal = 'registrationReceived'): Promise<string[]> {
      const history = await temporal.client.workflow
        .getHandle(`provider:${providerId}`)
        .fetchHistory()
        .catch(() => ({ events: [] }));
      return (history.events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: event }) => {
        if (event?.signalName !== signal) return [];
        const payload = event.input?.payloads?.[0]?.data ?? new Uint8Array();
        return [(JSON.parse(Buffer.from(payload).toString()) as { messageId: string }).messageId];
      });
    },

    async close(): Promise<void> {
      await Promise.all([...relays].map((relay) => relay.stop()));
      await Promise.all([database.close(), redis.close(), temporal.close()]);
    },
  };
}

export type RelayWorld = Awaited<ReturnType<typeof createRelayWorld>>;

function pairs(fields: string[]): [string, string][] {
  return Array.from({ length: fields.length / 2 }, (_, index) => [fields[2 * index]!, fields[2 * index + 1]!]);
}

export function newProviderId(): string {
  return `prov-${randomUUID().slice(0, 13)}`;
}

/** What a public agent publishes on `provider:registration`. */
export function registrationData(providerId: string, changes: object = {}): string {
  const machine = simulatedMachine({ providerId, gpus: { model: 'NVIDIA GeForce RTX 4090', count: 2 } });
  return JSON.stringify({ ...registrationMessage(machine), ...changes });
}

/** What a public agent publishes on `provider:heartbeat`. */
export function heartbeatData(providerId: string, changes: object = {}): string {
  return JSON.stringify({
    provider_id: providerId,
    node_name: providerId,
    status: 'available',
    gpu_usage: [0, 0],
    cpu_usage: 1,
    memory_usage: 2,
    active_jobs: 0,
    timestamp: new Date().toISOString(),
    ...changes,
  });
}
