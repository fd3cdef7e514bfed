import { stopSignal } from './lifecycle.js';

// Signals are heard from the first moment on: loading the rest takes a second, in which a process may be told to stop.
const stop = stopSignal();
const { runBroker } = await import('./broker-process.js');
await runBroker(stop);
