import { Counter, Gauge, register } from 'prom-client';

/**
 * The metrics of a process, served by its metrics listener. Labels take few values: never a wallet, a provider or a
 * job, of which there are as many as strangers like.
 */
export { register };

/** `outcome`: `done`, `dead`, `failed` (it is given again), `trimmed` (removed before it had an effect). */
export const streamMessages = new Counter({
  name: 'broker_stream_messages_total',
  help: 'Entries of the provider streams by what became of them',
  labelNames: ['stream', 'outcome'] as const,
});

/** `result`: `counted`, `superseded` (a newer one came with it), `outdated` (not from the last ten minutes). */
export const heartbeatsRead = new Counter({
  name: 'broker_heartbeats_total',
  help: 'Heartbeats that were read by what they were good for',
  labelNames: ['result'] as const,
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

/** In a healthy system it stays 0. `kind` as `RepairKind` of the reconciler says. */
export const reconcilerRepairs = new Counter({
  name: 'broker_reconciler_repairs_total',
  help: 'What Postgres, Temporal and Kubernetes said differently of the same thing and was repaired, by kind',
  labelNames: ['kind'] as const,
});

export const reconcilerFailures = new Counter({
  name: 'broker_reconciler_failures_total',
  help: 'Repairs that were tried and did not succeed; the next run tries again',
});

export const sweepFailures = new Counter({
  name: 'broker_sweep_failures_total',
  help: 'Providers whose workflow could not be told that they fell silent or came back; the next sweep tries again',
});

export const providerAuthInsecure = new Gauge({
  name: 'provider_auth_insecure',
  help: '1 while messages of providers are accepted unchecked',
});

export const closingsWithoutText = new Counter({
  name: 'broker_job_endings_without_text_total',
  help: 'Jobs that ended without the words they were to end with, because the database did not take them',
});

/** `reason` is an error code: what the machine that a job left did to it. */
export const startMoves = new Counter({
  name: 'broker_start_moves_total',
  help: 'Jobs that went on at another provider because the one they were placed at did not start them, by reason',
  labelNames: ['reason'] as const,
});

/** `reason` is an error code: the last start that the provider failed. */
export const providersOut = new Counter({
  name: 'broker_providers_out_total',
  help: 'Providers that were taken out of placement for a while because they failed starts of several wallets, by reason',
  labelNames: ['reason'] as const,
});

/** `result`: `denied`, `no_opinion`, `unanswered` (Postgres did not say in time, so others decided). */
export const nodeReviews = new Counter({
  name: 'broker_node_reviews_total',
  help: 'What the cluster was told when it asked whether a node has left the fleet',
  labelNames: ['result'] as const,
});
