import type { Invariant } from '../invariant-names.js';
import type { ChaosOptions } from '../options.js';
import type { Edit } from './edit.js';

/** A fault of the broker, and the invariants that have to find it. */
export interface Fault {
  /** What it does, for the table. */
  what: string;
  edits: readonly Edit[];
  /** At least one of these has to find it; further findings do not count. */
  foundBy: readonly Invariant[];
  /** What the run needs for the fault to show, beyond a few jobs. */
  run?: Partial<ChaosOptions>;
}

/** A silent machine counts as away soon, and as lost late. */
export const silentSoon = { HEARTBEAT_TIMEOUT_S: '10', PROVIDER_LOSS_GRACE_S: '60' };
/** One machine is silent for longer than that. */
export const silent: Partial<ChaosOptions> = { env: silentSoon, silentForMs: 20_000 };
