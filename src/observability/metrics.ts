import { Counter, Gauge, register } from 'prom-client';

/**
 * A process's metrics, served by its metrics listener. Every label has few values. A wallet, a provider or a job is
 * never a label, because strangers can create any number of them.
 */
export { register };

/** `outcome`: `done`, `dead`, `failed` (to be redelivered), `trimmed` (removed before it had an effect). */
export const streamMessages = new Counter({
  name: 'broker_stream_messages_total',
  help: 'Entries of the provider streams by outcome',
  labelNames: ['stream', 'outcome'] as const,
});

/** `result`: `counted`, `superseded` (the same batch had a newer one), `outdated` (not from the last ten minutes). */
export const heartbeatsRead = new Counter({
  name: 'broker_heartbeats_total',
  help: 'Heartbeats read, by result',
  labelNames: ['result'] as const,
});

export const deadLetters = new Counter({
  name: 'broker_dead_letters_total',
  help: 'Dead letters by reason; written is "no" when the sender already had too many',
  labelNames: ['stream', 'reason', 'written'] as const,
});

/** `kind`: `poisoned`, `emptied`, `replaced`, `group_lost`, `group_moved`. */
export const streamAlarms = new Counter({
  name: 'broker_stream_alarms_total',
  help: 'Changes to a provider stream that no well-behaved program makes',
  labelNames: ['stream', 'kind'] as const,
});

/** `kind` as in `brokerKeys`. */
export const foreignKeys = new Counter({
  name: 'broker_redis_foreign_keys_total',
  help: 'Redis keys of the broker that held foreign data and were recreated, by kind',
  labelNames: ['kind'] as const,
});

/** `step`: `trim`, `take_over`, `moved_streams`, `idle_consumers`, `measure`. */
export const streamUpkeepFailures = new Counter({
  name: 'broker_stream_upkeep_failures_total',
  help: 'Failed maintenance steps of a stream; the stream is read regardless',
  labelNames: ['stream', 'step'] as const,
});

export const streamLag = new Gauge({
  name: 'broker_stream_lag',
  help: 'Entries not yet read by any relay',
  labelNames: ['stream'] as const,
});

export const streamPending = new Gauge({
  name: 'broker_stream_pending',
  help: 'Entries read but not yet acknowledged',
  labelNames: ['stream'] as const,
});

export const streamOldestPendingSeconds = new Gauge({
  name: 'broker_stream_oldest_pending_seconds',
  help: 'Age of the oldest entry read but not yet acknowledged; 0 when there is none',
  labelNames: ['stream'] as const,
});

/** `state`: `unanswered` (a worker is to answer it), `untold` (answered, and its workflow is to be told). */
export const registrationsAtDesk = new Gauge({
  name: 'broker_registrations_at_desk',
  help: 'Registrations that were handed over to the workers and of which no workflow has been told, by state',
  labelNames: ['state'] as const,
});

export const registrationsOldestAtDeskSeconds = new Gauge({
  name: 'broker_registrations_oldest_at_desk_seconds',
  help: 'How long the oldest of them has waited',
});

export const streamPaused = new Gauge({
  name: 'broker_stream_paused',
  help: '1 while a relay pauses a stream because a system it depends on is not answering',
  labelNames: ['stream'] as const,
});

export const redisClockSkewSeconds = new Gauge({
  name: 'broker_redis_clock_skew_seconds',
  help: 'Clock of Redis minus clock of this process',
});

/**
 * `outcome`: `cached`, `resolved`, `refused` (the registry said no); for orders that were not resolved, why:
 * `unreachable`, `untrusted`, `late`, `closed`, `failing`, `nonsense`, `limited`, `resting`, `busy`.
 */
export const imagesResolved = new Counter({
  name: 'broker_images_resolved_total',
  help: 'Orders whose image was looked up in its registry, by outcome',
  labelNames: ['outcome'] as const,
});

/** Stays 0 in a healthy system. `kind` is the reconciler's `RepairKind`. */
export const reconcilerRepairs = new Counter({
  name: 'broker_reconciler_repairs_total',
  help: 'Repaired disagreements between Postgres, Temporal and Kubernetes, by kind',
  labelNames: ['kind'] as const,
});

export const reconcilerFailures = new Counter({
  name: 'broker_reconciler_failures_total',
  help: 'Failed repairs; the next run retries them',
});

export const restoreOpen = new Gauge({
  name: 'broker_restore_open',
  help: '1 while the database counts as restored and no operator has looked: what it may have forgotten is not removed',
});

export const keptPods = new Gauge({
  name: 'broker_kept_pods',
  help: 'Pods of jobs that a restored database does not know, kept until an operator has looked',
});

/** Stays 0: see docs/money.md. `invariant` is a `MoneyInvariant`. A worker shows what it found when it last compared. */
export const moneyDiffers = new Gauge({
  name: 'broker_money_differs',
  help: 'Rows in which money differs between ledger, charges, sessions and jobs, by invariant',
  labelNames: ['invariant'] as const,
});

/** `invariant` is a `MoneyInvariant`, compared over everything, or `new`: new entries, by all that they can be. */
export const moneyCompared = new Gauge({
  name: 'broker_money_compared_timestamp_seconds',
  help: 'When money was last compared by an invariant, in seconds since 1970; 0 if it never was',
  labelNames: ['invariant'] as const,
});

export const ledgerUnbooked = new Gauge({
  name: 'broker_ledger_unbooked',
  help: 'Charges that a version without the ledger wrote, and that the reconciler has still to book',
});

export const ledgerUnbookable = new Gauge({
  name: 'broker_ledger_unbookable',
  help: 'Jobs whose charges the reconciler could not book; it tries them again after all others',
});

export const sweepFailures = new Counter({
  name: 'broker_sweep_failures_total',
  help: 'Providers whose workflow could not be told that they went silent or came back; the next sweep retries',
});

export const providerAuthInsecure = new Gauge({
  name: 'provider_auth_insecure',
  help: '1 while messages from providers are accepted without verification',
});

export const closingsWithoutText = new Counter({
  name: 'broker_job_endings_without_text_total',
  help: 'Jobs that ended without their message because the database rejected its text',
});

/**
 * `reason`: `address`, `total` (to make room for another, or because there is none), `silent`, `unfetched`,
 * `pipelined`.
 */
export const connectionsClosed = new Counter({
  name: 'broker_api_connections_closed_total',
  help: 'Client connections closed to free the resources they held, by reason',
  labelNames: ['reason'] as const,
});

/** `code` is the SQLSTATE. */
export const uncheckedValues = new Counter({
  name: 'broker_unchecked_values_total',
  help: 'Requests that passed every check but whose values the database rejected: a check is missing',
  labelNames: ['code'] as const,
});

/** `reason` is an error code: how the machine that the job left had failed it. */
export const startMoves = new Counter({
  name: 'broker_start_moves_total',
  help: 'Jobs moved to another provider because theirs failed to start them, by reason',
  labelNames: ['reason'] as const,
});

/** `reason` is an error code: that of the provider's last failed start. */
export const providersOut = new Counter({
  name: 'broker_providers_out_total',
  help: 'Providers suspended from placement because they failed starts of several wallets, by reason',
  labelNames: ['reason'] as const,
});

/**
 * `result`: `denied`, `no_opinion`, `unanswered` (Postgres did not answer in time, so the other authorizers decided).
 */
export const nodeReviews = new Counter({
  name: 'broker_node_reviews_total',
  help: 'Answers to the cluster about whether a node has left the fleet, by result',
  labelNames: ['result'] as const,
});

/**
 * `result`: `removed` (by force; their node does not answer), `removed_though_it_answers`, `left` (force does not remove
 * them either; counted again at each look).
 */
export const podsNotEnded = new Counter({
  name: 'broker_pods_not_ended_total',
  help: 'Pods of jobs that their machine did not end, by what was done',
  labelNames: ['result'] as const,
});

export const eventStreams = new Gauge({
  name: 'broker_event_streams',
  help: 'Clients that follow the events of jobs in this process',
});

/** `reason`: `slow`, `over` (its hour, or the credential it was opened with), `revoked`. */
export const eventStreamsClosed = new Counter({
  name: 'broker_event_streams_closed_total',
  help: 'Event streams closed by the broker, by reason',
  labelNames: ['reason'] as const,
});

/**
 * Stays 0. `kind`: `disagreement` (the nodes of the chain contradict each other), `taken_back` (a final block is gone),
 * `overdrawn` (the vault paid out more than the ledger has), `foreign_settlement` (one was executed that this broker did
 * not cut), `void_executed` (one was executed that counted as void), `unbalanced` (the vault has less than one credits),
 * `settlements_stopped`, `differs` (a wallet has something else in the vault than in the ledger), `unread_block` (a node
 * does not return the events of one block), `receipts_unsigned` (a settlement was proposed without signatures that explain it).
 */
export const chainAlarms = new Counter({
  name: 'broker_chain_alarms_total',
  help: 'What the chain said that cannot be, by kind; see docs/operate.md',
  labelNames: ['kind'] as const,
});

export const vaultReadBlock = new Gauge({
  name: 'broker_vault_read_block',
  help: 'The last block of the chain whose events of the vault are booked',
});

export const settlementLate = new Gauge({
  name: 'broker_settlement_late_seconds',
  help: 'How much later than planned everything that was booked is settled on the chain',
});

export const frozenWalletCount = new Gauge({
  name: 'broker_frozen_wallets',
  help: 'Wallets that get no service because the vault does not pay for them, or because they left it owing',
});

/** `owing`: `reserved` (jobs that are not charged), `undrawn` (charged, and in no settlement). */
export const leavingWallets = new Gauge({
  name: 'broker_leaving_wallets',
  help: 'Wallets that may leave the vault within a day or so and have not paid, by what they have not',
  labelNames: ['owing'] as const,
});

export const vaultReadAt = new Gauge({
  name: 'broker_vault_read_timestamp_seconds',
  help: 'When the vault was last read by this worker to the end, in seconds since 1970; 0 if it never was',
});

export const chainGasMoney = new Gauge({
  name: 'broker_chain_gas_money',
  help: 'Coins in the wallet of the vault’s operator, for the gas of settlements',
});

export const settlementsStopped = new Gauge({
  name: 'broker_settlements_stopped',
  help: '1 while nothing is settled until an operator resumes',
});

export const settlementUnderWaySince = new Gauge({
  name: 'broker_settlement_under_way_timestamp_seconds',
  help: 'When the settlement was cut that has not ended, in seconds since 1970; 0 if there is none',
});

export const settlementLastFinal = new Gauge({
  name: 'broker_settlement_final_timestamp_seconds',
  help: 'When the last settlement was found to be executed, in seconds since 1970; 0 before the first',
});

export const vaultUnaskedTokens = new Gauge({
  name: 'broker_vault_unasked_tokens',
  help: 'Tokens in the vault that nobody deposited; below 0 it lacks some',
});
