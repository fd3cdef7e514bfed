import type { Address } from 'viem';

export interface Line {
  who: Address;
  cumulative: bigint;
}

/** What a batch says. Two are the same when their texts are. */
export interface Content {
  draws: Line[];
  credits: Line[];
}

/** A signature as it was made: whose, over what, and what is wrong with it. */
export interface Signed {
  by: Address;
  customer: Address;
  total: bigint;
  deadline: number;
  flaw?: 'large s' | 'other chain' | 'other vault' | 'other v' | 'too short' | 'other kind';
}

export interface SpendPermit {
  customer: Address;
  cap: bigint;
  signature: Signed;
}

/** What somebody calls, in the words of the vault. */
export type VaultCall =
  | { name: 'deposit'; customer: Address; amount: bigint; newCap: bigint }
  | ({ name: 'raiseCap' } & SpendPermit)
  | { name: 'propose'; number: number; content: Content }
  | { name: 'veto'; number: number }
  | { name: 'execute'; number: number; content: Content; permits: SpendPermit[] }
  | { name: 'withdraw'; to: Address; cumulative: bigint; deadline: number; signature: Signed }
  | { name: 'exit' | 'withdrawEarnings'; to: Address }
  | { name: 'requestExit' | 'cancelExit' | 'sweepFees' | 'pause' | 'unpause' }
  | { name: 'setOperator' | 'setGuardian' | 'setTreasury'; next: Address };

export type TokenKind = 'plain' | 'fee' | 'greedy' | 'refusing' | 'blacklist' | 'reentrant' | 'silent';

/** One step of a sequence: some time passes, then somebody calls something. */
export interface Step {
  afterS: number;
  by: Address;
  does:
    | VaultCall
    /** Tokens that come straight to the vault: they are nobody's. */
    | { name: 'send'; amount: bigint }
    | { name: 'refuse'; who: Address; isRefused: boolean };
  /** What a wallet that is a contract calls while its tokens move. */
  nested?: VaultCall;
}
