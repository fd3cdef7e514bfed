import type { Page } from '../../support/chromium.js';

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
