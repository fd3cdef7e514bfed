import { test } from '@jest/globals';
import { appendFileSync } from 'node:fs';
export function story(name: string, timeoutMs: number) {
  const chapters: { title: string; happens: () => unknown }[] = [];
  test(name, async () => {
    const errors: string[] = [];
    for (const { title, happens } of chapters) {
      const began = Date.now();
      try { await happens(); appendFileSync('FOLDER.log', `ok ${Date.now() - began} ms ${title}\n`); }
      catch (error) { appendFileSync('FOLDER.log', `FAILED ${Date.now() - began} ms ${title}\n${(error as Error).stack}\n`); errors.push(`${title}: ${(error as Error).message}`); if (errors.length > 5) break; }
    }
    if (errors.length > 0) throw new Error(errors.join('\n\n'));
  }, timeoutMs);
  return (title: string, happens: () => unknown) => void chapters.push({ title, happens });
}
