import { countEndings, noteOnline, pruneDays } from '../src/db/provider-days.js';
import { noteSamples, pruneSamples } from '../src/db/provider-samples.js';
import { rowsAtOnce } from '../src/db/pruning.js';
import { seriesSlotS } from '../src/domain/series.js';
import type { ActivityDeps } from './deps.js';

const dayMs = 86_400_000;
/** As far back as the series can be asked for. */
const samplesKeptMs = 30 * dayMs;
/** A year and some days, so that a year can be compared with the one before its last day. */
const daysKeptMs = 400 * dayMs;
/** More than a fleet of a hundred thousand adds in a slot. */
const prunesPerRun = 25;

/** Writes the series of providers, each in one statement, and removes what is too old. */
export function createProviderSeriesActivities({ pool }: Pick<ActivityDeps, 'pool'>) {
  return {
    /** Notes the present slot of every provider; repeated within the slot, it changes nothing. */
    async recordProviderSeries(): Promise<{ online: number; samples: number; pruned: number }> {
      const online = await noteOnline(pool, seriesSlotS);
      await countEndings(pool);
      const samples = await noteSamples(pool, seriesSlotS);
      let pruned = 0;
      for (let run = 0; run < prunesPerRun; run++) {
        const removed = await pruneSamples(pool, new Date(Date.now() - samplesKeptMs));
        pruned += removed;
        if (removed < rowsAtOnce) break;
      }
      pruned += await pruneDays(pool, new Date(Date.now() - daysKeptMs));
      return { online, samples, pruned };
    },
  };
}
