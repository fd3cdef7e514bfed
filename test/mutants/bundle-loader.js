import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutated } from './apply.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A loader of webpack: each source as the mutant has it. */
export default function load(source) {
  return mutated(source, relative(root, this.resourcePath));
}
