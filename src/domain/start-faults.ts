/**
 * Whose doing it is that a job did not start, worked out from what Kubernetes and the kubelet say. Texts that quote the
 * customer (an image, a user, a folder) are looked for first: whatever else they hold, a customer may have put it there.
 */

/**
 * That it is, or may be, the machine's doing. A `possible` fault is reason enough to try another machine; only a `certain`
 * one, which no customer can bring about, is held against the provider. Absent: it would be the same anywhere.
 */
export type MachineFault = 'certain' | 'possible';

const imageIsToBlame =
  /not found|manifest unknown|unauthorized|authentication required|denied|forbidden|no match for platform|no matching manifest|repository does not exist|invalid reference|invalid image/i;
const imageOutOfReach =
  /i\/o timeout|timed? ?out|deadline exceeded|connection (?:refused|reset)|no such host|server misbehaving|temporary failure in name resolution|network is unreachable|no route to host|tls|x509|certificate|unexpected eof|no space left|input\/output error|read-only file system|too ?many ?requests|rate ?limit|bad gateway|service unavailable|gateway timeout|internal server error|unexpected status.*: 5\d\d/i;

/** The image cannot be pulled. With `ours` it is the one that the broker brings, for which no customer can be to blame. */
export function imageFault(message: string, ours: boolean): MachineFault | undefined {
  // A resolver answers "no such host: not found" as well.
  const isOutOfReach = imageOutOfReach.test(message);
  if (imageIsToBlame.test(message) && !/no such host/i.test(message)) return undefined;
  if (ours) return isOutOfReach ? 'certain' : 'possible';
  // Of a registry that the customer named, nobody can say who does not answer whom.
  return isOutOfReach ? 'possible' : undefined;
}

const quotesCustomer =
  /find user|no matching entries|no such user|no such group|executable file not found|exec:|exec format error|chdir|cwd|working ?dir|mkdir|runAs(?:NonRoot|User)|environment variable|couldn't find key/i;
const machineIsBroken =
  /driver\/library version mismatch|driver rpc error|initialization error|libnvidia-ml|no runtime for|unknown runtime|cgroup/i;

/** The image is there, and no container could be made or started from it. */
export function containerFault(message: string, ours: boolean): MachineFault | undefined {
  if (ours) return 'certain';
  if (quotesCustomer.test(message)) return undefined;
  return machineIsBroken.test(message) ? 'certain' : 'possible';
}

/** The scheduler finds no place on the machine. Where it counts other jobs there, they may be a customer's doing. */
export function placeFault(message: string): MachineFault {
  return /insufficient|too many pods|free ports/i.test(message) ? 'possible' : 'certain';
}

const oversold = /^(?:Evicted|Preempt|OutOf)/;

/** The machine or the cluster ended a pod; by the reason that stands at the pod itself, where there is one. */
export function disruptionFault(reason: string | undefined): MachineFault {
  return reason === undefined || oversold.test(reason) ? 'possible' : 'certain';
}
