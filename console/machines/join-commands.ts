/** The two commands that make a machine a provider, in a form that a shell takes as it stands. */
export interface JoinCommands {
  /** Looks whether the machine is ready, and changes nothing. */
  check: string;
  /** Registers it, joins the cluster, and stays. */
  run: string;
}

export interface JoinWishes {
  /** The broker's own address. */
  broker: string;
  id: string;
  gpuPrice: string;
  /** Takes the signature of no other wallet. */
  owner: string | undefined;
  /** Of the cluster's CA; needed where the broker has no TLS. */
  caHash: string | null;
}

/** As the broker has it: valid in the name of a node. */
const idPattern = /^[a-z0-9][a-z0-9-]{1,58}[a-z0-9]$/;

/** What is wrong with a machine's name; undefined if nothing is. */
export function idProblem(id: string): string | undefined {
  if (idPattern.test(id)) return undefined;
  if (id.length < 3 || id.length > 60) return 'Use 3 to 60 characters.';
  return 'Use small letters, digits and dashes; begin and end with a letter or a digit.';
}

/** Everything in them is checked first: who copies a command runs it as root. */
export function joinCommands({ broker, id, gpuPrice, owner, caHash }: JoinWishes): JoinCommands | undefined {
  const url = URL.canParse(broker) ? new URL(broker) : undefined;
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === undefined || !isWeb || !/^[a-z0-9.:[\]/_-]+$/i.test(broker)) return undefined;
  if (idProblem(id) !== undefined || !/^\d{1,7}(?:\.\d{1,12})?$/.test(gpuPrice)) return undefined;
  const wallet = owner !== undefined && /^0x[0-9a-fA-F]{40}$/.test(owner) ? ` --owner ${owner}` : '';
  const isPinned = url.protocol === 'http:' && caHash !== null && /^sha256:[0-9a-f]{64}$/.test(caHash);
  const pin = isPinned ? ` --ca-hash ${caHash}` : '';
  return {
    check: `sudo provider-agent doctor --broker ${broker}`,
    run: `sudo provider-agent run --broker ${broker} --id ${id} --gpu-price ${gpuPrice}${wallet}${pin} --join yes`,
  };
}

/** How far a new machine is, from what its owner can see of it. */
export type JoinStep = 'unsigned' | 'signed' | 'registered' | 'joining' | 'available';

export function joinStep(isSigned: boolean, status: string | undefined): JoinStep {
  if (status === undefined) return isSigned ? 'signed' : 'unsigned';
  if (status === 'available' || status === 'busy') return 'available';
  if (status === 'approved' || status === 'joined') return 'joining';
  return 'registered';
}
