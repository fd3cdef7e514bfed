import { useState } from 'preact/hooks';
import type { WorldLandError } from '../../src/client/index.js';
import { errorOf } from '../live/index.js';

/** A check that a person starts by a button, as often as they like. */
export interface Verification<Found> {
  /** What came of the last one that ended; undefined before. */
  found: Found | undefined;
  failure: WorldLandError | undefined;
  isBusy: boolean;
  run(): Promise<void>;
}

/** Runs `verify` when asked to, and keeps what came of it. */
export function useVerification<Found>(verify: () => Promise<Found>): Verification<Found> {
  const [found, setFound] = useState<Found>();
  const [failure, setFailure] = useState<WorldLandError>();
  const [isBusy, setBusy] = useState(false);
  return {
    ...{ found, failure, isBusy },
    async run() {
      setBusy(true);
      setFailure(undefined);
      try {
        const now = await verify();
        setFound(() => now);
      } catch (error) {
        setFailure(errorOf(error));
      } finally {
        setBusy(false);
      }
    },
  };
}
