import { argumentsOf, wholeNumbers } from '../../engines/cli/arguments.js';
import { compile, readSources } from '../../scripts/contracts.js';
import { allEndings } from './vault-endings.js';
import { runSequence, withPublishedVault, type Counts } from './vault-sequence.js';

const usage = `Usage: npm run fuzz:vault -- [options]

Has the vault and its model do the same, and ends with 1 where they differ. Prints how often each call ended in which way.

  --sequences N   how many sequences of calls (default 10000)
  --seed N        of the first sequence (default 1)
  --steps N       calls in a sequence (default 12)
  --help          show this text
`;

const { values } = argumentsOf(usage, {
  options: {
    sequences: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '12' },
  },
});
const { sequences, seed: first, steps } = wholeNumbers(usage, values, ['sequences', 'seed', 'steps']);
const contracts = withPublishedVault(compile(readSources(), undefined, { viaIR: false }));
const counts: Counts = new Map();
const began = Date.now();
for (let seed = first; seed < first + sequences; seed++) {
  const differing = await runSequence(contracts, { seed, steps, counts });
  if (differing !== undefined) {
    console.error(differing);
    process.exit(1);
  }
  const done = seed - first + 1;
  if (done % 500 === 0) console.error(`${done} sequences, ${counts.get('execute ok') ?? 0} batches executed`);
}

const calls = [...counts.values()].reduce((sum, count) => sum + count, 0);
const tookS = Math.round((Date.now() - began) / 1000);
for (const ending of [...counts.keys()].sort()) console.log(`${String(counts.get(ending)).padStart(8)}  ${ending}`);
console.log(
  `\n${sequences} sequences from seed ${first}, ${calls} calls, ${counts.get('execute ok') ?? 0} batches executed in ${tookS} s: no difference`,
);
const missing = allEndings.filter((ending) => !counts.has(ending));
if (missing.length > 0) console.log(`never seen: ${missing.join(', ')}`);
