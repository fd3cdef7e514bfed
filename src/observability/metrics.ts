import { Counter, Gauge, register } from 'prom-client';

/**
 * The metrics of a process, served by its metrics listener. Labels take few values: never a wallet, a provider or a
 * job, of which there are as many as strangers like.
 */
export { register };

/** `outcome`: what became of an entry, such as `done`, `superseded`, `stale`, `dead`, `failed`, `trimmed`. */
export const streamMessages = new Counter({
  name: 'broker_stream_messages_total',
  help: 'Entries of the provider streams by what became of them',
  labelNames: ['stream', 'outcome'] as const,
});

export const deadLetters = new Counter({
  name: 'broker_dead_letters_total',
  help: 'Entries that were put aside by reason; written is "no" where the sender had too many already',
  labelNames: ['stream', 'reason', 'written'] as const,
});

/** `kind`: `poisoned`, `emptied`, `replaced`, `group_lost`. */
export const streamAlarms = new Counter({
  name: 'broker_stream_alarms_total',
  help: 'Things that happened to a provider stream and that no well-behaved program does',
  labelNames: ['stream', 'kind'] as const,
});

export const streamLag = new Gauge({
  name: 'broker_stream_lag',
  help: 'Entries that no relay has read yet',
  labelNames: ['stream'] as const,
});

export const streamPending = new Gauge({
  name: 'broker_stream_pending',
  help: 'Entries that were read and are not acknowledged',
  labelNames: ['stream'] as const,
});

export const streamOldestPendingSeconds = new Gauge({
  name: 'broker_stream_oldest_pending_seconds',
  help: 'Age of the oldest entry that was read and is not acknowledged; 0 when there is none',
  labelNames: ['stream'] as const,
});

export const streamPaused = new Gauge({
  name: 'broker_stream_paused',
  help: '1 while a relay leaves a stream alone because a system behind it is not answering',
  labelNames: ['stream'] as const,
});

export const redisClockSkewSeconds = new Gauge({
  name: 'broker_redis_clock_skew_seconds',
  help: 'Clock of Redis minus clock of this process',
});

export const providerAuthInsecure = new Gauge({
  name: 'provider_auth_insecure',
  help: '1 while messages of providers are accepted unchecked',
});
