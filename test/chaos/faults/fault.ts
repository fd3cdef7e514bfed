import type { Invariant } from '../invariant-names.js';
import type { ChaosOptions } from '../run.js';
import type { Edit } from './edit.js';

/** Something wrong with the broker, and which of the invariants has to notice. */
export interface Fault {
  /** What it does, for the table. */
  what: string;
  edits: readonly Edit[];
  /** One of these finds it; what others find beside does not count. */
  foundBy: readonly Invariant[];
  /** What the run needs for the fault to show, beyond a few jobs. */
  run?: Partial<ChaosOptions>;
}

/** A machine that is not heard counts as away soon, and as lost late. */
export const silentSoon = { HEARTBEAT_TIMEOUT_S: '10', PROVIDER_LOSS_GRACE_S: '60' };
/** One machine is not heard for longer than that. */
export const silent: Partial<ChaosOptions> = { env: silentSoon, silentForMs: 20_000 };
