import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { cutLines } from '../../src/domain/batch-lines.js';
import { baseUnitsOf, scaleOf } from '../../src/domain/vault-units.js';
import { rateOf } from '../../src/domain/pricing.js';
import { chargeFor, feeFor } from '../../src/wire/charge.js';

const page = readFileSync('docs/chain.md', 'utf8');
const contract = readFileSync('contracts/RentalVault.sol', 'utf8') + readFileSync('contracts/Pause.sol', 'utf8');
/** The figures of a row: its last cells, as far as they are whole numbers. */
const figures = (what: string) => {
  const row = page.split('\n').find((line) => line.startsWith(`| ${what} |`));
  return (row ?? '').split('|').flatMap((cell) => (/^ \d+ $/.test(cell) ? [BigInt(cell.trim())] : []));
};

test('every figure of the example on the page about the chain is what a settlement draws and credits', () => {
  const scale = scaleOf(6);
  const deposited = 25_000_000n;
  const charged = chargeFor(rateOf('11.6'), 15_000);
  const earned = charged - feeFor(charged, 500);
  const { draws, credits } = cutLines(
    {
      customers: [
        {
          ...{ wallet: '0xc', deposited: baseUnitsOf(deposited, scale), withdrawn: 0n, cap: deposited, before: 0n },
          balance: baseUnitsOf(deposited, scale) - charged,
        },
      ],
      providers: [{ wallet: '0xp', balance: earned, before: 0n }],
      undistributed: 0n,
    },
    scale,
    { lines: 10, permits: 0 },
  );
  const [drawn, credited] = [draws[0]!.cumulative, credits[0]!.cumulative];
  const left = deposited - drawn;
  expect(figures('deposited')).toEqual([deposited]);
  expect(figures('drawn')).toEqual([drawn]);
  expect(figures('credited')).toEqual([credited]);
  expect(figures('left to the treasury')).toEqual([drawn - credited]);
  expect(figures('left to the customer in the vault')).toEqual([left]);
  expect(figures('left of the cap')).toEqual([left]);
  expect(figures('held by the vault before the provider fetches it')).toEqual([deposited]);
  expect(figures('held by the vault afterwards')).toEqual([deposited - credited]);

  const table = [
    figures('customer, in the wallet'),
    figures('customer, in the vault'),
    figures('provider, in the wallet'),
    figures('treasury, in the vault'),
  ];
  expect(table).toEqual([
    [100_000_000n, 75_000_000n],
    [0n, left],
    [0n, credited],
    [0n, drawn - credited],
  ]);
  const sums = [0, 1].map((column) => table.reduce((sum, row) => sum + row[column]!, 0n));
  expect(figures('together')).toEqual(sums);
  expect(sums[0]).toBe(sums[1]);
});

test('the page about the chain names delays and calls that the contract has', () => {
  for (const call of ['deposit', 'withdrawEarnings', 'cancelExit', 'exit']) {
    expect(page).toContain(`\`${call}`);
    expect(contract).toContain(`function ${call}(`);
  }
  expect(contract).toMatch(/\b72 hours\b/);
  expect(page).toContain('a pause ends after 72 hours');
});
