import type { StartFailure } from '../activities/job-outcome.js';

/**
 * The machines at which the broker did not reach a job's ports. What a customer orders may keep the SSH server from
 * answering on any machine, so this is held against a machine only if it happened to the order on no other one. That is
 * known once the job runs, or has ended.
 */
export interface UnreachedMachines {
  /** Takes in a failed start that the job moves on from. @returns what may be recorded of it now. */
  leftBy(failure: StartFailure): StartFailure;
  /** Takes in the failed start that ends the job. @returns what may be recorded of it. */
  endedBy(failure: StartFailure): StartFailure;
  /** What was left out before and is to be recorded in the end: for certain, its machine is at fault. */
  certain(): { unreached?: StartFailure };
}

export function createUnreachedMachines(): UnreachedMachines {
  const failures: StartFailure[] = [];
  const leftBy = (failure: StartFailure): StartFailure => {
    if (failure.reason !== 'ports_unreachable') return failure;
    failures.push(failure);
    return { ...failure, fault: 'possible' };
  };
  return {
    leftBy,
    endedBy: (failure) => (failures.length === 0 ? failure : leftBy(failure)),
    certain() {
      const [only, another] = failures;
      return only?.fault === 'certain' && another === undefined ? { unreached: only } : {};
    },
  };
}
