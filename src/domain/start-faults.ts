/**
 * Whose doing it is that a job did not start, worked out from what Kubernetes and the kubelet say.
 *
 * Wallets cost nothing, so how many of them meet a fault proves little: its kind has to be one that no customer can bring
 * about. He chooses the image, and what it is like stands in the texts of whoever fails to start it. As root in a job he can
 * fill the disk of the machine, take up its line, keep its pulls waiting and use up what a registry gives its address.
 * Sizes that fit no layout of the machine are his choice, too. None of that is ever `certain`.
 */

/**
 * That it is, or may be, the machine's doing. A `possible` fault is reason enough to try another machine; only a `certain`
 * one, which no customer can bring about, is held against the provider. Absent: it would be the same anywhere.
 */
export type MachineFault = 'certain' | 'possible';

/** Who chose an image: its customer, the operator of the site as the default one, or the broker, whose SSH server it brings. */
export type ImageOwner = 'customer' | 'site' | 'broker';

const imageIsToBlame =
  /not found|manifest unknown|unauthorized|authentication required|denied|forbidden|no match for platform|no matching manifest|repository does not exist|invalid reference|invalid image/i;
/** The machine's own: its name server, its routes, its clock, its disk. */
const machineReachesNothing =
  /no such host|network is unreachable|no route to host|x509|certificate|input\/output error|read-only file system/i;
/** A registry that does not answer, one that has had enough, a line or a disk that a customer takes up. */
const imageOutOfReach =
  /i\/o timeout|timed? ?out|deadline exceeded|connection (?:refused|reset)|server misbehaving|temporary failure in name resolution|unexpected eof|no space left|too ?many ?requests|rate ?limit|bad gateway|service unavailable|gateway timeout|internal server error|unexpected status.*: 5\d\d/i;

/** The image cannot be pulled. */
export function imageFault(message: string, owner: ImageOwner): MachineFault | undefined {
  // A resolver answers "no such host: not found" as well.
  if (imageIsToBlame.test(message) && !/no such host/i.test(message)) return undefined;
  const reachesNothing = machineReachesNothing.test(message);
  const isOutOfReach = imageOutOfReach.test(message);
  if (owner === 'broker') return reachesNothing && !isOutOfReach ? 'certain' : 'possible';
  // Of a registry that somebody else chose, nobody can say who does not answer whom.
  return reachesNothing || isOutOfReach || /\btls\b/i.test(message) ? 'possible' : undefined;
}

const quotesCustomer =
  /find user|no matching entries|no such user|no such group|executable file not found|exec:|exec format error|chdir|cwd|working ?dir|mkdir|runAs(?:NonRoot|User)|environment variable|couldn't find key/i;
/** What the runtime says of a machine whose driver or set-up is broken, whatever it is to start. */
const machineIsBroken =
  /driver\/library version mismatch|driver rpc error|driver not loaded|no runtime for|unknown runtime|unable to apply cgroup/i;
/** What a customer's job on the same machine may have used up for a moment. */
const isUsedUp =
  /no space left|quota|too many open files|resource temporarily unavailable|cannot allocate memory|out of memory|timed? ?out|deadline/i;

/** The image is there, and no container could be made or started from it. */
export function containerFault(message: string, owner: ImageOwner): MachineFault | undefined {
  // With a full disk its last words are lost.
  if (owner === 'broker') return message === '' || isUsedUp.test(message) ? 'possible' : 'certain';
  if (quotesCustomer.test(message)) return undefined;
  return owner === 'site' && machineIsBroken.test(message) && !isUsedUp.test(message) ? 'certain' : 'possible';
}

/**
 * The scheduler finds no place on the machine. Where it counts what other jobs have, they may be a customer's doing; for the
 * words of a later version that nobody here knows, too.
 */
export function placeFault(message: string): MachineFault {
  if (/insufficient|too many pods|free ports/i.test(message)) return 'possible';
  return /untolerated taint|node affinity/i.test(message) ? 'certain' : 'possible';
}

/** Reasons at a pod itself of which no customer is the cause: its machine goes down, or is no longer what it was. */
const machineWentAway: ReadonlySet<string> = new Set(['NodeAffinity', 'NodeShutdown', 'Shutdown', 'Terminated']);
/** The device plugin's; of processors and memory that fit no layout the same reason speaks. */
const noDevice = /\brpc\b|unhealthy devices|unregistered (?:device|resource)|number of devices unavailable/i;

/** The machine or the cluster ended a pod; by the reason that stands at the pod itself, where there is one. */
export function disruptionFault(reason: string | undefined, message = ''): MachineFault {
  if (reason === 'UnexpectedAdmissionError') return noDevice.test(message) ? 'certain' : 'possible';
  return reason !== undefined && machineWentAway.has(reason) ? 'certain' : 'possible';
}
