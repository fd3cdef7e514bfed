/**
 * The states of a job. `pending` waits for capacity, `provisioning` has capacity and waits for its pod, `ending` has
 * been told to end but still holds resources. The other states are final and hold nothing.
 */
export const jobStatuses = [
  'pending',
  'provisioning',
  'running',
  'ending',
  'completed',
  'expired',
  'cancelled',
  'failed',
  'provider_lost',
] as const;

export type JobStatus = (typeof jobStatuses)[number];

export const finalJobStatuses = ['completed', 'expired', 'cancelled', 'failed', 'provider_lost'] as const;

export type FinalJobStatus = (typeof finalJobStatuses)[number];

/**
 * The states of a provider. All but `retired` are names that the public agents know. A retired provider is not part of
 * the fleet until it registers again.
 */
export const providerStatuses = [
  'pending',
  'approved',
  'joined',
  'available',
  'busy',
  'offline',
  'rejected',
  'retired',
] as const;

export type ProviderStatus = (typeof providerStatuses)[number];
