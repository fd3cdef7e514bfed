import { sampleMarket } from '../src/db/market.js';
import type { ActivityDeps } from './deps.js';

/** The history of the market. */
export function createMarketActivities({ pool, config }: Pick<ActivityDeps, 'pool' | 'config'>) {
  return {
    /** Writes a sample of this interval, once however often it runs, and deletes what is too old. */
    async sampleMarket(): Promise<{ written: number; deleted: number }> {
      return await sampleMarket(pool, config);
    },
  };
}
