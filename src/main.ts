import { stopSignal } from './lifecycle.js';

// Handles signals from the first moment: loading the rest takes a second, in which the process may be told to stop.
const stop = stopSignal();
const { runBroker } = await import('./broker-process.js');
await runBroker(stop);
