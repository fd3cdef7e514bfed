import { markSignalled, sweepHeartbeats as findTransitions, type HeartbeatTransition } from '../src/db/heartbeats.js';
import { sweepFailures } from '../src/observability/metrics.js';
import { providerSignals, sendToEach } from '../src/temporal/signals.js';
import { startProvider } from '../src/temporal/start-provider.js';
import type { ActivityDeps } from './deps.js';
import { heardOrLost } from './heard-or-lost.js';

/** How many failed providers the log names. */
const namedAtMost = 10;

/** The time limit for telling one workflow: meanwhile the rest of the fleet waits for the next sweep. */
const tellWithinMs = 5_000;

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'temporal' | 'logger'>;

/** Finds providers by the heartbeats that stopped or came back. */
export function createSweepActivities({ config, pool, redis, temporal, logger }: Deps) {
  return {
    /**
     * Finds providers that fell silent or came back, and tells their workflows; each is marked only once told. A
     * heartbeat that is unread because a relay or Redis is down does not count as silence. If a workflow cannot be
     * told, the next sweep finds the provider again, and the others are still told.
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
          'cannot signal some providers; the next sweep tries again',
        );
      }
      const silent = transitions.filter(({ alive }) => !alive).length;
      return { silent, returned: transitions.length - silent, failed: failed.length };
    },
  };

  /** A provider in service always has a workflow; a missing one is started again and learns the rest by itself. */
  async function tell({ providerId, alive }: HeartbeatTransition): Promise<void> {
    const signal = providerSignals.heartbeatChanged(providerId);
    const start = () => startProvider(temporal, { providerId }, config, signal);
    await temporal.withDeadline(Date.now() + tellWithinMs, start);
    await markSignalled(pool, providerId, alive);
  }
}
