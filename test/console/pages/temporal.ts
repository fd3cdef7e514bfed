import { jobWorkflowId } from '../../../src/domain/job.js';
import type { Locator, Page } from '../../support/chromium.js';

/** The link to a job in a list of Temporal's UI. */
export function jobLink(page: Page, jobId: string): Locator {
  return page.getByRole('table', { name: 'Workflows' }).getByRole('link', { name: jobWorkflowId(jobId) });
}

/** What the page of a workflow is about. */
export function titleOf(page: Page, jobId: string): Locator {
  return page.getByRole('heading', { level: 1, name: jobWorkflowId(jobId) });
}

/** What the workflow waits for by its own words, the newest first: the timers of the drawing above the list of events. */
export function drawnWait(page: Page, words: RegExp): Locator {
  return page.getByRole('main').getByRole('img').getByRole('button', { name: words }).first();
}

/** The same in the list of events. */
export function startedTimer(page: Page, words: RegExp): Locator {
  return page
    .getByRole('row')
    .filter({ hasText: /Timer Started/ })
    .filter({ hasText: words })
    .first();
}

/** The texts of the tab `User Metadata`, each in a frame of its own. */
export function currentDetails(page: Page): Locator {
  return page.getByRole('main').locator('iframe').last().contentFrame().locator('body');
}
