import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from './chromium.js';

/** Long enough for a picture: nothing but its looks depends on it. */
const drawnWithinMs = 300;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string;
  help: string;
  nodes: { target: string[]; any: { message: string }[] }[];
}

/** What of a page people cannot read or use, in one line each: serious and critical findings alone. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // As the browser's own tools run it: the page's policy allows no script of anybody else.
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{ violations: Violation[] }>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

/** By how many pixels a page is wider than its window, and what of it is. */
export async function sidewaysScroll(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > clientWidth + 1);
    return wide.slice(0, 5).map((each) => each.tagName + '.' + each.getAttribute('class') + ' ' + (scrollWidth - clientWidth) + ' px');
  })()`);
}

/** A picture of the whole page, for people to look at: nothing is compared with it. */
export async function keepPicture(page: Page, folder: string, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  // Charts are drawn when they come into sight.
  await page.evaluate('scrollTo(0, document.body.scrollHeight)');
  await page.waitForTimeout(drawnWithinMs);
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, animations: 'disabled' });
}

/** The same of what is in the window, as far as people see without scrolling. */
export async function keepView(page: Page, folder: string, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.waitForTimeout(drawnWithinMs);
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
}
