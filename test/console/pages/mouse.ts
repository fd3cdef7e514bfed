import type { Locator, Page } from '../../support/chromium.js';

/** Moves the pointer to the middle of something and clicks there: whatever lies above it gets the click. */
export async function click(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  await target.scrollIntoViewIfNeeded();
  const { x, y } = await standing(target);
  await page.mouse.move(x, y, { steps: 4 });
  await page.mouse.down();
  await page.mouse.up();
}

/** Its middle, once it no longer moves: a person clicks at what stands still. */
async function standing(target: Locator): Promise<{ x: number; y: number }> {
  for (let before = ''; ;) {
    const box = await target.boundingBox();
    if (box === null) throw new Error(`${String(target)} is not shown`);
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    if (before === JSON.stringify(middle)) return middle;
    before = JSON.stringify(middle);
    await target.page().waitForTimeout(50);
  }
}
