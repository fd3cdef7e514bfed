import { expect, test } from '@jest/globals';
import { describeWithChromium, type Locator, type Page } from '../support/chromium.js';
import type { Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { openJobId, rentOf } from './pages/rent.js';
import { shellOf, walletDialogOf } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

/** So many keys lead to any place of a page. */
const mostTabs = 120;

(await describeWithChromium())('a person without a mouse', () => {
  const at = siteOfTests();
  let visitor: Visitor;

  const hasFocus = async (target: Locator) =>
    await target.evaluate((element) => element === element.ownerDocument.activeElement);

  /** Goes on from where the focus is, as a person does who looks for something. */
  async function tabTo(page: Page, target: Locator): Promise<void> {
    await target.waitFor();
    for (let pressed = 0; pressed < mostTabs; pressed += 1) {
      if (await hasFocus(target)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`${mostTabs} times Tab do not lead to ${String(target)}`);
  }

  test('connects, rents and ends a job with the keyboard alone, and the focus is where one goes on', async () => {
    visitor = await at.visit();
    const { page } = visitor;
    await visitor.open(`rent?gpu=${at.machine.gpuType}`);
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to the page' });
    expect(await hasFocus(skip)).toBe(true);

    await tabTo(page, shellOf(page).connect);
    await page.keyboard.press('Enter');
    const { limit, wallet, dialog } = walletDialogOf(page, 'Connect a wallet');
    await limit('25').waitFor();
    await tabTo(page, wallet('Otter Wallet'));
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await shellOf(page).wallet.waitFor();

    const form = rentOf(page);
    await tabTo(page, form.key);
    await page.keyboard.insertText(ed25519Key());
    await until(async () => (await form.summary.innerText()).includes('can take this now'));
    await tabTo(page, form.rent);
    await page.keyboard.press('Enter');
    await openJobId(page);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    // A new page begins at its heading.
    await until(async () => (await page.evaluate('document.activeElement.tagName')) !== 'BODY');

    await tabTo(page, page.getByRole('button', { name: 'End…' }));
    await page.keyboard.press('Enter');
    const sheet = page.getByRole('dialog');
    await tabTo(page, sheet.getByRole('button', { name: 'End job' }));
    await page.keyboard.press('Enter');
    await sheet.waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'Log in' }).waitFor({ state: 'detached' });
  });

  test('a dialog keeps the focus, Escape closes it, and the focus is back at what opened it', async () => {
    visitor = await at.visit();
    const { page } = visitor;
    await visitor.open();
    await tabTo(page, shellOf(page).connect);
    await page.keyboard.press('Enter');
    const { dialog, wallet } = walletDialogOf(page);
    await wallet('Otter Wallet').waitFor();
    for (let pressed = 0; pressed < 20; pressed += 1) {
      await page.keyboard.press('Tab');
      // The browser's own controls are between the last place of a dialog and its first.
      expect(
        await page.evaluate(
          'document.activeElement === document.body || document.activeElement.closest("dialog") !== null',
        ),
      ).toBe(true);
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await hasFocus(shellOf(page).connect)).toBe(true);
  });

  test('a menu is opened, walked through and left with the keyboard', async () => {
    visitor = await at.visit();
    const { page } = visitor;
    await visitor.open();
    await shellOf(page).connect.click();
    await walletDialogOf(page).sign();
    await tabTo(page, shellOf(page).wallet);
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Account' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    await page.getByRole('menuitem', { name: 'Account' }).waitFor({ state: 'detached' });
    expect(await hasFocus(shellOf(page).wallet)).toBe(true);
  });
});
