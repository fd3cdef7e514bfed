import type pg from 'pg';
import { billedTime, type BilledTime, type ServiceFacts } from '../../src/domain/billing.js';
import type { JobStory } from './customers.js';
import type { Hit } from './hostile-kubelet.js';
import type { PodLog } from './pod-log.js';
import type { Outage } from './kills.js';
import { brokenPromise } from './quoting.js';
import type { Sampler } from './sampler.js';
import { isGapOf, type Silence } from './silent-machine.js';
import { chargeFor } from '../../src/wire/charge.js';

/** What a run recorded about its jobs, independently of the broker. */
export interface RunLog {
  stories: readonly JobStory[];
  pods: PodLog;
  hits: readonly Hit[];
  sampler: Sampler;
  /** What was killed, and until when it was down. */
  outages: readonly Outage[];
  /** Secrets that only those concerned may read, under the names by which they are reported. */
  secrets: Readonly<Record<string, string>>;
  /** A machine's price of a GPU, in token units per hour; nothing else has a price. */
  gpuPricePerHour(providerId: string): number;
  /** Machines that seem healthy but start no job, for all or a part of the run. */
  brokenMachines: ReadonlySet<string>;
  /** Those of them that are never repaired. */
  brokenThroughout: ReadonlySet<string>;
  /** A provider that registers over and over, and the last price it named. */
  insistent: { providerId: string; lastPrice: number };
  /** Machines that were made to die, and the time span in which that happened. */
  deaths: ReadonlyMap<string, { fromMs: number; toMs: number }>;
  /** When machines were silent for longer than they may be. */
  silences: ReadonlyMap<string, Silence>;
}

/** The ledger's record of one job. Amounts are base units. */
export interface Bill {
  job_id: string;
  status: string;
  provider_id: string | null;
  pod_uid: string | null;
  rate: string | null;
  started_at: Date | null;
  expires_at: Date | null;
  ended_at: Date | null;
  served_until: Date | null;
  billed_ms: string | null;
  charges: { ordered: string; spent: string | null; seconds: number | null; is_order: boolean; settled: boolean }[];
  gaps: { from: string; to: string }[];
}

export async function readBills(database: pg.Client): Promise<Map<string, Bill>> {
  const { rows } = await database.query<Bill>(
    `select j.job_id, j.status, j.provider_id, j.pod_uid, coalesce(j.rate, trunc(j.price_per_hour * 10::numeric ^ 18))::numeric(78, 0)::text as rate,
            j.started_at, j.expires_at, j.ended_at, j.served_until, j.billed_ms::text,
            coalesce((select json_agg(json_build_object(
              'ordered', coalesce(c.ordered, c.reserved)::text, 'spent', c.spent::text, 'seconds', c.seconds,
              'is_order', c.request_id = '', 'settled', c.settled_at is not null))
                from auth_charges c where c.job_id = j.job_id), '[]') as charges,
            coalesce((select json_agg(json_build_object('from', g.from_at, 'to', g.to_at))
                from job_gaps g where g.job_id = j.job_id), '[]') as gaps
       from jobs j`,
  );
  return new Map(rows.map((row) => [row.job_id, row]));
}

/**
 * How long before its death a machine may have been heard last: its heartbeats and lease renewals are this far apart.
 */
const signOfLifeMs = 15_000;
/** A message from before its death may be read a little later. */
const slackMs = 2_000;

/** The errors in one job's bill, by everything that is known of the job. */
export function billViolations(story: JobStory, bill: Bill | undefined, log: RunLog): string[] {
  if (bill === undefined) return story.jobId === undefined ? [] : [`${story.key}: no bill`];
  const wrong: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) wrong.push(`${story.key} (${story.plan}, ${bill.status}) ${bill.job_id}: ${what}`);
  };
  const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
  const spent = sum(bill.charges.map((charge) => BigInt(charge.spent ?? 0)));

  // ---- The ledger: one charge for the order and one for each key, each settled once, none above its reservation.
  const orders = bill.charges.filter(({ is_order }) => is_order);
  must(orders.length === 1, `${orders.length} charges for the order`);
  must(
    bill.charges.every(({ settled, spent }) => settled && spent !== null),
    'a charge is not settled',
  );
  for (const charge of bill.charges)
    must(
      BigInt(charge.spent ?? 0) >= 0n && BigInt(charge.spent ?? 0) <= BigInt(charge.ordered),
      `${charge.spent ?? 'nothing'} spent of ${charge.ordered} that was reserved`,
    );
  const inOrder = (seconds: Iterable<number | null>) => [...seconds].sort((a, b) => Number(a) - Number(b)).join(' ');
  const charged = inOrder(bill.charges.filter(({ is_order }) => !is_order).map(({ seconds }) => seconds));
  const moved = inOrder(story.extensions.moved.values());
  must(
    charged === moved,
    `extensions of ${charged || 'no'} seconds are charged, and of ${moved || 'none'} were answered`,
  );

  if (bill.started_at === null || bill.expires_at === null) {
    must(spent === 0n, `it never ran and costs ${spent}`);
    must(!story.ran, 'its customer was told that it ran');
    return wrong;
  }

  // ---- The promises to the customer decide.
  const gpuPrice = log.gpuPricePerHour(bill.provider_id ?? '');
  const rate = BigInt(Math.round(gpuPrice * story.gpuCount * 1e6)) * 10n ** 12n;
  must(bill.rate === rate.toString(), `its rate is ${bill.rate ?? 'missing'}, and ${story.gpuCount} GPUs cost ${rate}`);
  if (story.promised !== undefined) {
    const facts = { providerId: bill.provider_id ?? '', rate: BigInt(bill.rate ?? 0), wholeS: story.durationS };
    const broken = brokenPromise(story.promised, facts);
    must(broken === '', broken);
  }
  if (story.told.pricePerHour !== undefined)
    must(story.told.pricePerHour === gpuPrice * story.gpuCount, `its customer was told ${story.told.pricePerHour}`);
  const startedMs = bill.started_at.getTime();
  const expiresMs = bill.expires_at.getTime();
  const pod = servingPod(bill, log);
  const told = (ms: number | undefined, isMs: number) => ms === undefined || ms === isMs;
  must(story.complaint !== '' || story.status === bill.status, `its customer was told that it is ${story.status}`);
  must(
    !story.ran || story.told.providerId === bill.provider_id,
    `its customer was told of ${story.told.providerId ?? 'nobody'}`,
  );
  must(told(story.told.startedAtMs, startedMs), 'its customer was told another start');
  must(told(story.told.expiresAtMs, expiresMs), 'its customer was told another expiry');
  must(
    startedMs >= story.orderedMs && startedMs <= (story.told.toldStartedMs ?? Infinity),
    'it started at another time',
  );
  must(startedMs >= (pod?.readyAtMs ?? 0), 'it started before its pod was ready');
  const rentedS = [...story.extensions.moved.values()].reduce((total, each) => total + each, story.durationS);
  must(
    expiresMs === startedMs + rentedS * 1_000,
    `it expires ${(expiresMs - startedMs) / 1_000} s after its start, not ${rentedS}`,
  );

  // ---- The bill: exact, wherever the broker's own clock does not decide.
  if (bill.served_until === null || bill.billed_ms === null) {
    must(false, 'it ran and has no bill');
    return wrong;
  }
  const servedMs = bill.served_until.getTime();
  const billedMs = Number(bill.billed_ms);
  must(spent === chargeFor(rate, billedMs), `it costs ${spent}, and ${billedMs} ms cost ${chargeFor(rate, billedMs)}`);
  must(servedMs <= Math.min(expiresMs, bill.ended_at?.getTime() ?? 0), 'it was served beyond its end');
  const { least, most } = servedBetween(story, bill, log, startedMs, expiresMs);
  const between = `between ${least.servedUntilMs - startedMs} and ${most.servedUntilMs - startedMs} ms`;
  must(
    servedMs >= least.servedUntilMs && servedMs <= most.servedUntilMs,
    `it was served for ${servedMs - startedMs} ms by its bill, and ${between} by what happened ${hitOf(bill, log)?.name ?? ''}`,
  );
  const served = billedTime({ ...factsOf(bill), endAtMs: servedMs });
  must(billedMs === served.billedMs, `${billedMs} ms are billed, and it was served for ${served.billedMs}`);
  const silence = log.silences.get(bill.provider_id ?? '');
  if (silence !== undefined)
    must(
      isGapOf(silence, [startedMs, servedMs], factsOf(bill).gaps),
      'what its machine was silent for is no gap of it',
    );
  return wrong;
}

/** The pod that served a job: one on a machine that did not start it may become ready while it is being removed. */
const servingPod = ({ job_id, pod_uid }: Bill, { pods }: RunLog) =>
  pods.ofJob(job_id).find(({ uid }) => uid === pod_uid);

const hitOf = ({ job_id }: Bill, { hits }: RunLog) => hits.find(({ jobId }) => jobId === job_id);

function factsOf({ started_at, expires_at, gaps }: Bill): Omit<ServiceFacts, 'endAtMs'> {
  return {
    readyAtMs: started_at?.getTime(),
    expiresAtMs: expires_at?.getTime() ?? Infinity,
    gaps: gaps.map(({ from, to }) => ({ fromMs: Date.parse(from), toMs: Date.parse(to) })),
  };
}

/**
 * The bounds of the time a job was served. If the broker's own clock decides the end, for example when it heard of a
 * cancellation or of a pod's end, the end lies between the sending and the first visible reaction.
 */
function servedBetween(
  { cancelledMs, failureReason, told: { toldEndedMs } }: JobStory,
  bill: Bill,
  log: RunLog,
  startedMs: number,
  expiresMs: number,
): { least: BilledTime; most: BilledTime } {
  const facts = factsOf(bill);
  const providerId = bill.provider_id ?? '';
  const hit = hitOf(bill, log);
  const death = log.deaths.get(providerId);
  const pod = servingPod(bill, log);
  // The broker did not see the end of a pod that was deleted from outside.
  const leavingMs = hit?.name === 'pod deleted' && hit.uid === pod?.uid ? undefined : pod?.leavingSeenMs;
  const seenMs = Math.min(
    ...[leavingMs, toldEndedMs, log.sampler.endingSeenMs(bill.job_id), bill.ended_at?.getTime()].map(
      (ms) => ms ?? Infinity,
    ),
  );
  const ways: { least: ServiceFacts; most: ServiceFacts }[] = [];
  const way = (fromMs: number, toMs: number, more: Partial<ServiceFacts> = {}) =>
    ways.push({
      least: { ...facts, ...more, endAtMs: fromMs },
      most: { ...facts, ...more, endAtMs: Math.max(fromMs, toMs) },
    });

  if (bill.status === 'expired') way(expiresMs, Infinity);
  // The broker ends it by its own clock.
  if (failureReason === 'funds_withdrawn') way(startedMs, seenMs);
  // Whatever ended the job, its customer does not pay for the time after asking to end it.
  if (cancelledMs !== undefined) way(cancelledMs, seenMs);
  // Whatever ended the job, nobody pays for the time after its pod ended.
  if (hit?.end !== undefined) {
    way(hit.sentMs, seenMs, hit.saidMs === undefined ? {} : { podEndedAtMs: hit.saidMs });
  }
  // Whatever ended it: a dead machine did not serve the job.
  if (death !== undefined) way(death.fromMs - signOfLifeMs, death.toMs + slackMs);
  // If a machine was away without being made to, only the broker knows since when.
  if (death === undefined && log.sampler.away.has(providerId)) way(startedMs, seenMs);
  const least = ways.map((each) => billedTime(each.least)).sort((a, b) => a.servedUntilMs - b.servedUntilMs)[0];
  const most = ways.map((each) => billedTime(each.most)).sort((a, b) => b.servedUntilMs - a.servedUntilMs)[0];
  // Without a reason for the end, no bill is right.
  const never: BilledTime = { servedUntilMs: Infinity, billedMs: Infinity, gaps: [] };
  return { least: least ?? never, most: most ?? never };
}
