import { markSignalled, sweepHeartbeats as findTransitions, type HeartbeatTransition } from '../src/db/heartbeats.js';
import { sweepFailures } from '../src/observability/metrics.js';
import { providerSignals, sendToEach } from '../src/temporal/signals.js';
import { startProvider } from '../src/temporal/start-provider.js';
import type { ActivityDeps } from './deps.js';
import { heardOrLost } from './heard-or-lost.js';

/** Of those that could not be told, in the log. */
const namedAtMost = 10;

/** How long one workflow may take to be told: the others of the fleet wait for the next sweep until then. */
const tellWithinMs = 5_000;

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'temporal' | 'logger'>;

/** Heartbeats, seen from the side of those that stopped. */
export function createSweepActivities({ config, pool, redis, temporal, logger }: Deps) {
  return {
    /**
     * Finds providers that fell silent or came back, and tells their workflows; each is marked only once told. A beat
     * that lies unread because a relay or Redis is away is no silence of its sender. One that cannot be told is found
     * again by the next sweep, and keeps none of the others from hearing theirs.
     */
    async sweepHeartbeats(): Promise<{ silent: number; returned: number; failed: number }> {
      const heard = await heardOrLost({ redis, pool }, config.HEARTBEAT_TIMEOUT_S);
      const transitions = await findTransitions(pool, config.HEARTBEAT_TIMEOUT_S, heard?.until ?? null);
      const failed = await sendToEach(transitions, tell);
      if (failed.length > 0) {
        sweepFailures.inc(failed.length);
        const providers = failed.slice(0, namedAtMost).map(({ item }) => item.providerId);
        const err = failed[0]!.error;
        logger.error(
          { err, failed: failed.length, providers },
          'providers could not be told; the next sweep tries again',
        );
      }
      const silent = transitions.filter(({ alive }) => !alive).length;
      return { silent, returned: transitions.length - silent, failed: failed.length };
    },
  };

  /** A provider in service always has a workflow; one that is missing begins anew and learns the rest by itself. */
  async function tell({ providerId, alive }: HeartbeatTransition): Promise<void> {
    const signal = providerSignals.heartbeatChanged(providerId);
    const start = () => startProvider(temporal, { providerId }, config, signal);
    await temporal.withDeadline(Date.now() + tellWithinMs, start);
    await markSignalled(pool, providerId, alive);
  }
}
