import type { Page } from '../../support/chromium.js';
import { until } from '../../support/until.js';

/** The page of deposits. */
export function depositsOf(page: Page) {
  const card = (title: string) => page.getByRole('region', { name: title, exact: true });
  return {
    card,
    amount: card('Deposit').getByLabel('Amount', { exact: true }),
    deposit: card('Deposit').getByRole('button', { name: 'Deposit…' }),
    /** A figure at the head of the page. */
    figure: (label: string) => page.locator('.stat').filter({ has: page.getByText(label, { exact: true }) }),
    /** What this tab has asked the wallet for. */
    onItsWay: page.locator('.on-its-way'),
    sheet: (title: string) => page.getByRole('dialog', { name: title }),
  };
}

/** Has the wallet that is chosen in a sheet do what the sheet says. */
export async function sendIn(page: Page, title: string, wallet = 'Otter Wallet'): Promise<void> {
  const sheet = depositsOf(page).sheet(title);
  await sheet.getByRole('button', { name: wallet }).click();
  await sheet.waitFor({ state: 'detached' });
}

/**
 * The same where a time has to have come. The page goes by its clock and the chain by its last block: while the chain
 * says that it is too early, the wallet is asked again, as a person would.
 */
export async function sendOnceItIsTime(page: Page, title: string, wallet = 'Otter Wallet'): Promise<void> {
  const sheet = depositsOf(page).sheet(title);
  const ask = async () => await sheet.getByRole('button', { name: wallet }).click({ timeout: 5_000 });
  await ask();
  await until(
    async () => {
      if ((await sheet.count()) === 0) return true;
      if (await sheet.getByText('The time of your exit has not come yet.').isVisible()) await ask();
      return false;
    },
    { timeoutMs: 60_000, budgetMs: 30_000, everyMs: 1_000, name: `“${title}” is sent` },
  );
}
