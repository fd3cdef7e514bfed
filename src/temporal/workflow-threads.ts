/**
 * Loaded with `node --import`, before everything else and in every thread of the process. In the threads that run workflow
 * code it turns the SDK's promise hooks off: for each promise they take a stack and look it up in the source map, which is
 * more than a third of what workflow code costs. The SDK has no option for it.
 *
 * What is lost is the answer to the query `__stack_trace`, which the Temporal UI shows as the call stack: it is empty. What a
 * workflow waits for stands in its details and its timers, and errors keep their stacks.
 */
import { promiseHooks } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) {
  const createHook = promiseHooks.createHook.bind(promiseHooks);
  // Node's own hooks, on which AsyncLocalStorage and so every CancellationScope depends, come the same way. They always
  // have a `before`, the SDK's have none.
  promiseHooks.createHook = (callbacks) => (callbacks.before === undefined ? () => undefined : createHook(callbacks));
}
