import { curatedFaults } from './curated-faults.js';
import { placesOf, readSource } from './find-mutants.js';
import { parse } from './functions.js';
import { mutantOf, type Mutant } from './mutant.js';

/** The faults of the table as mutants. A text that does not occur exactly once in its file is an error. */
export function curatedMutants(): Mutant[] {
  const wrong: string[] = [];
  const files = new Map<string, Parameters<typeof mutantOf>[0]>();
  const fileOf = (file: string) => {
    const source = readSource(file);
    const known = files.get(file) ?? { file, source, places: placesOf(parse(file, source)) };
    files.set(file, known);
    return known;
  };
  const mutants = Object.entries(curatedFaults).flatMap(([kind, faults]) =>
    faults.flatMap(({ file, was, becomes }) => {
      const known = fileOf(file);
      const { source } = known;
      const start = source.indexOf(was);
      if (start === -1 || source.includes(was, start + 1)) {
        wrong.push(`${file} has ${start === -1 ? 'no longer' : 'more than once'}: ${was}`);
        return [];
      }
      return [mutantOf(known, { start, end: start + was.length, becomes, kind })];
    }),
  );
  if (wrong.length === 0) return mutants;
  throw new Error(`faults of test/mutants/curated-faults.ts that fit no more:\n${wrong.join('\n')}`);
}
