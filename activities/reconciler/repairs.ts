import type { Logger } from 'pino';
import { printable, sentence } from '../../src/domain/outside.js';
import { reconcilerFailures, reconcilerRepairs } from '../../src/observability/metrics.js';
import { sideBySide } from '../../src/side-by-side.js';

/** What the reconciler repairs; in a healthy system none of it happens. */
export type RepairKind =
  /** An order whose workflow was never started: started. */
  | 'job_not_started'
  /** A running job of whose workflow Temporal knows nothing: goes on in a new one. */
  | 'job_without_workflow'
  /** A job whose workflow ended without closing it: torn down, released and closed. */
  | 'job_abandoned'
  /** A running job whose pod is gone: its workflow is told. */
  | 'job_without_pod'
  /** An allocation of a job that is over or was never ordered: released. */
  | 'allocation_leaked'
  /** A counter that differs from what is held: set. */
  | 'rented_differs'
  /** A pod, Service or Secret of a job that is over or was never ordered: deleted. */
  | 'pod_orphaned'
  | 'service_orphaned'
  | 'secret_orphaned'
  /** A pod as above on a node that does not answer: its object removed. */
  | 'pod_stranded'
  /** A provider of whose workflow nothing is left: goes on in a new one. */
  | 'provider_without_workflow'
  /** A provider whose row disagrees with its node: its workflow is told. */
  | 'node_differs'
  /** A node that was taken as a provider's that is not there: kept free of jobs. */
  | 'node_unowned'
  /** A node that has left the fleet, of which the cluster did not know: its object removed, and shut out. */
  | 'node_not_closed';

/** What one comparison found and did. */
export interface Comparison {
  repairs: Partial<Record<RepairKind, number>>;
  /** What could not be repaired and why, one sentence each; the next run finds it again. */
  failures: string[];
}

/** Counts and logs what one comparison repairs. */
export interface RepairLog extends Comparison {
  /** @param found what was there and should not have been, or the other way round. */
  repaired(kind: RepairKind, found: Record<string, unknown>): void;
  /** Runs a repair, `atOnce` of them at a time; one that fails does not keep the others from being made. */
  each<T>(items: readonly T[], describe: (item: T) => string, repair: (item: T) => Promise<void>): Promise<void>;
  failed(about: string, error: unknown): void;
}

/** Repairs under way at the same time: each is a call or two to a system that others use as well. */
const atOnce = 10;
/** Well within the heartbeat time-out of a comparison. */
const progressMs = 10_000;

export function repairLog(logger: Logger, onProgress: () => void = () => undefined): RepairLog {
  const log: RepairLog = {
    repairs: {},
    failures: [],
    repaired(kind, found) {
      log.repairs[kind] = (log.repairs[kind] ?? 0) + 1;
      reconcilerRepairs.inc({ kind });
      logger.warn({ repair: kind, found }, 'repaired what did not agree');
    },
    async each(items, describe, repair) {
      onProgress();
      // A repair that takes its time is no sign that nobody works on it.
      const beating = setInterval(onProgress, progressMs);
      const failed = await sideBySide(items, atOnce, repair);
      clearInterval(beating);
      for (const { item, error } of failed) log.failed(describe(item), error);
    },
    failed(about, error) {
      reconcilerFailures.inc();
      logger.error({ err: error, about }, 'a repair failed; the next run tries again');
      const why = error instanceof Error ? (printable(error.message, 200) ?? '') : 'failed';
      log.failures.push(sentence(`${about}: ${why}`));
    },
  };
  return log;
}

/** What a comparison answers: without the functions, which are nothing for a workflow. */
export function comparisonOf({ repairs, failures }: RepairLog): Comparison {
  return { repairs, failures: failures.slice(0, maxFailures) };
}

/** Results stand in a history: the first few failures say what is wrong. */
const maxFailures = 20;
