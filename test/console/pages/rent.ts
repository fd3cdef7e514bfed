import type { Page } from '../../support/chromium.js';

/** The form of an order. */
export function rentOf(page: Page) {
  return {
    key: page.getByLabel(/^Paste your public key|^Add another public key/),
    name: page.getByLabel('Name of the job'),
    hours: page.getByLabel('For', { exact: true }),
    image: page.getByLabel('Name of the image'),
    /** "3 machines can take this now", or who cannot. */
    summary: page.locator('.summary'),
    rent: page.getByRole('button', { name: /^Rent$|^Connect wallet and rent$/ }),
  };
}

/** The id of the job whose page is open. */
export async function openJobId(page: Page): Promise<string> {
  await page.waitForURL(/\/console\/jobs\/[0-9a-f-]{36}/);
  return /jobs\/([0-9a-f-]{36})/.exec(page.url())![1]!;
}
