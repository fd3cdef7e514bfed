import { expect, test } from '@jest/globals';
import { describeWithChromium, type Page } from '../support/chromium.js';
import type { Visitor } from '../support/console.js';
import { until } from '../support/until.js';
import { connectWallet, shellOf } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

(await describeWithChromium())('the console with forced colours, on paper, and without motion', () => {
  const at = siteOfTests();
  let visitor: Visitor;

  async function look(path: string, media: Parameters<Page['emulateMedia']>[0]): Promise<Page> {
    visitor = await at.visit({ theme: 'dark' });
    await visitor.page.emulateMedia({ colorScheme: 'dark', ...media });
    await visitor.open(path);
    return visitor.page;
  }
  /** A computed property of the first element that fits, or of what stands before or after it. */
  const style = async (page: Page, selector: string, property: string, pseudo?: string) =>
    await page.evaluate<string>(
      `getComputedStyle(document.querySelector(${JSON.stringify(selector)}), ${JSON.stringify(pseudo ?? null)}).${property}`,
    );

  test('with forced colours one sees which page, view and answer is chosen, and where a dialog ends', async () => {
    const page = await look('cost', { forcedColors: 'active' });
    await connectWallet(page);
    await page.getByRole('tablist').waitFor();
    const of = async (selected: boolean) =>
      await style(page, `[role=tab][aria-selected=${selected}]`, 'borderBottomColor');
    const ground = await style(page, 'html', 'backgroundColor');
    expect(await of(true)).not.toBe(await of(false));
    expect(await of(false)).toBe(ground);
    expect(await style(page, '.top nav a[aria-current]', 'backgroundColor', '::after')).not.toBe(ground);
    await page.goto('/console/rent');
    await page.locator('.button[aria-pressed=true]').first().waitFor();
    expect(await style(page, '.button[aria-pressed=true]', 'outlineStyle')).toBe('solid');
    await page.evaluate('sessionStorage.clear()');
    await page.reload();
    await shellOf(page).connect.click();
    await page.getByRole('dialog').waitFor();
    expect(await style(page, 'dialog', 'borderTopWidth')).toBe('1px');
  });

  test('with forced colours a chosen theme does not stand against the colours of the system', async () => {
    const page = await look('', { forcedColors: 'active' });
    await page.evaluate(`document.documentElement.dataset.theme = 'light'`);
    expect(await style(page, 'html', 'colorScheme')).toBe('light dark');
  });

  test('on paper the cost is dark on white, without what only a screen can do', async () => {
    const page = await look('cost', {});
    await connectWallet(page);
    await page.getByRole('tablist').waitFor();
    await page.emulateMedia({ media: 'print' });
    expect([await page.getByRole('banner').isVisible(), await page.getByRole('tablist').isVisible()]).toEqual([
      false,
      false,
    ]);
    expect(await page.getByRole('heading', { level: 1 }).isVisible()).toBe(true);
    expect(await style(page, 'html', 'colorScheme')).toBe('light');
    const isDark = async () => Number(/\d+/.exec(await style(page, 'h1', 'color'))?.[0] ?? 255) < 64;
    await until(isDark, { name: 'the text is dark', timeoutMs: 10_000 });
  });

  test('who wants no motion sees nothing that goes on moving', async () => {
    const page = await look('', { reducedMotion: 'reduce' });
    await page.getByRole('table').first().waitFor();
    const moving = await page.evaluate<string[]>(
      `document.getAnimations().filter(({ effect }) => effect.getTiming().iterations === Infinity).map(String)`,
    );
    expect(moving).toEqual([]);
  });
});
