import { jobsEndBeforeExitS } from './exit-margin.js';

const hourS = 3_600;
/** Below it nobody could look at a batch in time. Demonstrations have a delay of seconds. */
const leastBatchDelayS = hourS;
const leastExitDelayS = 2 * jobsEndBeforeExitS;
/** To cut a settlement, propose it, see it final and execute it, besides the vault's delay: twice. */
const besidesS = 3 * hourS;

/**
 * Why no vault of these delays may hold real money, and what to do; undefined for one that may.
 *
 * Jobs of a customer who leaves end `jobsEndBeforeExitS` before he may take his money. A settlement must come to its end
 * twice in that time, because the first may be vetoed or lost.
 */
export function delayFault(delays: { batchDelayS: number; exitDelayS: number }): string | undefined {
  const { batchDelayS, exitDelayS } = delays;
  if (batchDelayS < leastBatchDelayS)
    return (
      `executes a settlement ${batchDelayS} s after it was proposed, too soon for anybody to veto it: ` +
      'deploy one with a batchDelay of an hour or more (43200 is 12 hours)'
    );
  if (exitDelayS < leastExitDelayS)
    return (
      `lets customers leave ${exitDelayS} s after they ask for it, before their jobs can be settled: ` +
      `deploy one with an exitDelay of ${leastExitDelayS} (96 hours) or more (604800 is 7 days)`
    );
  if (2 * batchDelayS + besidesS <= jobsEndBeforeExitS) return undefined;
  return (
    `executes a settlement ${batchDelayS} s after it was proposed, and jobs end ${jobsEndBeforeExitS} s before a customer ` +
    'leaves: a settlement that is vetoed could not be made again in that time. Deploy one with a batchDelay of ' +
    `${(jobsEndBeforeExitS - besidesS) / 2} or less (43200 is 12 hours)`
  );
}
