import { effect } from '@preact/signals';
import { render } from 'preact';
import {
  broker,
  comebacks,
  forgetResources,
  login,
  readSite,
  readWhoami,
  restoreLogin,
  site,
  startClock,
  startReach,
  watchLogin,
} from '../live/index.js';
import { loadErrorDetails } from '../parts/error-note.js';
import { startRouter } from './router.js';
import { Shell } from './shell.js';
import { startTheme } from './theme.js';

/** By then the page is drawn. */
const quietMs = 4_000;

// The document's own names are relative to the address that it was opened at, and browsers ask for the icon again at others.
for (const icon of document.querySelectorAll<HTMLLinkElement>('link[rel=icon]')) icon.setAttribute('href', icon.href);
startTheme();
startReach(() => broker().request('GET', '/health', { timeoutMs: 5_000 }));
startClock();
startRouter();
// What needs the facts shows a skeleton until they are there; a broker that is away is said by the banner.
effect(() => {
  void comebacks.value;
  if (site.peek() === undefined) readSite().catch(() => undefined);
  if (login.peek() !== undefined) void readWhoami();
});
let wallet: string | undefined;
effect(() => {
  if (login.value?.wallet !== wallet) forgetResources();
  wallet = login.value?.wallet;
});
void restoreLogin().finally(watchLogin);
// Nobody has jobs before there is a login.
const stopWaiting = effect(() => {
  if (login.value === undefined) return;
  queueMicrotask(() => stopWaiting());
  import('../live/events.js').then(
    ({ startEvents }) => startEvents(),
    (error: unknown) => console.error(error),
  );
});
const root = document.getElementById('app')!;
root.replaceChildren();
render(<Shell />, root);
setTimeout(() => void loadErrorDetails().catch(() => undefined), quietMs);
