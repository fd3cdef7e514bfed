import type { Locator, Page } from '../../support/chromium.js';
import { until } from '../../support/until.js';

/** A job is stuck once it has started for a minute. */
const stuckWithin = { timeoutMs: 110_000, budgetMs: 100_000, everyMs: 500 };

/** What the first view of the operator's page lists of a job that is stuck, once it is. */
export async function stuckItem(page: Page, jobId: string): Promise<Locator> {
  const item = page.getByRole('listitem').filter({ hasText: `job …${jobId.slice(-4)}` });
  await until(() => item.isVisible(), { ...stuckWithin, name: 'the job is listed as stuck' });
  return item;
}
