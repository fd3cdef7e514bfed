import type { Logger } from 'pino';
import { printable, sentence } from '../../src/domain/outside.js';
import { reconcilerFailures, reconcilerRepairs } from '../../src/observability/metrics.js';
import { sideBySide } from '../../src/side-by-side.js';

/** What the reconciler repairs; none of it happens in a healthy system. */
export type RepairKind =
  /** An order whose workflow was never started: started. */
  | 'job_not_started'
  /** A running job without a workflow in Temporal: continued in a new one. */
  | 'job_without_workflow'
  /** A job whose workflow ended without closing it: torn down, released and closed. */
  | 'job_abandoned'
  /** A job whose workflow ended it, of which a restored database knows nothing: ended again in the same way. */
  | 'job_end_forgotten'
  /** A running job whose pod is gone: its workflow is told. */
  | 'job_without_pod'
  /** A running job with a key that was added and not brought to its machine: brought, or written down as impossible. */
  | 'ssh_keys_differ'
  /** An allocation of a job that is over or was never ordered: released. */
  | 'allocation_leaked'
  /** A counter that differs from what is held: corrected. */
  | 'rented_differs'
  /** A job that has ended with its charges open: settled. */
  | 'job_not_settled'
  /** A pod, Service or Secret of a job that is over or was never ordered: deleted. */
  | 'pod_orphaned'
  | 'service_orphaned'
  | 'secret_orphaned'
  /** Such a pod on a node that does not answer: its object deleted by force. */
  | 'pod_stranded'
  /** A provider without a workflow: continued in a new one. */
  | 'provider_without_workflow'
  /** A registration that was handed over, and of which its workflow was not told for minutes: told. */
  | 'registration_untold'
  /** A provider whose row contradicts its node: its workflow is told. */
  | 'node_differs'
  /** A node that claims a provider which does not exist: kept free of jobs. */
  | 'node_unowned'
  /** A node that has left the fleet without the cluster knowing: its object deleted, its credentials denied. */
  | 'node_not_closed';

/** What one comparison found and did. */
export interface Comparison {
  repairs: Partial<Record<RepairKind, number>>;
  /** One sentence for each failed repair; the next run finds it again. */
  failures: string[];
}

/** Counts and logs what one comparison repairs. */
export interface RepairLog extends Comparison {
  /** @param found the values that differed. */
  repaired(kind: RepairKind, found: Record<string, unknown>): void;
  /** Runs a repair for each item, `atOnce` of them concurrently; one that fails does not stop the others. */
  each<T>(items: readonly T[], describe: (item: T) => string, repair: (item: T) => Promise<void>): Promise<void>;
  failed(about: string, error: unknown): void;
}

/** Concurrent repairs: each takes a call or two to a system that others use as well. */
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
      logger.warn({ repair: kind, found }, 'repaired a difference');
    },
    async each(items, describe, repair) {
      onProgress();
      // A slow repair must not look like a dead worker.
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

/** A comparison's result, without the functions, which cannot be sent to a workflow. */
export function comparisonOf({ repairs, failures }: RepairLog): Comparison {
  return { repairs, failures: failures.slice(0, maxFailures) };
}

/** Results are stored in a history: the first few failures show what is wrong. */
const maxFailures = 20;
