/** The workflow types, as starters name them. */
export const workflowTypes = {
  job: 'jobLifecycle',
  provider: 'providerLifecycle',
  heartbeatSweep: 'heartbeatSweep',
  fleetReconciler: 'fleetReconciler',
} as const;
