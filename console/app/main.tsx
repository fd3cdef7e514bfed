import { render } from 'preact';
import { readSite, restoreLogin, startClock, startEvents, startReach, watchOtherTabs } from '../live/index.js';
import { startRouter } from './router.js';
import { Shell } from './shell.js';
import { startTheme } from './theme.js';

startTheme();
startReach();
startClock();
startRouter();
watchOtherTabs();
// What needs these shows a skeleton until they are there; a broker that is away is said by the banner.
void readSite().catch(() => undefined);
void restoreLogin().finally(startEvents);
const root = document.getElementById('app')!;
root.replaceChildren();
render(<Shell />, root);
