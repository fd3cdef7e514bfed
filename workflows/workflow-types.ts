/** The workflow types, by the names that starters use. */
export const workflowTypes = {
  job: 'jobLifecycle',
  provider: 'providerLifecycle',
  heartbeatSweep: 'heartbeatSweep',
  fleetReconciler: 'fleetReconciler',
  marketSampler: 'marketSampler',
  providerSeries: 'providerSeries',
  jobReminders: 'jobReminders',
  vaultWatch: 'vaultWatch',
  settlementBatch: 'settlementBatch',
  withdrawalPermit: 'withdrawalPermit',
} as const;
