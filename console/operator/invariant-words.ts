/** What must hold of the books, as docs/money.md has it. */
const words: Record<string, string> = {
  I1: 'The lines of an entry sum to 0',
  I2: 'A balance is the sum of its lines, and what a wallet was charged in a month the sum of its charges',
  I3: 'What is reserved of a wallet is what its open charges reserve',
  I4: 'A settled job costs its wallet what its charges say',
  I5: 'A job that has ended holds no reservation',
  I6: 'What a session has reserved and spent is what its charges say',
  I7: 'A receipt has the figures of what was booked',
  I8: 'The receipts of a wallet are numbered without a hole',
  I9: 'No job costs more than it had reserved',
  C1: 'What the ledger has in a vault is what final blocks say, to the unit, wallet by wallet',
  C2: 'No wallet is drawn more than it allowed, or more than it has in the vault',
  C3: 'Each settlement that was executed is booked once, with what the chain drew and credited',
};

export function invariantText(name: string): string {
  return Object.hasOwn(words, name) ? words[name]! : 'A comparison of a later version';
}

/** What becomes of a difference. */
export function remedyText(name: string): string {
  return name === 'I5'
    ? 'It is repaired by itself: the job is settled by what its row says.'
    : 'A person has to find out who wrote the row, and to put it right.';
}
