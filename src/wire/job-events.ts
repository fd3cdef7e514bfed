/** What can happen to a job. A client meets new kinds in later versions and passes over those that it does not know. */
export const jobEventKinds = [
  'ordered',
  'placed',
  'pod_created',
  'image_pulling',
  'image_pulled',
  'container_started',
  'ssh_ready',
  'extended',
  'ssh_key_added',
  'program_started',
  'program_restarted',
  'program_exited',
  'gpu_lost',
  'gpu_back',
  'expires_soon',
  'limit_near',
  'provider_away',
  'provider_back',
  'ending',
  'ended',
] as const;

export type JobEventKind = (typeof jobEventKinds)[number];

/** The last step of a job: an event that changed where it stands. */
export const jobPhases = [
  'ordered',
  'placed',
  'pod_created',
  'image_pulling',
  'image_pulled',
  'container_started',
  'ssh_ready',
  'provider_away',
  'ending',
  'ended',
] as const satisfies readonly JobEventKind[];

export type JobPhase = (typeof jobPhases)[number];

/**
 * Who or what ended a job: its customer, its time, the owner of its machine, an operator of the site, or the loss of its
 * machine. Absent if it ended by itself or failed.
 */
export const jobEnders = ['you', 'expiry', 'owner', 'operator', 'provider'] as const;

export type JobEnder = (typeof jobEnders)[number];
