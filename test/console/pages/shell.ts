import type { WorldLand } from '../../../src/client/index.js';
import type { Locator, Page } from '../../support/chromium.js';

/** What is on every page of the console, as people and screen readers find it. */
export function shellOf(page: Page) {
  const banner = page.getByRole('banner');
  return {
    heading: page.getByRole('heading', { level: 1 }),
    places: banner.getByRole('navigation', { name: 'Pages' }),
    connect: banner.getByRole('button', { name: 'Connect wallet' }),
    /** `4.50 of 5.00 WLC left`. */
    limit: page.getByRole('link', { name: /left/ }).first(),
    wallet: page.getByRole('button', { name: /^Wallet 0x/ }),
    /** What is not as it should be. */
    statuses: page.getByRole('status'),
    dialog: (name: string | RegExp) => page.getByRole('dialog', { name }),
  };
}

/** The dialog that asks a wallet, whatever it asks for. */
export function walletDialogOf(page: Page, title: string | RegExp = /Connect|Allow more|Sign in/) {
  const dialog = page.getByRole('dialog', { name: title });
  return {
    dialog,
    limit: (words: string) => dialog.getByRole('radio', { name: words, exact: true }),
    own: dialog.getByLabel('At most'),
    wallet: (name: string) => dialog.getByRole('button', { name }),
    failure: dialog.getByRole('alert'),
    async sign(name = 'Otter Wallet') {
      await dialog.getByRole('button', { name }).click();
      await dialog.waitFor({ state: 'detached' });
    },
  };
}

/** Connects the wallet of a visitor by the button of the header. */
export async function connectWallet(page: Page, { limit = '25', wallet = 'Otter Wallet' } = {}): Promise<void> {
  await shellOf(page).connect.click();
  const { limit: choice, sign } = walletDialogOf(page, 'Connect a wallet');
  await choice(limit).check();
  await sign(wallet);
  await shellOf(page).wallet.waitFor();
}

/** The text of an element in one line. */
export async function words(element: Locator): Promise<string> {
  return (await element.innerText()).replace(/\s+/g, ' ').trim();
}

/** The sessions of a wallet that live at the broker; that of the client is one of them. */
export async function liveSessions(elsewhere: WorldLand): Promise<string[]> {
  const sessions = await elsewhere.sessions.list();
  return sessions.filter(({ live }) => live).map(({ session_id: id }) => id);
}
