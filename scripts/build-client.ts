import { argumentsOf } from '../engines/cli/arguments.js';
import { buildClientPackage } from './client-package.js';

const usage = `Usage: npm run client:build -- [FOLDER] [options]

Builds the package worldland into FOLDER (default dist/package), ready for npm pack.

  --library   without its programs and types
  --help      show this text
`;

const { values, positionals } = argumentsOf(usage, {
  allowPositionals: true,
  options: { library: { type: 'boolean', default: false } },
});
await buildClientPackage(positionals[0] ?? 'dist/package', values.library ? { types: false, programs: false } : {});
