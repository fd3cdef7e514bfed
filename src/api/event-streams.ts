import type { Pool } from 'pg';
import type { Config } from '../config.js';
import { listenForEvents, type EventListener } from '../db/event-listener.js';
import { nextEvents } from '../db/job-events.js';
import { endedCredentials } from '../db/live-credentials.js';
import { BrokerError } from '../domain/errors.js';
import type { Logger } from '../observability/logger.js';
import { eventStreams as streamsGauge, eventStreamsClosed } from '../observability/metrics.js';
import { withJobs } from './event-replies.js';
import { openStream, type EventStream, type OpenedStream } from './event-stream.js';

/** Bounds of the streams of one process. */
export interface StreamLimits {
  perWallet: number;
  /** Wallets cost nothing: whoever makes many must not take all places. */
  perNetwork: number;
  total: number;
  /** How often the streams are looked after: news that was not heard, and credentials that were revoked. */
  checkEveryMs: number;
  heartbeatEveryMs: number;
  /** After this a stream is closed, and its client opens the next one. */
  lifeMs: number;
  /** How long a client may take for what it was given. */
  takeWithinMs: number;
}

export const streamLimits: StreamLimits = {
  perWallet: 5,
  perNetwork: 200,
  total: 1_000,
  checkEveryMs: 5_000,
  heartbeatEveryMs: 15_000,
  lifeMs: 3_600_000,
  takeWithinMs: 30_000,
};

/** Wallets read by one statement, and events of each. */
const walletsAtOnce = 500;
const eventsAtOnce = 100;
/** A stream lives up to this share less, so that those of a moment do not all come back together. */
const lifeSpread = 0.1;

export interface Seat {
  /** Starts the stream after it was prepared. */
  open(stream: Pick<OpenedStream, 'response' | 'jobId' | 'past' | 'position'>): EventStream;
  /** For a request that becomes no stream. */
  leave(): void;
  /** Aborted when this process stops. */
  readonly stopping: AbortSignal;
}

export interface EventStreams {
  /**
   * Takes a place for a stream of this caller.
   *
   * @param network where it comes from, as `networkOf` says.
   * @throws BrokerError `quota_exceeded` if its wallet has enough of them here, `dependency_unavailable` if its network or
   * this process has, or if this process stops.
   */
  admit(principal: OpenedStream['principal'], network: string): Seat;
  /** Ends all streams. Clients open them again, elsewhere. */
  stop(): Promise<void>;
}

/**
 * The streams of one API process. They share one connection that hears of news and one statement that reads them. Each
 * stream has its own position, and is sent what comes after it: so a lost notification, a lost connection or a slow
 * client delays events and loses none.
 */
export function createEventStreams(
  { pool, config, logger }: { pool: Pool; config: Config; logger: Logger },
  limits: StreamLimits = streamLimits,
): EventStreams {
  const byWallet = new Map<string, Set<EventStream>>();
  /** Places taken, from before the stream is open: by wallet, and by network. */
  const places = new Map<string, number>();
  const placesThere = new Map<string, number>();
  let placesTaken = 0;
  /** Wallets that may have unread events. */
  const unread = new Set<string>();
  let isReading = false;
  let listener: EventListener | undefined;
  let checks: NodeJS.Timeout | undefined;
  let isChecking = false;
  let nextHeartbeatMs = 0;
  let isStopping = false;
  const stopping = new AbortController();

  return { admit, stop };

  function admit(principal: OpenedStream['principal'], network: string): Seat {
    const { wallet } = principal;
    if (isStopping || placesTaken >= limits.total || (placesThere.get(network) ?? 0) >= limits.perNetwork) {
      throw new BrokerError('dependency_unavailable', 'no event streams are free here: try again, or poll');
    }
    const taken = places.get(wallet) ?? 0;
    if (taken >= limits.perWallet) {
      const detail = `a wallet may have ${limits.perWallet} event streams at a time: close one, or share one`;
      throw new BrokerError('quota_exceeded', detail);
    }
    count(places, wallet, 1);
    count(placesThere, network, 1);
    placesTaken++;
    streamsGauge.set(placesTaken);
    let isTaken = true;
    const leave = () => {
      if (!isTaken) return;
      isTaken = false;
      placesTaken--;
      streamsGauge.set(placesTaken);
      count(places, wallet, -1);
      count(placesThere, network, -1);
    };
    return { leave, open: (opened) => open(principal, opened, leave), stopping: stopping.signal };
  }

  function open(
    principal: OpenedStream['principal'],
    opened: Pick<OpenedStream, 'response' | 'jobId' | 'past' | 'position'>,
    leave: () => void,
  ): EventStream {
    const { wallet } = principal;
    const stream = openStream({
      ...opened,
      principal,
      closesAtMs: performance.now() + limits.lifeMs * (1 - Math.random() * lifeSpread),
      onRoom: () => readSoon([wallet]),
      onClose() {
        leave();
        const streams = byWallet.get(wallet);
        streams?.delete(stream);
        if (streams?.size === 0) byWallet.delete(wallet);
      },
    });
    // It was prepared while the process was told to stop.
    if (isStopping) {
      stream.end();
      return stream;
    }
    byWallet.set(wallet, (byWallet.get(wallet) ?? new Set()).add(stream));
    listener ??= listenForEvents(config, (wallets) => readSoon(wallets ?? byWallet.keys()), logger);
    checks ??= setInterval(() => void check(), limits.checkEveryMs).unref();
    // What came since it was prepared.
    readSoon([wallet]);
    return stream;
  }

  function readSoon(wallets: Iterable<string>): void {
    for (const wallet of wallets) if (byWallet.has(wallet)) unread.add(wallet);
    if (!isReading) void readUnread();
  }

  async function readUnread(): Promise<void> {
    isReading = true;
    while (unread.size > 0 && !isStopping) {
      const wallets = [...unread].slice(0, walletsAtOnce);
      wallets.forEach((wallet) => unread.delete(wallet));
      try {
        await deliver(wallets);
      } catch (error) {
        // The next check reads all of them again.
        unread.clear();
        logger.warn({ err: error }, 'cannot read events for their streams');
      }
    }
    isReading = false;
  }

  async function deliver(wallets: readonly string[]): Promise<void> {
    const read = wallets.flatMap((wallet) => {
      const positions = openOf(wallet).map(({ position }) => position);
      return positions.length === 0 ? [] : [{ wallet, after: Math.min(...positions) }];
    });
    if (read.length === 0) return;
    for (const [wallet, events] of await nextEvents(pool, read, eventsAtOnce)) {
      const told = await withJobs(pool, events);
      const isMore = events.length === eventsAtOnce;
      // A stream that came meanwhile may begin before these: it reads by itself.
      const after = read.find((each) => each.wallet === wallet)!.after;
      for (const stream of openOf(wallet)) if (stream.position >= after) stream.send(told);
      if (isMore) unread.add(wallet);
    }
  }

  /** The streams of a wallet whose clients keep up. */
  function openOf(wallet: string): EventStream[] {
    return [...(byWallet.get(wallet) ?? [])].filter((stream) => stream.hasRoom());
  }

  async function check(): Promise<void> {
    // The database may take longer than the time to the next one.
    if (isChecking) return;
    isChecking = true;
    const nowMs = performance.now();
    const beats = nowMs >= nextHeartbeatMs;
    if (beats) nextHeartbeatMs = nowMs + limits.heartbeatEveryMs - limits.checkEveryMs / 2;
    const streams = [...byWallet.values()].flatMap((each) => [...each]);
    for (const stream of streams) {
      if (nowMs - (stream.blockedSinceMs() ?? nowMs) >= limits.takeWithinMs) close(stream, 'slow');
      else if (nowMs >= stream.closesAtMs || Date.now() >= stream.principal.expiresAt.getTime()) close(stream, 'over');
      else if (beats) stream.heartbeat();
    }
    readSoon(byWallet.keys());
    try {
      const used = streams.map(({ principal }) => principal);
      for (const place of await endedCredentials(pool, used)) close(streams[place]!, 'revoked');
    } catch (error) {
      // Nothing is read without the database, either.
      logger.warn({ err: error }, 'cannot check the credentials of event streams');
    }
    isChecking = false;
  }

  function close(stream: EventStream, reason: 'slow' | 'over' | 'revoked'): void {
    eventStreamsClosed.inc({ reason });
    if (reason === 'slow') stream.drop();
    else stream.end();
  }

  async function stop(): Promise<void> {
    isStopping = true;
    stopping.abort();
    clearInterval(checks);
    for (const streams of byWallet.values()) for (const stream of streams) stream.end();
    await listener?.stop();
  }
}

/** Counts up or down; what is counted down to nothing is forgotten. */
function count(counts: Map<string, number>, key: string, change: number): void {
  const now = (counts.get(key) ?? 0) + change;
  if (now <= 0) counts.delete(key);
  else counts.set(key, now);
}
