import type { Invariant } from '../invariant-names.js';
import { faults } from './faults.js';
import { runWithFaults } from './run-fault.js';

/** The unchanged broker, for which nothing may be found. */
const none = 'none';

const known = [none, ...Object.keys(faults)];

export const faultNames: readonly string[] = ['all', ...known];

/** Which of these are no names of faults, joined with `+` or alone. */
export const unknownFaults = (names: readonly string[]) =>
  names.flatMap((name) => name.split('+')).filter((name) => !faultNames.includes(name));

/**
 * Runs chaos on a broker with each of these faults, and prints which invariant found it.
 *
 * @param names of faults, joined with `+` for several in one broker; `all` for each of them alone, and for none.
 * @returns whether each fault was found by one of its invariants, and nothing without a fault.
 */
export async function tryFaults(names: readonly string[], log: (line: string) => void): Promise<boolean> {
  const wanted = names.includes('all') ? known : names;
  const lines: string[] = [];
  let allRight = true;
  for (const name of wanted) {
    const planted = name === none ? [] : name.split('+').map((each) => faults[each]!);
    log(`---- ${name}: ${planted.map(({ what }) => what).join('; ') || 'nothing is wrong'}`);
    const { found, wrong, seconds } = await runWithFaults(planted, { log });
    allRight &&= wrong.length === 0;
    const expected = new Set(planted.flatMap(({ foundBy }) => foundBy));
    const by = (Object.keys(found) as Invariant[]).sort((a, b) => Number(expected.has(b)) - Number(expected.has(a)));
    for (const invariant of by) log(`     ${invariant}: ${found[invariant]!.slice(0, 300)}`);
    const line = `${wrong.length === 0 ? '✓' : '✗'} ${name.padEnd(24)} ${String(seconds).padStart(4)} s  ${by.join(', ') || 'nothing'}`;
    lines.push(
      wrong.length === 0
        ? line
        : `${line}  (${planted.length === 0 ? 'found by' : 'was to be found by'} ${wrong.join(', ')})`,
    );
    log(lines.at(-1)!);
  }
  console.log(`\n  fault                     time    found by\n${lines.map((line) => `${line}\n`).join('')}`);
  return allRight;
}
