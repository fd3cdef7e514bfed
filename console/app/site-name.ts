import { site } from '../live/index.js';
import { plain } from '../parts/index.js';

/** What the operator calls this broker. */
export function siteName(): string {
  return plain(site.value?.name ?? '', 24) || 'WorldLand';
}
