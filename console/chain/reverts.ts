/** What the vault answers to a call that it refuses, by the first bytes of the answer. */
export const reverts: Readonly<Record<string, { name: string; words: string }>> = {
  '0x9e87fac8': {
    name: 'Paused',
    words: 'The vault is paused: it takes no deposits now. Withdrawals, exits and earnings go on.',
  },
  '0xd7815800': { name: 'Stale', words: 'The vault has this already, or more: nothing would change.' },
  '0x203d82d8': { name: 'Expired', words: 'The permit has run out. Ask for another one.' },
  '0x5cd5d233': { name: 'BadSignature', words: 'The vault does not know who signed the permit. Tell the operator.' },
  '0x61330da6': { name: 'ExitPending', words: 'You have asked for your exit already.' },
  '0x19918280': { name: 'NoExit', words: 'You have not asked for an exit.' },
  '0x085de625': { name: 'TooEarly', words: 'The time of your exit has not come yet.' },
  '0x1f2a2005': { name: 'ZeroAmount', words: 'There is nothing to take out.' },
  '0x90b8ec18': { name: 'TransferFailed', words: 'The token refuses the transfer.' },
  '0x897f6c58': { name: 'InsufficientBalance', words: 'The vault has less of yours than that.' },
};

/** What a call was refused for, in words; undefined where the answer says nothing that is known here. */
export function revertInWords(data: unknown): string | undefined {
  const selector = typeof data === 'string' ? data.slice(0, 10).toLowerCase() : '';
  return Object.hasOwn(reverts, selector) ? reverts[selector]!.words : undefined;
}
