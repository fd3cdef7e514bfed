import { consoleFiles } from './pages/console-files.js';
import { documentFiles } from './pages/document-files.js';
import { writeFiles } from './pages/files.js';

/** Makes the documentation and the console: `tsx scripts/build-pages.ts FOLDER`. */
const [documents, console] = await Promise.all([documentFiles(), consoleFiles()]);
await writeFiles(new Map([...documents, ...console]), process.argv[2] ?? 'dist/pages');
