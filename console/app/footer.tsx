import { api, site } from '../live/index.js';
import { plain } from '../parts/index.js';
import { siteName } from './site-name.js';

/** Whose clock the times of all pages are on, as the browser names it: `Europe/Berlin`. */
const zone = plain(Intl.DateTimeFormat().resolvedOptions().timeZone, 40);

/** The ways out of the console: what explains it, and what does the same without a browser. */
export function Footer() {
  const version = plain(site.value?.version ?? '', 24);
  return (
    <footer class="foot">
      <span>
        {siteName()}
        {version !== '' && <span class="num"> {version}</span>}
        {zone !== '' && <span class="foot-zone">times of {zone}</span>}
      </span>
      <nav aria-label="Documentation">
        <a href={`${api}/docs/quickstart`}>Quick start</a>
        <a href={`${api}/docs/cli`}>Command line</a>
        <a href={`${api}/docs/api`}>API</a>
        <a href={`${api}/docs/`}>Documentation</a>
      </nav>
    </footer>
  );
}
