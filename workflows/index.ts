/** Everything the worker registers; the workflow bundle starts here. */
export { jobLifecycle } from './job-lifecycle.js';
export { providerLifecycle } from './provider-lifecycle.js';
export { heartbeatSweep } from './heartbeat-sweep.js';
export { fleetReconciler } from './fleet-reconciler.js';
export { marketSampler } from './market-sampler.js';
export { providerSeries } from './provider-series.js';
export { jobReminders } from './job-reminders.js';
export { vaultWatch } from './vault-watch.js';
export { withdrawalPermit } from './withdrawal-permit.js';
export { settlementBatch } from './settlement-batch.js';
