/** A pod whose deletion was asked for, and which is still there. */
export interface LeavingPod {
  sinceAskedMs: number;
  /** What its program has to end in, by its own manifest. */
  graceMs: number;
  isNodeAnswering: boolean;
  /** Whether it was deleted by force before: something else holds its object, such as a finalizer. */
  isForced: boolean;
}

/** A node that answers has this many times as long to end a pod as one that does not. */
const patience = 10;

/**
 * What to do about a pod that should be gone. Everybody who rents and lets out a machine at once can have its kubelet answer
 * and end nothing, so there is an end of waiting: until then nobody is charged, and the machine counts as rented. An honest
 * node that is overloaded has minutes; when its kubelet comes to it, it finds no such pod and stops the containers.
 *
 * @param lostMs how long a node that does not answer may take.
 * @returns `leave` where even force removes nothing: the job ends without it.
 */
export function removalStep(pod: LeavingPod, lostMs: number): 'wait' | 'force' | 'leave' {
  const answeringMs = pod.graceMs + patience * lostMs;
  if (pod.sinceAskedMs <= (pod.isNodeAnswering ? answeringMs : lostMs)) return 'wait';
  if (!pod.isForced) return 'force';
  return pod.sinceAskedMs > answeringMs + lostMs ? 'leave' : 'wait';
}
