import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startChains } from '../fuzz/chains.js';
import { startPeople, type People } from '../fuzz/people.js';
import { unreached } from '../fuzz/reached.js';
import { createRandom, type Random } from '../support/random.js';

/** Another seed makes another run; more rounds make a longer one. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 3);
/** The requests of each operation per round: one valid, and this many with something wrong. */
const wrongOnes = 2;

/** Operations that cannot succeed here, each with the reason. */
const excused: Record<string, string> = {};

let people: People;
beforeAll(async () => {
  people = await startPeople();
});
afterAll(() => people?.stop());

test(
  'chains of signed requests reach every handler, and each reply matches the API description',
  async () => {
    console.log(`FUZZ_SEED=${seed}`);
    const random = createRandom(seed);
    const chains = await startChains(people, random);
    const { operations, answers, faults } = chains;
    for (let round = 0; round < rounds; round++) {
      const asks = operations.flatMap((operation) =>
        Array.from({ length: 1 + wrongOnes }, (_, at) => ({ operation, isGood: at === 0 })),
      );
      for (const { operation, isGood } of shuffled(asks, random)) await chains.ask(operation, isGood);
    }
    chains.close();
    expect(faults.slice(0, 10)).toEqual([]);
    const levelOf = (line: string) => (JSON.parse(line) as { level: number }).level;
    expect(people.api.logged.filter((line) => levelOf(line) >= 50)).toEqual([]);
    const names = operations.map(({ id }) => id);
    expect(unreached(names, answers, excused)).toEqual([]);
  },
  // They take two seconds each on an idle machine.
  60_000 + rounds * 60_000,
);

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
