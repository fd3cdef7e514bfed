import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { consoleFiles } from '../../scripts/pages/console-files.js';
import { documentFiles, documentPictures } from '../../scripts/pages/document-files.js';
import { writeFiles, type Files } from '../../scripts/pages/files.js';
import { readStaticPages, type StaticPages } from '../../src/api/static-pages.js';

/** The pages as the build makes them and as the broker reads them. */
export async function buildPages(): Promise<{ files: Files; pages: StaticPages }> {
  const [documents, pictures, console] = await Promise.all([documentFiles(), documentPictures(), consoleFiles()]);
  const files = new Map([...documents, ...console]);
  const folder = mkdtempSync(join(tmpdir(), 'pages-'));
  try {
    await writeFiles(new Map<string, string | Buffer>([...files, ...pictures]), folder);
    return { files, pages: readStaticPages(folder) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
