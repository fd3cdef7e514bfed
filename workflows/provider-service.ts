import type { ProviderFinding } from '../activities/provider-assessment.js';
import type { ProviderService } from './provider-messages.js';

/** What its jobs can rely on. */
export function serviceOf({ status, absence }: ProviderFinding): ProviderService {
  if (status === 'offline') return 'offline';
  return absence === 'gpu_lost' ? 'gpu_lost' : 'online';
}

/** Converts what versions up to 0.1.0 carried. */
export function serviceTold(online: boolean | undefined): ProviderService | undefined {
  if (online === undefined) return undefined;
  return online ? 'online' : 'offline';
}

/** What a provider waits for before it takes jobs, in an operator's words. */
export function whatFor({ reason, refused, cordoned, retiring, absence, gpusReason, out }: ProviderFinding): string {
  if (refused !== undefined) return `its own node: ${refused}`;
  if (retiring) return 'the end of its jobs; then it is retired';
  if (absence === 'gpu_lost') return 'its missing GPUs: the cluster counts fewer than are rented';
  if (reason !== '') return `its return: ${reason}`;
  if (cordoned) return 'a command to uncordon it; it is cordoned';
  if (out !== undefined) {
    const last = out.reason === undefined ? '' : ` (${out.reason})`;
    return `${out.until}: it failed to start jobs of several customers${last}, and gets no jobs until then`;
  }
  return gpusReason === undefined ? 'nothing; it is in service' : `nothing; it is in service, but ${gpusReason}`;
}
