/**
 * What is live: the broker, the login of this tab, and what is read again by itself. Pages import from here.
 *
 * - `broker()` is the client of `src/client/`. Call it each time, since a login makes another one.
 * - `useResource(key, load, { everyMs })` reads, keeps what it had when a reading fails, and repeats.
 * - `act(() => broker().…)` does what the person asked for, and goes on after a new login where the old one had ended.
 * - `login`, `whoami`, `requireLogin()`, `allowMore(needed)`: who is here, and what they allow.
 * - `useOperator()` is the client that signs, once there is one; `requireOperator()` asks the wallet for it, and
 *   `actAsOperator(({ admin }) => …)` does both and acts. What is read with it has `{ as: 'operator' }`.
 * - `useJobEvents(listener)` hears what happens to the wallet's jobs; `refresh('jobs')` reads anew what is shown.
 * - `canAct` is false while there is no network or no broker: actions are switched off then.
 * - `nowMs()` is the broker's clock, `second` its second: read it to draw anew each second.
 */
export { api, broker, consoleBase, readSite, renewBroker, site, store, token } from './broker.js';
export { nowMs, second, startClock } from './clock.js';
export { isStreaming, onJobEvent, startEvents, useJobEvents } from './events.js';
export { awaySinceMs, canAct, comebacks, reach, startReach, watchedFetch } from './reach.js';
export { errorOf, type ResourceState } from './resource.js';
export { allowMore, ask, requireLogin, requireOperator, useOperator, type Ask } from './asks.js';
export { dropOperator, endSessionOf, endsLogin } from './ends.js';
export { act, actAsOperator, logOut, readWhoami, restoreLogin, takeLogin, tellEnded, watchLogin } from './session.js';
export { toast, toasts, type Toast } from './toasts.js';
export { forgetResources, refresh, useResource, type Loaded, type UseResourceOptions } from './use-resource.js';
export { isLost, login, mayBeAdmin, operator, whoami, type Login } from './who.js';
