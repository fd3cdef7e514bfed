import { writeFileSync } from 'node:fs';
import { clientFiles } from './client-types.js';
import { routeTable } from './route-table.js';

for (const [file, text] of Object.entries(await clientFiles(routeTable()))) writeFileSync(file, text);
