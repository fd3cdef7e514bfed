import type { Admission } from './provider-admission.js';
import type { ProviderLife } from './provider-life.js';
import { admission, fleet } from './provider-steps.js';
import { syncMining } from './provider-upkeep.js';

/** How often to count the jobs of a retiring provider, in case no job reported that it left. */
const leaveRecheckMs = 10 * 60_000;

/** Rejects the registrations that wait: the provider is leaving the fleet. */
export async function rejectRegistrations({ providerId }: ProviderLife, registrations: Admission): Promise<void> {
  const unanswered = registrations.withdraw();
  if (unanswered.length === 0) return;
  await admission.refuseRegistration({
    providerId,
    message: 'the provider is being retired; register again after that',
  });
}

/** It is retiring, and the next count of its jobs is due. */
export function mayLeave({ retiring, leaveAtMs }: ProviderLife): boolean {
  return retiring && Date.now() >= leaveAtMs;
}

/** Leaves the fleet. True once it has left, false while it has jobs or a registration is still being answered. */
export async function leaveFleet(life: ProviderLife, registrations: Admission): Promise<boolean> {
  if (registrations.busy()) return false;
  life.leaveAtMs = Date.now() + leaveRecheckMs;
  const { jobs } = await fleet.retireProvider({ providerId: life.providerId });
  if (jobs > 0) {
    life.waiting(`the end of its jobs (${jobs}); then it is retired`);
    return false;
  }
  await syncMining(life);
  life.become('retired');
  life.waiting('nothing; it is retired');
  return true;
}
