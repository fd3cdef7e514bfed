import type { Printable } from '../domain/outside.js';

/** What the runs of the reconciler in the last hour found. */
export interface ReconcilerRuns {
  /** When the last one ended. */
  lastAt?: Date;
  repairs: number;
  failures: number;
}

/** A workflow that waits longer than usual. */
export interface WaitingWorkflow {
  workflowId: string;
  kind: 'job' | 'provider';
  /** Of the job or provider. */
  id: string;
  /** Its `JobStatus` or `ProviderStatus`. */
  state: string;
  startedAt: Date;
  /** Since when it is in that state, if it says so. */
  since?: Date;
  waitsFor?: Printable;
  /** The activity that is being retried, how often it was tried, and its last failure. */
  activity?: string;
  attempts: number;
  lastError?: Printable;
  codeFails: boolean;
  isUnserved: boolean;
}

/** What operators ask of Temporal. Every call ends within some seconds. */
export interface Oversight {
  /** @throws BrokerError `dependency_unavailable` */
  reconcilerRuns(): Promise<ReconcilerRuns>;
  /**
   * The first of them, however many there are.
   *
   * @param now for the age from which a workflow counts as waiting.
   * @throws BrokerError `dependency_unavailable`
   */
  waiting(now: Date): Promise<{ workflows: WaitingWorkflow[]; hasMore: boolean }>;
}
