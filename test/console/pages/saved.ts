import { readFile } from 'node:fs/promises';
import type { Page } from '../../support/chromium.js';

/** Presses a button that saves a file, and reads the file. */
export async function saved(page: Page, button: string): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).first().click(),
  ]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}
