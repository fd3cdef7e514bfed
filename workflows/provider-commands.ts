import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import type { RecordedCommand } from '../activities/provider-operations.js';
import {
  cordonProvider,
  drainProvider,
  retireProvider,
  uncordonProvider,
  type OrderedBy,
  type OrderedUntil,
  type ProviderState,
} from './provider-messages.js';
import { fleet } from './provider-steps.js';

interface Ordered {
  providerId: string;
  state(): ProviderState;
  /** A command is in force: placement and the jobs know about it. */
  ordered(command: RecordedCommand): void;
}

/**
 * Carries out the commands of operators and of the owner, one after the other. Each is recorded first, so that no
 * further job is placed; only then are the placed jobs told, which therefore reaches all of them.
 */
export function takeCommands({ providerId, state, ordered }: Ordered): void {
  let carryingOut = false;

  const carryOut = async (command: RecordedCommand): Promise<ProviderState> => {
    // Several handlers may wake at once: the first continues, and the others check again.
    while (carryingOut) await condition(() => !carryingOut);
    carryingOut = true;
    try {
      await fleet.recordOrder({ providerId, order: command });
      if (command.action !== 'cordon') {
        await fleet.tellJobsOfDrain({
          providerId,
          draining: command.action !== 'uncordon',
          at: new Date().toISOString(),
          ...(command.until === undefined ? {} : { until: command.until }),
        });
      }
      ordered(command);
    } finally {
      carryingOut = false;
    }
    return state();
  };

  const unlessLeaving = {
    validator(_: unknown) {
      const { retiring, status } = state();
      if (retiring || status === 'retired')
        throw ApplicationFailure.nonRetryable('the provider leaves the fleet', 'provider_retired');
    },
  };
  const unlessGone = {
    validator(_: unknown) {
      if (state().status === 'retired')
        throw ApplicationFailure.nonRetryable('the provider has left the fleet', 'provider_retired');
    },
  };
  setHandler(cordonProvider, (_: OrderedBy) => carryOut({ action: 'cordon' }), unlessLeaving);
  setHandler(uncordonProvider, (_: OrderedBy) => carryOut({ action: 'uncordon' }), unlessLeaving);
  setHandler(
    drainProvider,
    ({ by: _, ...until }: OrderedUntil) => carryOut({ action: 'drain', ...until }),
    unlessLeaving,
  );
  setHandler(
    retireProvider,
    ({ by: _, ...until }: OrderedUntil) => carryOut({ action: 'retire', ...until }),
    unlessGone,
  );
}
