import { expect, test } from '@jest/globals';
import { describeWithChromium } from '../support/chromium.js';
import { until } from '../support/until.js';
import { hasFocus, tabTo } from './pages/keys.js';
import { connectWallet, shellOf, walletDialogOf } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

/** What a page has for who watches its elements. */
type Watching = new (call: () => void) => { observe(element: unknown, what: object): void };

(await describeWithChromium())('a person without a mouse', () => {
  const at = siteOfTests();

  test('begins at a link that leads past the header', async () => {
    const visitor = await at.visit();
    const { page } = visitor;
    await visitor.open();
    await shellOf(page).heading.waitFor();
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to the page' });
    expect(await hasFocus(skip)).toBe(true);
    await page.keyboard.press('Enter');
    await until(() => hasFocus(page.getByRole('main')), { name: 'the focus is in the page' });
  });

  test('a dialog keeps the focus, Escape closes it, and the focus is back at what opened it', async () => {
    const visitor = await at.visit();
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
    const visitor = await at.visit();
    const { page } = visitor;
    await visitor.open();
    await connectWallet(page);
    await tabTo(page, shellOf(page).wallet);
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Account' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    await page.getByRole('menuitem', { name: 'Account' }).waitFor({ state: 'detached' });
    expect(await hasFocus(shellOf(page).wallet)).toBe(true);
  });

  test('a page that was gone to has the focus and the title at once, before the browser has drawn it', async () => {
    const visitor = await at.visit();
    const { page } = visitor;
    const places = shellOf(page).places;
    await visitor.open('jobs');
    await places.getByRole('link', { name: 'Market' }).click();
    await page.getByRole('table').first().waitFor();
    // Looked at right after the page was put together, as on a machine where the next key comes before the next frame.
    const found = await places.getByRole('link', { name: 'Jobs' }).evaluate(
      async (link) =>
        await new Promise<[boolean, string]>((looked) => {
          const document = link.ownerDocument;
          const look = () => {
            const heading = document.querySelector('h1');
            if (heading?.textContent === 'Jobs') looked([heading === document.activeElement, document.title]);
          };
          const { MutationObserver } = globalThis as unknown as { MutationObserver: Watching };
          new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
          link.click();
        }),
    );
    expect(found).toEqual([true, expect.stringMatching(/^Jobs · /)]);
  });

  test('Escape right after a menu was opened leaves the focus at its button', async () => {
    const visitor = await at.visit();
    const { page } = visitor;
    await visitor.open();
    await connectWallet(page);
    // Both keys come before the browser has drawn a frame, as on a machine that is busy.
    const expanded = await shellOf(page).wallet.evaluate(async (button) => {
      const said: (string | null)[] = [];
      button.focus();
      button.click();
      await new Promise((drawn) => queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => drawn(null)))));
      said.push(button.getAttribute('aria-expanded'));
      const escape = new Event('keydown', { bubbles: true, cancelable: true });
      button.dispatchEvent(Object.assign(escape, { key: 'Escape' }));
      await new Promise((drawn) => setTimeout(drawn, 200));
      said.push(button.getAttribute('aria-expanded'));
      return said;
    });
    expect(expanded).toEqual(['true', 'false']);
    expect(await hasFocus(shellOf(page).wallet)).toBe(true);
  });
});
