import { curatedFaults } from './curated-faults.js';
import { placesOf, readSource } from './find-mutants.js';
import { parse } from './functions.js';
import { mutantOf, type Mutant } from './mutant.js';

/** The faults of the table as mutants. A text that its file has no longer, or more than once, is an error. */
export function curatedMutants(): Mutant[] {
  const wrong: string[] = [];
  const mutants = Object.entries(curatedFaults).flatMap(([kind, faults]) =>
    faults.flatMap(({ file, was, becomes }) => {
      const source = readSource(file);
      const start = source.indexOf(was);
      if (start === -1 || source.includes(was, start + 1)) {
        wrong.push(`${file} has ${start === -1 ? 'no longer' : 'more than once'}: ${was}`);
        return [];
      }
      const places = placesOf(parse(file, source));
      return [mutantOf({ file, source, places }, { start, end: start + was.length, becomes, kind })];
    }),
  );
  if (wrong.length === 0) return mutants;
  throw new Error(`faults of test/mutants/curated-faults.ts that fit no more:\n${wrong.join('\n')}`);
}
