import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import type { ProviderOrder } from '../activities/provider-operations.js';
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
  /** An order is in force: placement and the jobs know of it. */
  ordered(order: ProviderOrder): void;
}

/**
 * Takes the orders of operators and of the owner, one after the other. Each is written down first, so that no job gets in
 * any more; only then the jobs that are in are told, which finds all of them.
 */
export function takeOrders({ providerId, state, ordered }: Ordered): void {
  let carryingOut = false;

  const carryOut = async (order: ProviderOrder): Promise<ProviderState> => {
    // Of several that wake together the first goes on: the others look again.
    while (carryingOut) await condition(() => !carryingOut);
    carryingOut = true;
    try {
      await fleet.recordOrder({ providerId, order });
      if (order.action !== 'cordon') {
        await fleet.tellJobsOfDrain({
          providerId,
          draining: order.action !== 'uncordon',
          at: new Date().toISOString(),
          ...(order.until === undefined ? {} : { until: order.until }),
        });
      }
      ordered(order);
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
