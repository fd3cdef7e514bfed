/** What a wallet has at a vault, in base units. */
export interface CapFacts {
  deposited: bigint;
  withdrawn: bigint;
  /** What all draws together may come to, the last that was signed, and what they have come to. */
  signed: bigint;
  drawn: bigint;
}

/** The cap with which all that is deposited may be used; never less than what was signed. */
export function capForAll({ deposited, withdrawn, signed }: CapFacts, added: bigint): bigint {
  const all = deposited - withdrawn + added;
  return all > signed ? all : signed;
}

/** The cap that lets so much more be drawn than was drawn before. */
export function capForMore({ drawn, signed }: CapFacts, more: bigint): bigint {
  const all = drawn + more;
  return all > signed ? all : signed;
}

/** What the cap still lets be drawn. */
export function leftOfCap({ signed, drawn }: CapFacts): bigint {
  return signed > drawn ? signed - drawn : 0n;
}
