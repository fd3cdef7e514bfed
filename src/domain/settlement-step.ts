/** A settlement as the broker cut it. */
export interface CutBatch {
  number: number;
  hash: string;
}

/** What the vault says at one block. */
export interface VaultState {
  /** Of the block, in seconds since 1970. */
  timeS: number;
  /** The last number that was proposed, and the last that was executed. */
  proposed: number;
  lastExecuted: number;
  operator: string;
  /** Until then the vault takes no settlement; 0 or past when it is not paused. */
  pausedUntilS: number;
  /** The settlement that is asked about; its hash is zero when it was vetoed, or never proposed. */
  batch: { hash: string; executableAtS: number; proposer: string };
}

/** Why a settlement will never be executed. */
export type VoidReason =
  /** The guardian vetoed it. */
  | 'vetoed'
  /** Under its number stands another one, which this broker did not cut. */
  | 'foreign'
  /** A later one was executed before it. */
  | 'passed_over'
  /** The vault has had another operator since. */
  | 'operator_changed'
  /** The vault refuses it for one of its lines. */
  | 'refused'
  /** An earlier one, which counted as void, was executed after it was cut. */
  | 'overtaken'
  /** Twice the vault had less than was credited. */
  | 'unbalanced';

/** What a settlement does next. */
export type SettlementStep =
  | { do: 'propose' }
  | { do: 'execute' }
  /** It is executed beyond doubt. */
  | { do: 'record' }
  | { do: 'void'; why: VoidReason }
  | { do: 'wait'; for: 'delay' | 'pause'; untilS: number }
  /** A node that is behind, or the last blocks that are not final. */
  | { do: 'wait'; for: 'chain' };

/** What a settlement waits for, in a word that operators filter by. */
export type SettlementWait =
  /** The signatures of receipts that explain it. */
  | 'receipts'
  /** To be mined. */
  | 'propose'
  | 'execute'
  /** Blocks that are final, or events that are to be read. */
  | 'chain'
  /** Gas costs more than is allowed, or the operator's wallet has no coins for it. */
  | 'gas'
  | 'coin'
  | 'delay'
  | 'pause'
  /** The vault answers with an error. */
  | 'refused'
  /** No node of the chain answers, or they disagree. */
  | 'nodes';

const nothing = /^0x0*$/;
const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/**
 * Decides from the state of the vault alone: who sent which transaction when does not matter, so it is the same after a
 * crash, a lost answer or a reorganised chain. What cannot be taken back (that it was executed, or never will be) is
 * believed only at a final block.
 *
 * @param latest what the vault says now.
 * @param final what it says at the last final block.
 */
export function settlementStep(ours: CutBatch, latest: VaultState, final: VaultState): SettlementStep {
  const end = endOf(ours, final);
  if (end !== undefined) return end;
  // As it is now it has ended, but that may be taken back.
  if (endOf(ours, latest) !== undefined) return { do: 'wait', for: 'chain' };
  const isPaused = latest.timeS < latest.pausedUntilS;
  const pause = { do: 'wait', for: 'pause', untilS: latest.pausedUntilS } as const;
  if (latest.proposed < ours.number) {
    if (latest.proposed < ours.number - 1) return { do: 'wait', for: 'chain' };
    return isPaused ? pause : { do: 'propose' };
  }
  if (latest.timeS < latest.batch.executableAtS) {
    return { do: 'wait', for: 'delay', untilS: latest.batch.executableAtS };
  }
  return isPaused ? pause : { do: 'execute' };
}

function endOf(ours: CutBatch, at: VaultState): SettlementStep | undefined {
  if (at.proposed < ours.number) return undefined;
  const { hash, proposer } = at.batch;
  const isOurs = isSame(hash, ours.hash);
  if (at.lastExecuted === ours.number && isOurs) return { do: 'record' };
  if (nothing.test(hash)) return { do: 'void', why: 'vetoed' };
  if (!isOurs) return { do: 'void', why: 'foreign' };
  if (at.lastExecuted > ours.number) return { do: 'void', why: 'passed_over' };
  return isSame(proposer, at.operator) ? undefined : { do: 'void', why: 'operator_changed' };
}

/** The number of the last block that is final; undefined if there is none yet. */
export function finalBlock(
  head: { latest: bigint; finalized?: bigint | undefined },
  finality: 'finalized' | number,
): bigint | undefined {
  if (finality === 'finalized') return head.finalized;
  const block = head.latest - BigInt(finality);
  return block < 0n ? undefined : block;
}
