/** Labels, taints and annotations: names that exist in the field, and ours beside them. */
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
  /** Which installation of the broker made it: the reconciler removes nothing that does not carry its own id. */
  installation: 'worldland.io/installation',
  /**
   * The label that decides placement. Kubelets may set labels on their own node, but none below this prefix
   * (NodeRestriction), so a provider cannot make its machine look like another's.
   */
  placement: 'node-restriction.kubernetes.io/worldland-provider-id',
} as const;

/** User names that the API server gives to holders of a bootstrap token, and to kubelets; the token's id or the node's name follows. */
export const bootstrapUserPrefix = 'system:bootstrap:';
export const nodeUserPrefix = 'system:node:';

/** Whoever has one of these is an operator's machine. Kubelets can give themselves neither. */
export const operatorLabels = [
  'node-restriction.kubernetes.io/worldland-operator',
  'node-role.kubernetes.io/control-plane',
] as const;

export const annotations = {
  expiresAt: 'worldland.io/expires-at',
  /** The job's image is the site's own and none that its customer named. */
  siteImage: 'worldland.io/site-image',
} as const;

export const taints = {
  dedicated: 'worldland.io/dedicated-rental',
  gpuFull: 'worldland.io/gpu-full',
  maintenance: 'worldland.io/maintenance',
} as const;
/** The maintenance taint's value on a node that is closed by order: what was promised before may still come. */
export const cordonedValue = 'cordoned';

export { plainGpuResource as gpuResource } from '../domain/gpu-resources.js';
export const managedBy = 'worldland-broker';
/** Selects what the broker created, and nothing else. */
export const jobPodSelector = `${labels.gpuRental}=true`;
/** Where all miners run; the name is the field's. */
export const miningNamespace = 'worldland-mining';
export const minerPodSelector = `${labels.mining}=true`;
/** The bootstrap group of our join tokens: it may ask for a node certificate, and only the broker approves it. */
export const bootstrapGroup = 'system:bootstrappers:worldland';
/** The ClusterRole of the manifests that says what the broker may do in a tenant's namespace. */
export const tenantRole = 'worldland:broker-tenant';
/** Priority of paying jobs; miners stand below and give way. */
export const priorityClasses = { rental: 'worldland-rental', mining: 'worldland-mining' } as const;
/** Inside a job's pod; the Service maps 22 to it. Ports below 1024 would need a capability more. */
export const sshContainerPort = 2222;
