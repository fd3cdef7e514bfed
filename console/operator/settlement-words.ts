/** Why settlements stopped, and what to look at before they go on. */
const stopped: Readonly<Record<string, { what: string; look: string }>> = {
  vetoed: {
    what: 'The guardian vetoed a settlement.',
    look: 'Ask the guardian what it could not explain. Compare the lines with receipts. If the operator’s key may be known to somebody, replace it first.',
  },
  foreign: {
    what: 'The vault has another settlement under the number of one that this broker cut.',
    look: 'Somebody else proposes with the operator’s key: replace the key before anything goes on.',
  },
  foreign_proposal: {
    what: 'The vault has a settlement that this broker did not cut.',
    look: 'Somebody else has the operator’s key, or this database is older than the chain. Find out which before anything goes on.',
  },
  passed_over: {
    what: 'A later settlement was executed before one that this broker had cut.',
    look: 'Somebody else proposes with the operator’s key, or two brokers use one vault.',
  },
  operator_changed: {
    what: 'The vault has another operator than the key of this broker.',
    look: 'If the change was planned, the next settlement has all totals. If not, ask the vault’s admin.',
  },
};

export function stopInWords(reason: string): { what: string; look: string } {
  return Object.hasOwn(stopped, reason)
    ? stopped[reason]!
    : { what: `Settlements were stopped: ${reason}.`, look: 'Find out why before they go on.' };
}

/** Coins with the digits that matter for gas: `0.4182`. */
export function coinsInShort(coins: string): string {
  const [whole = '0', fraction = ''] = coins.split('.');
  const cut = fraction.slice(0, 4).replace(/0+$/, '');
  if (cut !== '') return `${whole}.${cut}`;
  return whole === '0' && /[1-9]/.test(fraction) ? '< 0.0001' : whole;
}

/** `propose:31337:0x…:4` as a person says it. */
export function purposeInWords(purpose: string): string {
  const parts = purpose.split(':');
  const number = parts.at(-1) ?? '';
  if (/^\d{1,15}$/.test(number)) {
    if (parts[0] === 'propose') return `proposal of settlement ${number}`;
    if (parts[0] === 'execute') return `execution of settlement ${number}`;
  }
  return purpose;
}
