import { randomInt } from 'node:crypto';
import { argumentsOf, endWith, wholeNumbers } from '../../engines/cli/arguments.js';
import { chainTable, type ChainRound } from './chain/chain-table.js';
import { faultNames, tryFaults, unknownFaults } from './faults/try-faults.js';
import { invariants } from './invariant-names.js';
import { runChaos } from './run.js';

const usage = `Usage: npm run chaos -- [options]

Kills processes and forges pod statuses while customers rent, and checks whether anything was lost or billed wrongly. Ends
with 1 on any violation.

  --jobs N       how many jobs are ordered (default 200)
  --kills N      how many processes are killed (default 50)
  --hostile N    how many false statuses and messages providers send (default 50)
  --seed N       repeats the choices of an earlier run, which has printed it
  --rounds N     so many runs, each with another seed (default 1)
  --no-loss      no engine loses what it has not written down yet
  --chain        customers pay from deposits in a vault, whose chain takes blocks back and whose nodes lie
  --fault NAME   runs for a short while on a broker with this fault, and ends with 1 if nothing finds it; may be given more
                 than once; all is every one of them
  --help         show this text
`;

const { values } = argumentsOf(usage, {
  options: {
    jobs: { type: 'string', default: '200' },
    kills: { type: 'string', default: '50' },
    hostile: { type: 'string', default: '50' },
    seed: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    'no-loss': { type: 'boolean', default: false },
    chain: { type: 'boolean', default: false },
    fault: { type: 'string', multiple: true, default: [] },
  },
});
const { jobs, kills, hostile, rounds: wanted } = wholeNumbers(usage, values, ['jobs', 'kills', 'hostile', 'rounds']);
const firstSeed = values.seed === undefined ? undefined : wholeNumbers(usage, values, ['seed']).seed;
const unknown = unknownFaults(values.fault);
if (unknown.length > 0) endWith(usage, `there is no fault ${unknown.join(', ')}; there are: ${faultNames.join(', ')}`);
const began = Date.now();
const log = (line: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`);

let failed = false;
const rounds: ChainRound[] = [];
if (values.fault.length > 0) failed = !(await tryFaults(values.fault, log));
else for (let round = 0; round < wanted; round++) await runRound(round);
if (rounds.length > 0) console.log(chainTable(rounds));
process.exit(failed ? 1 : 0);

async function runRound(round: number): Promise<void> {
  const seed = firstSeed === undefined ? randomInt(2 ** 31) : firstSeed + round;
  const beganMs = Date.now();
  const result = await runChaos({
    seed,
    ...{ jobs, kills, hostile },
    withLoss: !values['no-loss'],
    ...(values.chain ? { chain: 'stormy' as const } : {}),
    log,
  });
  const outcomes: Record<string, number> = {};
  for (const { status, failureReason } of result.stories) {
    const outcome = failureReason === undefined ? status : `${status} (${failureReason})`;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  console.log(`\nseed ${seed}\n  jobs     ${JSON.stringify(outcomes)}\n  kills    ${JSON.stringify(result.kills)}`);
  console.log(`  hostile  ${JSON.stringify(result.hits)}\n  happened ${JSON.stringify(result.happened)}`);
  for (const { invariant, violations } of result.findings) {
    console.log(`  ${violations.length === 0 ? '✓' : '✗'} ${invariants[invariant]}`);
    for (const violation of violations.slice(0, 20)) console.log(`      ${violation}`);
    if (violations.length > 0) failed = true;
  }
  const wrong = result.findings.reduce((sum, { violations }) => sum + violations.length, 0);
  const seconds = Math.round((Date.now() - beganMs) / 1_000);
  if (result.onChain !== undefined) rounds.push({ seed, seconds, wrong, happened: result.onChain });
  if (result.endedBecause !== undefined) {
    failed = true;
    console.log(`  it ended before its time: ${result.endedBecause}`);
  }
  console.log();
}
