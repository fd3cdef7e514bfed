import type { HeldUnits } from '../db/vault-events.js';

/** What looks at a vault remember from one to the next, in one process. Without it they do the same, and more slowly. */
export interface ReadPace {
  /**
   * How many blocks are asked for at once. Nodes refuse answers that are too long, each at a length of its own, and anybody
   * can fill blocks with events: so it is found by trying.
   */
  blocks: number;
  /** What the vault should hold: all its events are added up once, and not at each look. */
  held?: HeldUnits;
}

/** Anybody can fill blocks: a process that begins asks for few, and for more once those are answered. */
const firstBlocks = 16;
const mostBlocks = 1_000;
/** What is booked in one transaction, unless a single block has more. */
export const mostEvents = 1_000;

export const newPace = (): ReadPace => ({ blocks: firstBlocks });

const paces = new WeakMap<object, ReadPace>();

/** The pace of a vault in this process, whatever of it looks. @param facts as they were read when the process began. */
export function paceOf(facts: object): ReadPace {
  const pace = paces.get(facts) ?? newPace();
  paces.set(facts, pace);
  return pace;
}

/** After a range of so many blocks was too much. */
export function slowDown(pace: ReadPace, blocks: number): void {
  pace.blocks = Math.max(1, Math.floor(blocks / 2));
}

export function speedUp(pace: ReadPace): void {
  pace.blocks = Math.min(mostBlocks, pace.blocks * 2);
}
