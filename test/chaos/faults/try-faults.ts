import { faults } from './faults.js';
import { runWithFault } from './run-fault.js';

/** The broker as it is, with which nothing may be found. */
const none = 'none';

/**
 * Runs chaos on a broker with each of these faults, or with all of them, and prints which invariant found it.
 *
 * @returns whether each was found by what should find it, and nothing where there is none.
 */
export async function tryFaults(names: readonly string[], log: (line: string) => void): Promise<boolean> {
  const known = [none, ...Object.keys(faults)];
  const wanted = names.includes('all') ? known : names;
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`there is no fault ${unknown.join(', ')}; there are: all, ${known.join(', ')}`);
  const lines: string[] = [];
  let allRight = true;
  for (const name of wanted) {
    const fault = faults[name];
    log(`---- ${name}: ${fault?.what ?? 'nothing is wrong'}`);
    const { found, isRight, seconds } = await runWithFault(fault, { log });
    allRight &&= isRight;
    const expected = fault?.foundBy ?? [];
    const by = Object.keys(found).sort(
      (a, b) => Number(expected.includes(b as never)) - Number(expected.includes(a as never)),
    );
    for (const invariant of by) log(`     ${invariant}: ${found[invariant as keyof typeof found]!.slice(0, 300)}`);
    const line = `${isRight ? '✓' : '✗'} ${name.padEnd(24)} ${String(seconds).padStart(4)} s  ${by.join(', ') || 'nothing'}`;
    lines.push(isRight ? line : `${line}  (was to be ${expected.join(' or ') || 'nothing'})`);
    log(lines.at(-1)!);
  }
  console.log(`\n  fault                     time    found by\n${lines.map((line) => `${line}\n`).join('')}`);
  return allRight;
}
