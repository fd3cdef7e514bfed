import type { Locator, Page } from '../../support/chromium.js';
import { until } from '../../support/until.js';

/** So many keys lead to any place of a page. */
const mostTabs = 150;

export async function hasFocus(target: Locator): Promise<boolean> {
  return await target.evaluate((element) => element === element.ownerDocument.activeElement);
}

/** Goes on from where the focus is, as a person does who looks for something: nobody gets to what is switched off. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  await until(() => target.isEnabled(), { name: `${String(target)} can be used` });
  for (let pressed = 0; pressed < mostTabs; pressed += 1) {
    if (await hasFocus(target)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${mostTabs} times Tab do not lead to ${String(target)}`);
}

/** Goes there, and presses it. */
export async function press(page: Page, target: Locator, key = 'Enter'): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

/** Opens a menu by its button, goes down to an item, and chooses it. */
export async function chooseFromMenu(page: Page, button: Locator, item: Locator): Promise<void> {
  await press(page, button);
  await item.waitFor();
  for (let pressed = 0; pressed < 20 && !(await hasFocus(item)); pressed += 1) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
}

/** Goes from the chosen tab to another one, with the arrows. */
export async function goToTab(page: Page, name: string): Promise<void> {
  await tabTo(page, page.getByRole('tab', { selected: true }));
  const tab = page.getByRole('tab', { name, exact: true });
  for (let pressed = 0; pressed < 20 && !(await hasFocus(tab)); pressed += 1) await page.keyboard.press('ArrowRight');
}

/** Chooses a radio button: Tab leads to the one that is chosen, arrows to the others. */
export async function arrowTo(page: Page, radio: Locator): Promise<void> {
  await radio.waitFor();
  const isAtRadio = async () => (await page.evaluate('document.activeElement.type')) === 'radio';
  for (let pressed = 0; pressed < mostTabs && !(await isAtRadio()); pressed += 1) await page.keyboard.press('Tab');
  for (let pressed = 0; pressed < 20 && !(await radio.isChecked()); pressed += 1)
    await page.keyboard.press('ArrowRight');
}
