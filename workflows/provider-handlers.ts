import { setHandler } from '@temporalio/workflow';
import type { Admission } from './provider-admission.js';
import type { ProviderLife } from './provider-life.js';
import {
  capacityReported,
  certificateRequested,
  heartbeatChanged,
  jobLeft,
  miningChanged,
  nodeObserved,
  placementChanged,
  providerState,
  registrationReceived,
} from './provider-messages.js';
import { takeCommands } from './provider-commands.js';

/** Registers the handlers for everything that a provider is told or asked; the loop of its workflow does the rest. */
export function listen(life: ProviderLife, registrations: Admission): void {
  setHandler(providerState, life.state);
  setHandler(registrationReceived, ({ messageId, ...known }) => {
    if (life.isFirst(messageId)) registrations.add(messageId, known);
  });
  setHandler(capacityReported, ({ messageId }) => {
    if (life.isFirst(messageId)) life.capacities.push(messageId);
  });
  setHandler(certificateRequested, (request) => {
    if (life.isFirst(`csr/${request.name}`)) life.requests.push(request);
  });
  setHandler(nodeObserved, ({ state }) => {
    life.news++;
    // A node that is just being created is not ready for a moment; that is not a loss.
    if (life.inService() || state === 'ready') life.changed = true;
  });
  setHandler(heartbeatChanged, () => {
    life.news++;
    life.changed = true;
  });
  setHandler(miningChanged, () => {
    life.news++;
    life.miningStale = true;
  });
  setHandler(placementChanged, () => {
    life.news++;
    life.changed = true;
  });
  setHandler(jobLeft, () => {
    life.news++;
    life.leaveAtMs = 0;
    // With one job less, the remaining GPUs may be enough.
    if (life.told === 'gpu_lost') life.changed = true;
  });
  takeCommands({
    providerId: life.providerId,
    state: life.state,
    ordered({ action }) {
      life.news++;
      life.changed = true;
      if (action !== 'retire') return;
      life.retiring = true;
      life.leaveAtMs = 0;
    },
  });
}
