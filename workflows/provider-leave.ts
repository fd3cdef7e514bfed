import type { Admission } from './provider-admission.js';
import type { ProviderLife } from './provider-life.js';
import { admission, fleet } from './provider-steps.js';
import { syncMining } from './provider-upkeep.js';

/** How often the jobs of a provider that is to leave are counted, should none of them have said that it left. */
const leaveRecheckMs = 10 * 60_000;

/** Answers the registrations that wait, since nothing can come of them now. */
export async function refuseRegistrations({ providerId }: ProviderLife, registrations: Admission): Promise<void> {
  const unanswered = registrations.withdraw();
  if (unanswered.length === 0) return;
  await admission.refuseRegistration({
    providerId,
    message: 'the provider is being retired; register again after that',
  });
}

/** It is to leave, and it is time to see whether it can. */
export function mayLeave({ retiring, leaveAtMs }: ProviderLife): boolean {
  return retiring && Date.now() >= leaveAtMs;
}

/** Leaves the fleet; true when it has left, false while it has jobs or a registration is just being answered. */
export async function leave(life: ProviderLife, registrations: Admission): Promise<boolean> {
  if (registrations.busy()) return false;
  life.leaveAtMs = Date.now() + leaveRecheckMs;
  const { jobs } = await fleet.retireProvider({ providerId: life.providerId });
  if (jobs > 0) {
    life.waiting(`the end of its jobs, ${jobs} of them, to be retired`);
    return false;
  }
  await syncMining(life);
  life.become('retired');
  life.waiting('nothing; it is retired');
  return true;
}
