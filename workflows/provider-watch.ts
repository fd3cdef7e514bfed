import type { JobOrder, Placement } from '../src/domain/job.js';
import { drained, lost, type Ending } from './job-endings.js';
import { providerLoss } from './job-steps.js';
import { earliest, type Wake } from './summaries.js';
import type { ProviderAbsence, ProviderChange, ProviderDrain, ProviderNews, ServiceGap } from './job-messages.js';

/** What a job knows about its provider, and what follows from it. */
export interface ProviderWatch {
  /** A new object after every change. */
  news(): ProviderNews;
  hear(change: ProviderChange): void;
  hearDrain(drain: ProviderDrain): void;
  /** Gaps that have not been written to the database yet. */
  gaps(): readonly ServiceGap[];
  /** These are in the database now. */
  forgetGaps(written: readonly ServiceGap[]): void;
  /** The job leaves its provider: everything known about that provider is forgotten. */
  leave(): void;
  /** The job is placed at this provider now. Messages about this provider that came meanwhile take effect. */
  placed(providerId: string): void;
  /** When the job may have to leave its provider, by what is known now, and why then. */
  nextParting(): Wake;
  /** Why the provider does not keep the job any longer; undefined while it does, or may come back. */
  parting(placement: Placement): Promise<Ending | undefined>;
}

/** How often to check again a provider that was reported lost but still looks healthy. */
const recheckMs = 15_000;

interface Heard {
  said: { providerId?: string };
  learnIt(): void;
}

export function createProviderWatch(
  known: ProviderNews,
  { providerLossGraceS }: { providerLossGraceS: number },
  { gpuCount }: Pick<JobOrder, 'gpuCount'>,
  placedAt?: string,
): ProviderWatch {
  const needsGpus = gpuCount > 0;
  let news = known;
  let current = placedAt;
  /**
   * Messages since the job left its last provider: they may be about the next one, before the job knows which that is.
   */
  let between: Heard[] | undefined;
  let gaps: readonly ServiceGap[] = [];
  /** Before then, a provider that is away is not checked again. */
  let nextCheckMs = 0;

  function nextParting(): Wake {
    const { away, drain } = news;
    if (away?.final === true) return { atMs: 0, why: 'its machine was replaced' };
    const graceEndsMs = away === undefined ? Infinity : away.atMs + providerLossGraceS * 1000;
    return earliest(
      { atMs: drain?.untilMs ?? Infinity, why: 'drain of the provider' },
      graceEndsMs >= nextCheckMs
        ? { atMs: graceEndsMs, why: `provider loss grace ${providerLossGraceS} s` }
        : { atMs: nextCheckMs, why: 'look at the provider again, which is said to be away' },
    );
  }

  function learn(next: ProviderNews): void {
    if (next.gap !== undefined && next.gap !== news.gap) gaps = [...gaps, next.gap];
    news = next;
  }

  /** A message about a provider that the job has left may come late. */
  function take(heard: Heard): void {
    const { providerId } = heard.said;
    if (between !== undefined) between.push(heard);
    else if (providerId === undefined || current === undefined || providerId === current) heard.learnIt();
  }

  return {
    news: () => news,
    hear(change) {
      take({ said: change, learnIt: () => learn(afterChange(news, change, needsGpus)) });
    },
    hearDrain(drain) {
      take({ said: drain, learnIt: () => learn(afterDrain(news, drain)) });
    },
    gaps: () => gaps,
    forgetGaps(written) {
      gaps = gaps.filter((gap) => !written.includes(gap));
    },
    leave() {
      news = {};
      gaps = [];
      nextCheckMs = 0;
      between = [];
    },
    placed(providerId) {
      current = providerId;
      const heard = between ?? [];
      between = undefined;
      for (const { said, learnIt } of heard) if (said.providerId === providerId) learnIt();
    },
    nextParting,
    async parting({ providerId, nodeName, gpuResource }) {
      const { away, drain } = news;
      if (drain?.untilMs !== undefined && Date.now() >= drain.untilMs) return drained(providerId);
      if (away === undefined || Date.now() < nextParting().atMs) return undefined;
      if (away.final) return lost(providerId, away);
      // A timer that ran out while the broker was down proves nothing: the provider's present state decides.
      const found = await providerLoss.checkLoss({
        ...{ providerId, nodeName, needsGpus: needsGpus && away.cause === 'gpu_lost' },
        ...(gpuResource === undefined ? {} : { gpuResource }),
      });
      if (found === 'lost' && news.away !== undefined) return lost(providerId, news.away);
      nextCheckMs = Date.now() + recheckMs;
      // The signal of its return was lost, or never sent.
      if (found === 'back' && news.away === away) learn(returned(news, away, Date.now()));
      return undefined;
    },
  };
}

/**
 * What a job knows after a change of its provider. A change older than the newest known one came late and is ignored; a
 * replaced machine stays gone. A machine that lost a GPU still serves jobs without GPUs.
 */
export function afterChange(known: ProviderNews, change: ProviderChange, needsGpus: boolean): ProviderNews {
  const { changedAt, away } = known;
  if ((changedAt !== undefined && change.at < changedAt) || away?.final === true) return known;
  const heard = { ...known, changedAt: change.at };
  const serves = change.online || (change.cause === 'gpu_lost' && !needsGpus);
  if (serves) return away === undefined ? heard : returned(heard, away, Date.parse(change.at));
  const first = away ?? { atMs: Date.parse(change.at), sinceMs: Date.parse(change.since ?? change.at) };
  const cause = change.cause === undefined ? {} : { cause: change.cause };
  return { ...heard, away: { ...first, ...cause, final: change.final === true } };
}

/** The provider is back: its absence becomes a gap. */
function returned(
  { away: _, ...known }: ProviderNews,
  { sinceMs, cause }: ProviderAbsence,
  atMs: number,
): ProviderNews {
  return atMs > sinceMs ? { ...known, gap: { fromMs: sinceMs, toMs: atMs, cause: cause ?? 'silent' } } : known;
}

/** What a job knows after a drain of its provider. */
export function afterDrain(known: ProviderNews, drain: ProviderDrain): ProviderNews {
  const { drainSaidAt, drain: _, ...rest } = known;
  if (drainSaidAt !== undefined && drain.at < drainSaidAt) return known;
  return {
    ...rest,
    drainSaidAt: drain.at,
    ...(drain.draining ? { drain: drain.until === undefined ? {} : { untilMs: Date.parse(drain.until) } } : {}),
  };
}
