import type { Placement } from '../src/domain/job.js';
import { drained, lost, type Ending } from './job-endings.js';
import { pods } from './job-steps.js';
import type { ProviderChange, ProviderDrain, ProviderNews } from './messages.js';

/** What ties a job to its provider: what it heard of it, and what follows from that. */
export interface ProviderTie {
  /** Another object after every piece of news. */
  news(): ProviderNews;
  hear(change: ProviderChange): void;
  hearDrain(drain: ProviderDrain): void;
  /** When the two may have to part, by what is known now. */
  partsAtMs(): number;
  /** Why the provider does not keep the job any longer; undefined while it does, or may come back. */
  parting(placement: Placement): Promise<Ending | undefined>;
}

/** How often a provider is looked at that stayed away too long, as it was told, and by what is seen did not. */
const recheckMs = 15_000;

export function createProviderTie(
  known: ProviderNews,
  { providerLossGraceS }: { providerLossGraceS: number },
): ProviderTie {
  let news = known;
  /** Before then a provider that is away is not looked at again. */
  let nextLookMs = 0;

  function partsAtMs(): number {
    const { away, drain } = news;
    if (away?.final === true) return 0;
    const graceEndsMs = away === undefined ? Infinity : away.atMs + providerLossGraceS * 1000;
    return Math.min(drain?.untilMs ?? Infinity, Math.max(graceEndsMs, nextLookMs));
  }

  return {
    news: () => news,
    hear(change) {
      news = afterChange(news, change);
    },
    hearDrain(drain) {
      news = afterDrain(news, drain);
    },
    partsAtMs,
    async parting({ providerId, nodeName }) {
      const { away, drain } = news;
      if (drain?.untilMs !== undefined && Date.now() >= drain.untilMs) return drained(providerId);
      if (away === undefined || Date.now() < partsAtMs()) return undefined;
      if (away.final) return lost(providerId, away);
      // A timer that ran out while the broker was away proves nothing: the last word has what can be seen now.
      const found = await pods.checkLoss({ providerId, nodeName });
      if (found === 'lost' && news.away !== undefined) return lost(providerId, news.away);
      nextLookMs = Date.now() + recheckMs;
      if (found === 'back' && news.away === away) news = withoutAway(news);
      return undefined;
    },
  };
}

/**
 * What a job knows after it heard a change of its provider. Whatever was said before the newest change that is known
 * comes late and says nothing; a machine that was replaced stays gone.
 */
export function afterChange(known: ProviderNews, change: ProviderChange): ProviderNews {
  const { changedAt, away, ...rest } = known;
  if ((changedAt !== undefined && change.at < changedAt) || away?.final === true) return known;
  if (change.online) return { ...rest, changedAt: change.at };
  const first = away ?? { atMs: Date.parse(change.at), sinceMs: Date.parse(change.since ?? change.at) };
  return { ...rest, changedAt: change.at, away: { ...first, final: change.final === true } };
}

/** The news of its return were lost, or never sent. */
function withoutAway({ away: _, ...rest }: ProviderNews): ProviderNews {
  return rest;
}

/** The same after it heard until when it may stay. */
export function afterDrain(known: ProviderNews, drain: ProviderDrain): ProviderNews {
  const { drainSaidAt, drain: _, ...rest } = known;
  if (drainSaidAt !== undefined && drain.at < drainSaidAt) return known;
  return {
    ...rest,
    drainSaidAt: drain.at,
    ...(drain.draining ? { drain: drain.until === undefined ? {} : { untilMs: Date.parse(drain.until) } } : {}),
  };
}
