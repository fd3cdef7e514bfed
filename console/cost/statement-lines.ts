import type { Statement } from '../../src/client/types.generated.js';

export interface StatementLine {
  key: string;
  what: string;
  /** Base units, with its sign. */
  amount: string;
}

/** What became of the money in a month, from its beginning to its end. What is 0 and unusual is left out. */
export function statementLines(statement: Statement): {
  opening: StatementLine;
  moved: StatementLine[];
  closing: StatementLine;
} {
  const { opening, paid, charged, refunded, withdrawn, adjusted, closing, jobs, is_final: isFinal } = statement;
  const jobsText = jobs === 1 ? '1 job' : `${jobs} jobs`;
  return {
    opening: { key: 'opening', what: 'At its beginning', amount: opening },
    moved: [
      ...(paid === '0' ? [] : [{ key: 'paid', what: 'You paid', amount: paid }]),
      { key: 'charged', what: `Charged for ${jobsText}`, amount: negative(charged) },
      ...(refunded === '0' ? [] : [{ key: 'refunded', what: 'Refunded', amount: refunded }]),
      ...(withdrawn === '0' ? [] : [{ key: 'withdrawn', what: 'Withdrawn', amount: negative(withdrawn) }]),
      ...(adjusted === '0' ? [] : [{ key: 'adjusted', what: 'Corrected by an operator', amount: adjusted }]),
    ],
    closing: { key: 'closing', what: isFinal ? 'At its end' : 'So far', amount: closing },
  };
}

const negative = (amount: string) => (amount === '0' ? amount : `-${amount}`);

/** What a balance is called: what is below 0 is owed. */
export function standingOf(amount: string): { label: string; size: string; owes: boolean } {
  const owes = amount.startsWith('-');
  if (owes) return { label: 'You owe', size: amount.slice(1), owes };
  return { label: amount === '0' ? 'You owe nothing' : 'You have', size: amount, owes };
}
