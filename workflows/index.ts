/** Everything the worker registers; the bundle of workflow code starts here. */
export { jobLifecycle } from './job-lifecycle.js';
export { providerLifecycle } from './provider-lifecycle.js';
export { heartbeatSweep } from './heartbeat-sweep.js';
export { fleetReconciler } from './fleet-reconciler.js';
