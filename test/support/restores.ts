import type { RestoreWatch } from '../../activities/reconciler/restored.js';

/** For comparisons on a database that was never restored. */
export const neverRestored: RestoreWatch = {
  look: () => Promise.resolve(undefined),
  isOpenedSince: () => Promise.resolve(false),
  mark: () => Promise.resolve(),
  hasPod: () => Promise.resolve(false),
};
