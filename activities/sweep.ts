import { markSignalled, sweepHeartbeats, type HeartbeatTransition } from '../src/db/heartbeats.js';
import { sweepFailures } from '../src/observability/metrics.js';
import { heardOrLost } from '../src/redis/streams/heard-until.js';
import { sideBySide } from '../src/side-by-side.js';
import { providerStartOptions } from '../src/temporal/start-provider.js';
import { signalNames, workflowTypes } from '../workflows/messages.js';
import type { ActivityDeps } from './deps.js';

/** Signals sent at the same time when many providers change at once (a network that went down). */
const signalsAtOnce = 20;
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
      const transitions = await sweepHeartbeats(pool, config.HEARTBEAT_TIMEOUT_S, heard?.until ?? null);
      const failed = await sideBySide(transitions, signalsAtOnce, tell);
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
  async function tell({ providerId, alive, at }: HeartbeatTransition): Promise<void> {
    await temporal.withDeadline(Date.now() + tellWithinMs, () =>
      temporal.workflow.signalWithStart(workflowTypes.provider, {
        ...providerStartOptions({ providerId }, config),
        signal: signalNames.heartbeatChanged,
        signalArgs: [{ alive, at: at.toISOString() }],
      }),
    );
    await markSignalled(pool, providerId, alive);
  }
}
