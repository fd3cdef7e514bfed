import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Config } from '../config.js';
import type { Logger } from '../observability/logger.js';
import type { Readiness } from '../observability/listener.js';
import type { Check } from '../observability/readiness.js';

/** What every role of a process uses. */
export interface Shared {
  config: Config;
  logger: Logger;
  /** Aborted when the process is told to stop; whoever waits at the start gives up then. */
  stop: AbortSignal;
  pool: Pool;
  temporal: Client;
  /** Whether the process can do its work: what it depends on and what it runs, each by name. */
  readiness: () => Promise<Readiness>;
}

/** A role that runs. */
export interface RunningRole {
  /** Systems that this role needs and others do not. */
  checks?: Record<string, Check>;
  ready?(): Readiness;
  /** Takes nothing new, finishes what it has begun, and closes its connections. */
  stop(): Promise<void>;
}

/**
 * Starts a role; answers when it runs.
 *
 * @throws StopRequested when the process was told to stop before that; nothing of the role is left at work then.
 */
export type StartRole = (shared: Shared) => Promise<RunningRole>;
