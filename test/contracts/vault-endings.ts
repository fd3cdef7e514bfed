/** How each call of the vault can end: a generator that does not bring all of it about has missed something. */
const endings: Record<string, string> = {
  deposit: 'ok Paused InvalidAddress TransferFailed ZeroAmount',
  raiseCap: 'ok Stale BadSignature',
  propose: 'ok Paused NotOperator Stale',
  veto: 'ok NotGuardian Stale UnknownBatch',
  execute: 'ok Paused Stale UnknownBatch TooEarly NotOperator BadSignature CapExceeded InsufficientBalance Unbalanced',
  withdraw: 'ok InvalidAddress Expired Stale BadSignature InsufficientBalance TransferFailed',
  requestExit: 'ok ExitPending',
  cancelExit: 'ok NoExit',
  exit: 'ok InvalidAddress NoExit TooEarly ZeroAmount TransferFailed',
  withdrawEarnings: 'ok InvalidAddress ZeroAmount TransferFailed',
  sweepFees: 'ok NotTreasury ZeroAmount TransferFailed',
  pause: 'ok NotGuardian TooEarly',
  unpause: 'ok NotGuardian NotPaused',
  setOperator: 'ok NotAdmin InvalidAddress',
  setGuardian: 'ok NotAdmin InvalidAddress',
  setTreasury: 'ok NotAdmin InvalidAddress',
  'deposit in the midst': 'Reentered',
  'execute in the midst': 'Reentered',
};

/** As they are counted: `execute CapExceeded`. */
export const allEndings: readonly string[] = Object.entries(endings).flatMap(([call, ends]) =>
  ends.split(' ').map((end) => `${call} ${end}`),
);
