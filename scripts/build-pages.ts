import { consoleFiles } from './pages/console-files.js';
import { documentFiles, documentPictures } from './pages/document-files.js';
import { writeFiles } from './pages/files.js';

/** Makes the documentation and the console: `tsx scripts/build-pages.ts FOLDER`. */
const [documents, pictures, console] = await Promise.all([documentFiles(), documentPictures(), consoleFiles()]);
await writeFiles(
  new Map<string, string | Buffer>([...documents, ...pictures, ...console]),
  process.argv[2] ?? 'dist/pages',
);
