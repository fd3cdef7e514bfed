/**
 * Decides who is to blame when a job does not start, from the messages of Kubernetes and the kubelet.
 *
 * Wallets cost nothing, so the number of wallets that meet a fault proves little: the fault must be of a kind that no
 * customer can cause. A customer chooses the image, and thereby the texts of the programs that fail to start it. As
 * root in a job, he can fill the machine's disk, use up its bandwidth, delay its pulls and exhaust a registry's quota
 * for its address. He also chooses sizes that may not fit the machine's layout. So none of these faults is ever
 * `certain`.
 */

/**
 * How surely the machine is to blame. A `possible` fault is reason enough to try another machine; only a `certain` one,
 * which no customer can cause, counts against the provider. Without a fault, the job would fail on any machine.
 */
export type MachineFault = 'certain' | 'possible';

/**
 * Who chose an image: the customer, the site's operator (the default image), or the broker (the image of its SSH
 * server).
 */
export type ImageOwner = 'customer' | 'site' | 'broker';

const imageIsToBlame =
  /not found|manifest unknown|unauthorized|authentication required|denied|forbidden|no match for platform|no matching manifest|repository does not exist|invalid reference|invalid image/i;
/** Problems of the machine itself: its name server, routes, clock or disk. */
const machineReachesNothing =
  /no such host|network is unreachable|no route to host|x509|certificate|input\/output error|read-only file system/i;
/** A registry that does not answer or limits requests, or bandwidth or disk that a customer has used up. */
const imageOutOfReach =
  /i\/o timeout|timed? ?out|deadline exceeded|connection (?:refused|reset)|server misbehaving|temporary failure in name resolution|unexpected eof|no space left|too ?many ?requests|rate ?limit|bad gateway|service unavailable|gateway timeout|internal server error|unexpected status.*: 5\d\d/i;

/** The fault behind an image that cannot be pulled. */
export function imageFault(message: string, owner: ImageOwner): MachineFault | undefined {
  // Resolvers also answer "no such host: not found".
  if (imageIsToBlame.test(message) && !/no such host/i.test(message)) return undefined;
  const reachesNothing = machineReachesNothing.test(message);
  const isOutOfReach = imageOutOfReach.test(message);
  if (owner === 'broker') return reachesNothing && !isOutOfReach ? 'certain' : 'possible';
  // The customer or the site chose the registry, so either side of a failed connection may be at fault.
  return reachesNothing || isOutOfReach || /\btls\b/i.test(message) ? 'possible' : undefined;
}

const quotesCustomer =
  /find user|no matching entries|no such user|no such group|executable file not found|exec:|exec format error|chdir|cwd|working ?dir|mkdir|runAs(?:NonRoot|User)|environment variable|couldn't find key/i;
/** The runtime's messages on a machine whose driver or setup is broken, whatever it starts. */
const machineIsBroken =
  /driver\/library version mismatch|driver rpc error|driver not loaded|no runtime for|unknown runtime|unable to apply cgroup/i;
/** Resources that a customer's job on the same machine may have used up for a moment. */
const isUsedUp =
  /no space left|quota|too many open files|resource temporarily unavailable|cannot allocate memory|out of memory|timed? ?out|deadline/i;

/** The fault behind a container that could not be created or started although its image is there. */
export function containerFault(message: string, owner: ImageOwner): MachineFault | undefined {
  // A full disk loses the program's last output.
  if (owner === 'broker') return message === '' || isUsedUp.test(message) ? 'possible' : 'certain';
  if (quotesCustomer.test(message)) return undefined;
  return owner === 'site' && machineIsBroken.test(message) && !isUsedUp.test(message) ? 'certain' : 'possible';
}

/**
 * The scheduler finds no place on the machine. Where it counts what other jobs have, they may be a customer's doing;
 * for the words of a later version that nobody here knows, too.
 */
export function placeFault(message: string): MachineFault {
  if (/insufficient|too many pods|free ports/i.test(message)) return 'possible';
  return /untolerated taint|node affinity/i.test(message) ? 'certain' : 'possible';
}

/** A pod's own reasons that no customer can cause: its machine shuts down, or has changed. */
const machineWentAway: ReadonlySet<string> = new Set(['NodeAffinity', 'NodeShutdown', 'Shutdown', 'Terminated']);
/**
 * Messages of the device plugin. Processors and memory that fit no layout fail for the same reason, with other
 * messages.
 */
const noDevice = /\brpc\b|unhealthy devices|unregistered (?:device|resource)|number of devices unavailable/i;

/** The fault behind a pod that the machine or the cluster ended, by the pod's own reason if it has one. */
export function disruptionFault(reason: string | undefined, message = ''): MachineFault {
  if (reason === 'UnexpectedAdmissionError') return noDevice.test(message) ? 'certain' : 'possible';
  return reason !== undefined && machineWentAway.has(reason) ? 'certain' : 'possible';
}
