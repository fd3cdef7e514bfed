import { WorkflowNotFoundError } from '@temporalio/client';
import { markSignalled, sweepHeartbeats } from '../src/db/heartbeats.js';
import { providerWorkflowId } from '../src/domain/provider.js';
import { signalNames } from '../workflows/messages.js';
import type { ActivityDeps } from './index.js';

/** Signals sent at the same time when many providers change at once (a network that went down). */
const signalsAtOnce = 20;

/** Heartbeats, seen from the side of those that stopped. */
export function createSweepActivities({ config, pool, temporal, logger }: Pick<ActivityDeps, 'config' | 'pool' | 'temporal' | 'logger'>) {
  return {
    /** Finds providers that fell silent or came back, and tells their workflows; each is marked only once told. */
    async sweepHeartbeats(): Promise<{ silent: number; returned: number }> {
      const transitions = await sweepHeartbeats(pool, config.HEARTBEAT_TIMEOUT_S);
      for (let start = 0; start < transitions.length; start += signalsAtOnce) {
        await Promise.all(
          transitions.slice(start, start + signalsAtOnce).map(async ({ providerId, alive, at }) => {
            const change = { alive, at: at.toISOString() };
            try {
              await temporal.workflow.getHandle(providerWorkflowId(providerId)).signal(signalNames.heartbeatChanged, change);
            } catch (error) {
              if (!(error instanceof WorkflowNotFoundError)) throw error;
              logger.warn({ providerId }, 'a provider without a workflow: it will have to register again');
            }
            await markSignalled(pool, providerId, alive);
          }),
        );
      }
      const silent = transitions.filter(({ alive }) => !alive).length;
      return { silent, returned: transitions.length - silent };
    },
  };
}
