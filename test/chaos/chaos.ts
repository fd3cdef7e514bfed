/**
 * Kills processes and forges pod statuses while customers rent, and checks whether anything was lost or billed wrongly:
 * `npm run chaos -- [--jobs 200] [--kills 50] [--hostile 50] [--seed N] [--rounds 1] [--no-loss]`. Exits with 1 on any
 * violation; the seed it prints repeats the choices.
 *
 * `npm run chaos -- --chain` has customers pay from deposits in a vault on a chain, whose nodes fail and lie and whose last
 * blocks go; `--rounds 5` prints the figures of five seeds as a table.
 *
 * `npm run chaos -- --fault NAME` (more than once, or `all`) runs it for a short while on a broker with that fault, and
 * exits with 1 if none of the expected invariants finds the fault.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { chainTable, type ChainRound } from './chain/chain-table.js';
import { tryFaults } from './faults/try-faults.js';
import { invariants } from './invariant-names.js';
import { runChaos } from './run.js';

const { values } = parseArgs({
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
const began = Date.now();
const log = (line: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`);

let failed = false;
const rounds: ChainRound[] = [];
if (values.fault.length > 0) failed = !(await tryFaults(values.fault, log));
else for (let round = 0; round < Number(values.rounds); round++) await runRound(round);
if (rounds.length > 0) console.log(chainTable(rounds));
process.exit(failed ? 1 : 0);

async function runRound(round: number): Promise<void> {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed) + round;
  const beganMs = Date.now();
  const result = await runChaos({
    seed,
    jobs: Number(values.jobs),
    kills: Number(values.kills),
    hostile: Number(values.hostile),
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
