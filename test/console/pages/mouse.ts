import type { Locator, Page } from '../../support/chromium.js';
import { until } from '../../support/until.js';

interface Point {
  x: number;
  y: number;
}

/** Moves the pointer to the middle of something and clicks there: whatever lies above it gets the click. */
export async function click(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  await until(() => target.isEnabled(), { name: `${String(target)} can be used` });
  for (;;) {
    await target.scrollIntoViewIfNeeded();
    const { x, y } = await standing(target);
    await page.mouse.move(x, y, { steps: 4 });
    // What is drawn meanwhile may move it away from under the pointer: a person follows it.
    const now = await middleOf(target);
    if (now.x === x && now.y === y) break;
  }
  await page.mouse.down();
  await page.mouse.up();
}

/** Its middle, once it no longer moves: a person clicks at what stands still. */
async function standing(target: Locator): Promise<Point> {
  for (let before = ''; ;) {
    const middle = await middleOf(target);
    if (before === JSON.stringify(middle)) return middle;
    before = JSON.stringify(middle);
    await target.page().waitForTimeout(50);
  }
}

async function middleOf(target: Locator): Promise<Point> {
  const box = await target.boundingBox();
  if (box === null) throw new Error(`${String(target)} is not shown`);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
