import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { createReplySigner } from '../../auth/broker-key.js';
import type { Config } from '../../config.js';
import { noteLoss } from '../../db/stream-losses.js';
import type { ProviderVerifier } from '../../domain/provider-verdict.js';
import type { Readiness } from '../../observability/listener.js';
import type { Logger } from '../../observability/logger.js';
import { newProcessName } from '../../process-name.js';
import { createProviderSignals } from '../../temporal/providers.js';
import { closeRedis, createRedis, type RedisConfig } from '../../redis/connection.js';
import { DeadLetters } from '../../redis/streams/dead-letters.js';
import { Rejections } from './rejections.js';
import { receiveHeartbeats } from './heartbeats.js';
import { receiveCapacities, receiveRegistrations } from './registrations.js';
import { tellWorkflows } from './tell-workflows.js';
import { StreamConsumer, type StreamConsumerOptions } from '../../redis/streams/consumer.js';
import type { Receive } from '../../redis/streams/delivery.js';
import type { JanitorTimes } from '../../redis/streams/janitor.js';
import { brokerGroup, streams } from '../../wire/streams.js';
import { StreamWatchdog } from '../../redis/streams/watchdog.js';

export interface RelayDeps {
  config: RedisConfig & Pick<Config, 'TEMPORAL_TASK_QUEUE' | 'AUTH_AUDIENCE'>;
  pool: Pool;
  temporal: Client;
  logger: Logger;
  verifier: ProviderVerifier;
  /** For tests: the logical database of Redis, and the times of the janitor, the watchdog and early updates. */
  redisDb?: number;
  times?: Partial<JanitorTimes> & { watchEveryMs?: number; registrationGraceMs?: number };
}

export interface Relay {
  /** The readiness of each stream; a stream is not ready while a system it depends on is away. */
  ready(): Readiness;
  /** Stops reading, finishes the entries already read, and closes the connections. */
  stop(): Promise<void>;
}

const day = 86_400_000;

/** How to read each stream. Registrations are handled in batches because each one waits for three systems in turn. */
const reading = {
  registration: { startAt: '0', batchSize: 64, lingerMs: 0, retentionMs: 7 * day, trimExactly: true },
  capacity: { startAt: '0', batchSize: 64, lingerMs: 0, retentionMs: 7 * day, trimExactly: true },
  // A healthy fleet sends heartbeats all the time. Lingering collects them into one statement instead of many.
  heartbeat: { startAt: '$', batchSize: 5_000, lingerMs: 100, retentionMs: 600_000, trimExactly: false },
} as const satisfies Record<keyof typeof streams, Partial<StreamConsumerOptions>>;

/**
 * Starts the relay, which reads what providers publish and applies each message once, however often it is delivered. It
 * has no state: after a kill at any moment, this relay or another continues with the unacknowledged entries.
 */
export function startRelay({ config, pool, temporal, logger, verifier, redisDb, times = {} }: RelayDeps): Relay {
  const overrides = redisDb === undefined ? {} : { db: redisDb };
  const connect = (name: string, blocking: boolean) => createRedis(config, { blocking, name, logger, overrides });
  const commands = connect('relay', false);
  const rejections = new Rejections(commands, logger, createReplySigner({ pool, config }));
  const deadLetters = new DeadLetters(commands);
  const signals = createProviderSignals(temporal, config);
  const consumer = newProcessName();

  const readers: Redis[] = [];
  const consume = (name: keyof typeof streams, receive: Receive) => {
    const reader = connect(`relay-${name}`, true);
    readers.push(reader);
    return new StreamConsumer({
      ...reading[name],
      stream: streams[name],
      group: brokerGroup,
      consumer,
      reader,
      commands,
      deadLetters,
      logger,
      receive,
      times,
    });
  };
  const consumers = {
    registration: consume('registration', receiveRegistrations({ pool, signals, verifier, rejections })),
    capacity: consume('capacity', receiveCapacities({ pool, signals, verifier, graceMs: times.registrationGraceMs })),
    heartbeat: consume('heartbeat', receiveHeartbeats({ db: pool, verifier, onFuture: () => watchdog.checkSoon() })),
  };
  const watchdog = new StreamWatchdog({
    streams: Object.values(streams),
    group: brokerGroup,
    commands,
    logger,
    onMoved: (stream) => {
      for (const [name, each] of Object.entries(consumers))
        if (streams[name as keyof typeof streams] === stream) each.checkAgain();
    },
    onLost: (stream) => noteLoss(pool, stream),
    ...(times.watchEveryMs === undefined ? {} : { everyMs: times.watchEveryMs }),
  });
  const telling = tellWorkflows({ pool, signals, logger });
  const all = Object.entries(consumers);

  return {
    ready: () => ({
      ...Object.fromEntries(all.map(([name, each]) => [`relay_${name}`, each.ready()])),
      ...telling.ready(),
    }),
    async stop() {
      // Without Redis nothing can be finished, and waiting for it would use up the process's whole grace period.
      if (commands.status !== 'ready') for (const redis of [commands, ...readers]) closeRedis(redis);
      await Promise.all([...all.map(([, each]) => each.stop()), watchdog.stop(), rejections.stop(), telling.stop()]);
      closeRedis(commands);
    },
  };
}
