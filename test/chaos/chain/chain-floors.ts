import type { Finding } from '../invariant-names.js';
import type { Actors, ActorCounts } from './actors.js';
import type { ChainSampler } from './chain-sampler.js';
import type { CustomerCounts } from './customers.js';
import type { Moments } from './moments.js';
import type { Weather, WeatherCounts } from './weather.js';

/** How much happened on the chain, by name. */
export type ChainHappened = CustomerCounts &
  ActorCounts &
  WeatherCounts &
  Record<'settled' | 'executed' | 'killsAtMoments' | 'killsWhileSettling' | 'kindsOfLies' | 'chainSamples', number>;

export function happenedOnChain({
  counts,
  weather,
  actors,
  sampler,
  moments,
  ...settlements
}: {
  counts: CustomerCounts;
  weather: Weather;
  actors: Actors;
  sampler: ChainSampler;
  moments: Moments;
  settled: number;
  executed: number;
  killsWhileSettling: number;
}): ChainHappened {
  return {
    ...{ ...counts, ...actors.counts, ...weather.counts, ...settlements },
    killsAtMoments: Object.values(moments.used).reduce((sum, count) => sum + count, 0),
    kindsOfLies: Object.values(weather.liesTold).filter((told) => told > 0).length,
    chainSamples: sampler.samples(),
  };
}

/** The least of a run of a minute; a longer one has more of everything. */
const always: Partial<ChainHappened> = { deposits: 3, rented: 2, refused: 1, settled: 2, payouts: 1, chainSamples: 10 };
const stormy: Partial<ChainHappened> = { rollbacks: 1, lies: 2, liesTold: 3, alarms: 1, vetoes: 1, resumed: 1 };

/** Every second kill is of the workers; on a slow machine some of them find no settlement under way. */
const whileSettling = (kills: number) => Math.floor(kills / 4);

/** A chain on which nothing happens loses nothing, and still must not pass. */
export function enoughOnChain(happened: ChainHappened, { isCalm, kills }: { isCalm: boolean; kills: number }): Finding {
  const floors = { ...always, ...(isCalm ? {} : { ...stormy, killsWhileSettling: whileSettling(kills) }) };
  return {
    invariant: 'enough',
    violations: Object.entries(floors).flatMap(([what, least]) => {
      const count = happened[what as keyof ChainHappened];
      return count < least ? [`${what}: ${count}, and at least ${least} were to be`] : [];
    }),
    isLasting: true,
  };
}
