import type { ComponentChildren } from 'preact';
import type { WorldLandError } from '../../src/client/index.js';

export interface ErrorNoteProps {
  error: WorldLandError;
  /** Tries again; without it there is no button. */
  onRetry?: () => void;
  /** When it is tried again by itself, by this computer's clock. */
  nextAtMs?: number | undefined;
  /** It is something that a person asked for, and no reading; see `Failed`. */
  action?: true | string | undefined;
  /** A better way out than trying again. */
  children?: ComponentChildren;
}
