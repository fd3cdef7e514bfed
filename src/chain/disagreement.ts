import type { Logger } from '../observability/logger.js';
import { chainAlarms } from '../observability/metrics.js';
import { NodesDisagree } from './rpc.js';

/** Raises the alarm that nodes contradict each other: once for each time, whoever catches it on its way. */
export function tellDisagreement(error: unknown, logger: Logger): void {
  if (!(error instanceof NodesDisagree) || error.isTold) return;
  error.isTold = true;
  chainAlarms.inc({ kind: error.kind });
  logger.error({ about: error.about }, 'nothing of the vault is booked until its nodes agree');
}
