import { readFileSync } from 'node:fs';

/** Names the file that says what is changed: `{ file, start, end, becomes }`. Without it nothing is. */
export const mutantVariable = 'BROKER_MUTANT';

const path = process.env[mutantVariable];
const mutant = path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));

/** The source as the mutant has it; any other file as it is. Nothing is ever written to the checkout. */
export function mutated(source, file) {
  if (mutant === undefined || mutant.file !== file) return source;
  return source.slice(0, mutant.start) + mutant.becomes + source.slice(mutant.end);
}
