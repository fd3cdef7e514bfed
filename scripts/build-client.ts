import { buildClientPackage } from './client-package.js';

const words = process.argv.slice(2);
const isLibraryOnly = words.includes('--library');
const folder = words.find((word) => !word.startsWith('-')) ?? 'dist/package';
await buildClientPackage(folder, isLibraryOnly ? { types: false, programs: false } : {});
