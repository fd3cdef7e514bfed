/** Labels, taints and annotations: existing names of the network, and the broker's own. */
export const labels = {
  providerId: 'worldland.io/provider-id',
  rentalType: 'worldland.io/rental-type',
  gpuModel: 'worldland.io/gpu-model',
  blockchainProvider: 'worldland.io/blockchain-provider',
  rentalStatus: 'worldland.io/rental-status',
  gpuRental: 'worldland.io/gpu-rental',
  jobId: 'worldland.io/job-id',
  tenant: 'worldland.io/tenant',
  mining: 'worldland.io/mining',
  managedBy: 'app.kubernetes.io/managed-by',
  /** The installation of the broker that created the object. The reconciler removes only objects with its own id. */
  installation: 'worldland.io/installation',
  /**
   * The label that decides placement. Kubelets may set labels on their own node, but not with this prefix
   * (NodeRestriction), so a provider cannot make its machine look like another's.
   */
  placement: 'node-restriction.kubernetes.io/worldland-provider-id',
} as const;

/**
 * The API server's user names for holders of a bootstrap token and for kubelets; the token's id or the node's name
 * follows.
 */
export const bootstrapUserPrefix = 'system:bootstrap:';
export const nodeUserPrefix = 'system:node:';

/** Labels that mark an operator's machine. Kubelets cannot set them on themselves. */
export const operatorLabels = [
  'node-restriction.kubernetes.io/worldland-operator',
  'node-role.kubernetes.io/control-plane',
] as const;

export const annotations = {
  expiresAt: 'worldland.io/expires-at',
  /** Marks a job that runs the site's default image instead of one named by its customer. */
  siteImage: 'worldland.io/site-image',
} as const;

export const taints = {
  dedicated: 'worldland.io/dedicated-rental',
  gpuFull: 'worldland.io/gpu-full',
  maintenance: 'worldland.io/maintenance',
} as const;
/** The maintenance taint's value on a node closed by order: jobs already placed there may still start. */
export const cordonedValue = 'cordoned';

export { plainGpuResource as gpuResource } from '../domain/gpu-resources.js';
export const managedBy = 'worldland-broker';
/** Selects only objects created by the broker. */
export const jobPodSelector = `${labels.gpuRental}=true`;
/** The namespace of all miners, under its existing name. */
export const miningNamespace = 'worldland-mining';
export const minerPodSelector = `${labels.mining}=true`;
/**
 * The bootstrap group of our join tokens: its members may request a node certificate, and only the broker approves it.
 */
export const bootstrapGroup = 'system:bootstrappers:worldland';
/** The ClusterRole in the manifests with the broker's rights in a tenant's namespace. */
export const tenantRole = 'worldland:broker-tenant';
/** The role by which the API reads logs in a tenant's namespace, and the account that gets it. */
export const logsRole = 'worldland:job-logs';
export const apiAccount = 'broker-api';
/** The priority class of paying jobs; miners have a lower priority and are preempted. */
export const priorityClasses = { rental: 'worldland-rental', mining: 'worldland-mining' } as const;
/** The SSH port inside a job's pod; the Service maps 22 to it. Ports below 1024 would need another capability. */
export const sshContainerPort = 2222;
