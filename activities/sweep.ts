import { markSignalled, sweepHeartbeats, type HeartbeatTransition } from '../src/db/heartbeats.js';
import { heardUntil } from '../src/redis/relay/heard-until.js';
import { providerStartOptions } from '../src/temporal/start-provider.js';
import { signalNames, workflowTypes } from '../workflows/messages.js';
import type { ActivityDeps } from './deps.js';

/** Signals sent at the same time when many providers change at once (a network that went down). */
const signalsAtOnce = 20;

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'temporal'>;

/** Heartbeats, seen from the side of those that stopped. */
export function createSweepActivities({ config, pool, redis, temporal }: Deps) {
  return {
    /**
     * Finds providers that fell silent or came back, and tells their workflows; each is marked only once told. A beat
     * that lies unread because a relay or Redis is away is no silence of its sender.
     */
    async sweepHeartbeats(): Promise<{ silent: number; returned: number }> {
      const heard = await heardUntil(redis);
      const transitions = await sweepHeartbeats(pool, config.HEARTBEAT_TIMEOUT_S, heard?.until ?? null);
      for (let start = 0; start < transitions.length; start += signalsAtOnce) {
        await Promise.all(transitions.slice(start, start + signalsAtOnce).map(tell));
      }
      const silent = transitions.filter(({ alive }) => !alive).length;
      return { silent, returned: transitions.length - silent };
    },
  };

  /** A provider in service always has a workflow; one that is missing begins anew and learns the rest by itself. */
  async function tell({ providerId, alive, at }: HeartbeatTransition): Promise<void> {
    await temporal.workflow.signalWithStart(workflowTypes.provider, {
      ...providerStartOptions({ providerId }, config),
      signal: signalNames.heartbeatChanged,
      signalArgs: [{ alive, at: at.toISOString() }],
    });
    await markSignalled(pool, providerId, alive);
  }
}
