import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Config } from '../config.js';
import type { Logger } from '../observability/logger.js';
import type { Readiness } from '../observability/listener.js';
import type { Check } from '../observability/readiness.js';

/** The resources that all roles of a process share. */
export interface Shared {
  config: Config;
  logger: Logger;
  /** Aborted when the process is told to stop; a role that is still starting gives up then. */
  stop: AbortSignal;
  pool: Pool;
  temporal: Client;
  /** The readiness of each dependency and each role of the process, by name. */
  readiness: () => Promise<Readiness>;
}

/** A running role. */
export interface RunningRole {
  /** Checks of the systems that only this role needs. */
  checks?: Record<string, Check>;
  ready?(): Readiness;
  /** Accepts no new work, finishes what it has begun, and closes its connections. */
  stop(): Promise<void>;
}

/**
 * Starts a role and resolves once it runs.
 *
 * @throws StopRequested when the process is told to stop first; nothing of the role is left running then.
 */
export type StartRole = (shared: Shared) => Promise<RunningRole>;
