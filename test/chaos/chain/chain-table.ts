import type { ChainHappened } from './chain-floors.js';

/** One round of a run with a chain. */
export interface ChainRound {
  seed: number;
  seconds: number;
  /** Violations. */
  wrong: number;
  happened: ChainHappened;
}

const shown = [
  ...(['deposits', 'dust', 'byAnother', 'rented', 'refused', 'withdrawals', 'exits', 'settled', 'vetoes'] as const),
  ...(['payouts', 'sweeps', 'rollbacks', 'liesTold', 'kindsOfLies', 'alarms', 'killsAtMoments'] as const),
  ...(['killsWhileSettling'] as const),
] satisfies (keyof ChainHappened)[];

/** The figures of all rounds, one line each. */
export function chainTable(rounds: readonly ChainRound[]): string {
  const head = ['seed', 'seconds', ...shown, 'violations'];
  const lines = rounds.map(({ seed, seconds, wrong, happened }) =>
    [seed, seconds, ...shown.map((name) => happened[name]), wrong].map(String),
  );
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column]!.length)));
  const row = (cells: readonly string[]) => cells.map((cell, column) => cell.padStart(widths[column]!)).join('  ');
  return [row(head), ...lines.map(row)].join('\n');
}
