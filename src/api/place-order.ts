import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import type { Config } from '../config.js';
import { chainSettings } from '../config/chain.js';
import type { SessionPrincipal } from '../auth/customers/principal.js';
import { reserveSpend } from '../billing/spend.js';
import { findBlockOf } from '../db/blocks.js';
import { payInAdvance, payLater } from '../db/payment-mode.js';
import { knownVault } from '../db/vaults.js';
import { newestTokenKey, quoteKey } from '../db/installation.js';
import { tellAlso, tellOrdered } from '../db/job-events.js';
import { findJobByKey, insertJob, lockUsage, type JobRow, type NewJob } from '../db/jobs.js';
import { withTransaction, type Transaction } from '../db/pool.js';
import { waitAfterUnreadyStarts } from '../db/unready-starts.js';
import { reservationFor } from '../domain/billing.js';
import { blockableNames, blockedError } from '../domain/blocks.js';
import { BrokerError } from '../domain/errors.js';
import type { JobOrder } from '../domain/job.js';
import { orderedNews } from '../domain/job-event.js';
import { limitReached } from '../domain/limits.js';
import { isStalled } from '../domain/settlement-lateness.js';
import { nearLimitNews } from '../domain/spend-limits.js';
import { portsRate as portsRateFor, type PortPrices } from '../domain/job-ports.js';
import { rulesOf, type ProgramSpec } from '../domain/job-program.js';
import type { JobRequest } from '../domain/job-request.js';
import { parseImage } from '../domain/image.js';
import { byDigest, requiredCuda, type ResolvedImage } from '../domain/resolved-image.js';
import { differencesFrom, lesser, termsOf, type Quote } from '../domain/quote.js';
import { newJobId } from './job-id.js';
import { portPricesOf } from './port-prices.js';
import { offeredBounds, type RateBounds } from './order-rates.js';
import { mismatch, openQuote } from './quote-seal.js';

/**
 * Records a customer's order and reserves what it may cost from the session's limit, in one transaction.
 *
 * The cost of a job is known only after its placement, which the workflow does. So the order carries a price limit that
 * is computed here, once: the customer's own maximum, or else the dearest of the few cheapest offers that fit now, and
 * never more than twice the cheapest. The reservation covers the dearest of those offers, or only the cheapest if the
 * session's limit does not allow more; the placement sets it to what the job costs there. If there is no offer, nothing
 * has to be reserved: the workflow searches again and reports the result itself, and takes no more than the customer's
 * own maximum.
 *
 * An order with a quote has the limit and the offers of the quote instead, and nothing is searched.
 *
 * @param keptKeys the public keys that the order names by their ids.
 * @param resolved what the image's registry said about it, if it did.
 * @param programSpec what runs in the job, if the order has a program.
 * @param isRehearsal whether nothing of it is to stay: then it always throws.
 * @returns the job, and whether this call created it: a repeated Idempotency-Key finds the first one.
 * @throws BrokerError `spend_limit_exceeded`, `monthly_cap_reached`, `quota_exceeded`, `blocked`, `rate_limited`, `idempotency_conflict`,
 * `quote_mismatch`, `quote_expired`, and with a chain `insufficient_funds`, `exit_pending`, `settlement_stalled`
 */
export async function placeOrder(
  { pool, config }: { pool: Pool; config: Config },
  principal: SessionPrincipal,
  request: JobRequest,
  idempotencyKey: string | undefined,
  keptKeys: readonly string[] = [],
  resolved?: ResolvedImage,
  programSpec?: ProgramSpec,
  isRehearsal = false,
): Promise<{ job: JobRow; created: boolean }> {
  const requestSha256 = fingerprint(request);
  const order = orderOf(newJobId(), principal.wallet, withNeedsOf(resolved, request), portPricesOf(config));
  const tokenKey = request.template?.token === undefined ? undefined : await newestTokenKey(pool);
  const rates = await ratesFor({ pool, config }, order, request, idempotencyKey);
  const { bound, reserves, quoted, portsRate = order.portsRate } = rates;
  await (config.ENABLE_BLOCKCHAIN ? payInAdvance : payLater)(pool);
  for (;;) {
    const reservedRate = reserves.shift()!;
    try {
      const placed = await withTransaction(pool, async (tx) => {
        const written = await writeOrder(tx, config, principal, {
          ...withNeedsOf(resolved, request),
          sshPublicKeys: [...new Set([...request.sshPublicKeys, ...keptKeys])],
          jobId: order.jobId,
          wallet: order.wallet,
          sessionId: principal.sessionId,
          requestSha256,
          maxRate: bound.toString(),
          ...(quoted === undefined ? {} : { quoted }),
          ...(resolved === undefined ? {} : { resolved }),
          ...(programSpec === undefined ? {} : { programSpec }),
          ...(portsRate === undefined ? {} : { portsRate }),
          ...(tokenKey === undefined ? {} : { tokenKey }),
          reservedAmount: reservationFor(reservedRate, request.durationSeconds),
          ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        });
        if (isRehearsal) throw rehearsed;
        return written;
      });
      if (!placed.created && placed.job.requestSha256 !== requestSha256) {
        throw new BrokerError('idempotency_conflict', 'the key was used with another order', {
          job_id: placed.job.jobId,
        });
      }
      return placed;
    } catch (error) {
      const affordsLess = error instanceof BrokerError && isAboveLimit(error) && reserves.length > 0;
      if (!affordsLess) throw error;
    }
  }
}

/** Undoes an order that nothing refuses. */
const rehearsed = new Error('a rehearsal');

/**
 * Refuses what `placeOrder` refuses, as far as that does not depend on the image's registry, and records nothing.
 *
 * @throws BrokerError as `placeOrder`
 */
export async function rehearseOrder(
  deps: { pool: Pool; config: Config },
  principal: SessionPrincipal,
  request: JobRequest,
  idempotencyKey: string | undefined,
): Promise<void> {
  try {
    await placeOrder(deps, principal, request, idempotencyKey, [], undefined, undefined, true);
  } catch (error) {
    if (error !== rehearsed) throw error;
  }
}

/** What a cheaper order might not exceed. */
const limits: readonly string[] = ['spend_limit_exceeded', 'monthly_cap_reached', 'insufficient_funds'];
const isAboveLimit = ({ code }: BrokerError) => limits.includes(code);

/** By the quote that the order is made with, or by what is on offer now. */
async function ratesFor(
  { pool, config }: { pool: Pool; config: Config },
  order: JobOrder,
  request: JobRequest,
  idempotencyKey: string | undefined,
): Promise<RateBounds & Pick<NewJob, 'quoted' | 'portsRate'>> {
  if (request.quoteId === undefined) return await offeredBounds(pool, order, config);
  try {
    const quote = openQuote(await quoteKey(pool), request.quoteId, order.wallet, Date.now());
    requireSameNeed(quote, request);
    const { rates, ...bounds } = termsOf(quote, request);
    return { ...bounds, quoted: rates, ...portsRateBy(quote, order) };
  } catch (error) {
    // A repeat finds its first job, for which the quote was good.
    const known = idempotencyKey === undefined ? undefined : await findJobByKey(pool, order.wallet, idempotencyKey);
    if (known === undefined) throw error;
    return { bound: 0n, reserves: [0n] };
  }
}

/** Ports cost no more than when the quote was made: its bound and its rates have that in them. */
function portsRateBy({ portsRate: quoted }: Quote, { portsRate: present }: JobOrder): Pick<NewJob, 'portsRate'> {
  if (quoted === undefined || present === undefined) return {};
  return { portsRate: lesser(BigInt(quoted), BigInt(present)).toString() };
}

/** @throws BrokerError `quote_mismatch`, with each field that differs. */
function requireSameNeed(quote: Quote, request: JobRequest): void {
  const fields = differencesFrom(quote, request);
  if (fields.length === 0) return;
  throw mismatch(fields, `the quote is for another order: ${fields.join(', ')} differ from it`);
}

/** Inserts the job and its reservation, within the wallet's quota. */
async function writeOrder(tx: Transaction, config: Config, principal: SessionPrincipal, order: NewJob) {
  const usage = await lockUsage(tx, order.wallet);
  const placed = await insertJob(tx, order);
  // A repeat finds its earlier job, which is counted already.
  if (!placed.created) return placed;
  await requireUnblocked(tx, order);
  await requireSettling(tx, config);
  if (usage.jobs >= config.MAX_JOBS_PER_WALLET) {
    throw new BrokerError('quota_exceeded', `a wallet may have ${config.MAX_JOBS_PER_WALLET} jobs at a time`);
  }
  if (usage.gpus + order.gpuCount > config.MAX_GPUS_PER_WALLET) {
    const left = Math.max(0, config.MAX_GPUS_PER_WALLET - usage.gpus);
    throw new BrokerError(
      'quota_exceeded',
      `a wallet may have ${config.MAX_GPUS_PER_WALLET} GPUs at a time; ${left} are left`,
    );
  }
  requirePorts(config, usage.ports, order.ports?.length ?? 0);
  await requireStart(tx, config, order.wallet, usage.starting);
  const { jobId, reservedAmount: amount } = order;
  const near = await reserveSpend(tx, { jobId, sessionId: principal.sessionId, amount });
  // Last: see `tellSql`.
  await tellOrdered(tx, jobId, orderedNews(order));
  await tellAlso(tx, jobId, near.map(nearLimitNews));
  return placed;
}

/** Where customers pay on a chain, nothing more is rented out once what they were charged is not drawn there for days. */
async function requireSettling(tx: Transaction, config: Config): Promise<void> {
  const chain = chainSettings(config);
  const vault = chain && (await knownVault(tx, chain));
  if (vault === undefined || !isStalled(vault, config.BATCH_INTERVAL_H, Date.now())) return;
  const since = vault.settledUntil.toISOString();
  throw new BrokerError('settlement_stalled', `nothing has been settled on the chain since ${since}`, { since });
}

/** Operators may keep out a customer, an image, or the one provider that an order names. */
async function requireUnblocked(tx: Transaction, { wallet, image, resolved, providerId }: NewJob): Promise<void> {
  const names = [image, ...(resolved === undefined ? [] : [byDigest(parseImage(image), resolved.digest)])];
  const block = await findBlockOf(tx, [
    { kind: 'wallet', value: wallet },
    ...[...new Set(names.flatMap(blockableNames))].map((value) => ({ kind: 'image' as const, value })),
    ...(providerId === undefined ? [] : [{ kind: 'provider' as const, value: providerId }]),
  ]);
  if (block !== undefined) throw blockedError(block);
}

/** The cluster has few ports for all. */
function requirePorts({ MAX_PORTS_PER_WALLET: most }: Config, used: number, wanted: number): void {
  if (wanted === 0 || used + wanted <= most) return;
  const left = Math.max(0, most - used);
  throw new BrokerError(
    'quota_exceeded',
    `a wallet may have ${most} ports open at a time, besides SSH; ${left} are left, and the order has ${wanted}`,
  );
}

/** A starting job holds a machine that nobody pays for: a wallet may have few at a time, and not again and again. */
async function requireStart(tx: Transaction, config: Config, wallet: string, starting: number): Promise<void> {
  if (starting >= config.MAX_STARTING_JOBS_PER_WALLET) {
    throw new BrokerError(
      'quota_exceeded',
      `a wallet may have ${config.MAX_STARTING_JOBS_PER_WALLET} jobs at a time that are not ready yet`,
    );
  }
  const waitS = await waitAfterUnreadyStarts(tx, wallet, config.MAX_UNREADY_STARTS_PER_HOUR);
  if (waitS === 0) return;
  throw limitReached('unready_starts', { allowed: config.MAX_UNREADY_STARTS_PER_HOUR, retryAfterS: waitS });
}

/**
 * The order that a request makes, as the placement sees it.
 *
 * @param prices of its ports now.
 */
export function orderOf(jobId: string, wallet: string, request: JobRequest, prices: PortPrices): JobOrder {
  const {
    providerId,
    excludeProviders,
    gpuType,
    minVramGb,
    minCuda,
    architecture,
    gpuCount,
    cpuCores,
    memoryMb,
    shmMb,
    storageGb,
    image,
    program,
    ports,
    durationSeconds,
    maxPricePerHour,
  } = request;
  return {
    jobId,
    wallet,
    ...(providerId === undefined ? {} : { providerId }),
    ...(excludeProviders === undefined ? {} : { excludeProviders }),
    ...(gpuType === undefined ? {} : { gpuType }),
    ...(minVramGb === undefined ? {} : { minVramGb }),
    ...(minCuda === undefined ? {} : { minCuda }),
    ...(architecture === undefined ? {} : { architecture }),
    gpuCount,
    cpuCores,
    memoryMb,
    ...(shmMb === undefined ? {} : { shmMb }),
    storageGb,
    image,
    ...(program === undefined ? {} : { program: rulesOf(program) }),
    ...(ports === undefined ? {} : { ports, portsRate: portsRateFor(ports.length, prices).toString() }),
    durationSeconds,
    ...(maxPricePerHour === undefined ? {} : { maxPricePerHour }),
  };
}

/** What the image requires of a machine's driver counts unless the order asks for more. */
function withNeedsOf(resolved: ResolvedImage | undefined, request: JobRequest): JobRequest {
  const minCuda = resolved === undefined || request.gpuCount === 0 ? undefined : requiredCuda(resolved.env);
  return minCuda === undefined ? request : { ...request, minCuda: Math.max(minCuda, request.minCuda ?? 0) };
}

/**
 * The same order in another notation, with its variables in another order or by another quote has the same fingerprint.
 * So has one with another login at the registry: a fingerprint is kept for good, and a password could be guessed by it.
 */
function fingerprint({ quoteId: _, registryAuth: __, ...request }: JobRequest): string {
  const env = Object.entries(request.env).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify({ ...request, env }))
    .digest('hex');
}
