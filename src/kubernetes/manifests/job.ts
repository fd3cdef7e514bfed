import type { V1Pod, V1Secret, V1Service } from '@kubernetes/client-node';
import { imageName, parseImage } from '../../domain/image.js';
import { jobObjectName, sharedMemoryMb, type JobOrder, type Placement } from '../../domain/job.js';
import {
  annotations,
  cordonedValue,
  gpuResource,
  labels,
  managedBy,
  priorityClasses,
  sshContainerPort,
  taints,
} from '../names.js';
import { environmentKey, jobEnvironment } from './job-environment.js';

/** What decides a job's objects besides the order itself. */
export interface JobManifestSettings {
  sshServerImage: string;
  /** What runs where the customer names no image. */
  defaultImage: string;
  /** When an image that is named by a tag is asked for; a digest is always the same image. */
  pullTags: 'Always' | 'IfNotPresent';
  /** The last resort, should the broker be gone for ever: Kubernetes ends the pod by itself. */
  activeDeadlineSeconds: number;
  /** RFC 3339; shown on the pod for people. The durable timer of the job's workflow is what counts. */
  expiresAt: string;
  runtimeClassName?: string;
  /** The node has them: root in the job is nobody on the machine. */
  userNamespaces?: boolean;
}

/** What a customer gave that is not part of the order: it never stands in workflow history. */
export interface JobInputs {
  sshPublicKeys: readonly string[];
  env: Readonly<Record<string, string>>;
}

const sharedMemoryVolume = 'shared-memory';
const keyVolume = 'ssh-keys';
const serverVolume = 'ssh-server';
const serverPath = '/opt/worldland/ssh';
const keyPath = '/etc/worldland';
const authorizedKeysFile = 'authorized_keys';
/** The entry of a job's Secret that holds the private key of its SSH server. */
export const hostKeyFile = 'ssh_host_key';

/**
 * What root may do in a job: all that `baseline` of Pod Security Admission allows but one. None of it reaches beyond the
 * container. MKNOD is left out: with it, nothing but the device rules of the container's cgroup would stand between a
 * customer and the GPUs that somebody else rented. Nothing is gained by setuid programs (`allowPrivilegeEscalation`).
 */
const capabilities = [
  // su, sudo, sshd and useradd report to the kernel's audit through PAM; RHEL's fail where they may not.
  'AUDIT_WRITE',
  // Package managers unpack files of other users.
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  // Web servers and an sshd of the customer's own listen below 1024, in the pod's own network.
  'NET_BIND_SERVICE',
  // Packages whose files have capabilities (ping of iputils, httpd) do not unpack without.
  'SETFCAP',
  // Logins, su, and package managers that download as another user.
  'SETGID',
  'SETUID',
  // Services give capabilities up for good; none can be had with it that is not in this list.
  'SETPCAP',
  // chroot, and the separation of privileges in an sshd.
  'SYS_CHROOT',
];

/** Labels that every object of a job carries. */
export function jobLabels(order: JobOrder, placement: Placement): Record<string, string> {
  return {
    [labels.managedBy]: managedBy,
    [labels.gpuRental]: 'true',
    [labels.jobId]: order.jobId,
    [labels.providerId]: placement.providerId,
  };
}

/**
 * The customer's public keys and environment and the machine's own host key, read by the pod from here so that no value
 * stands in its spec.
 *
 * @param hostKey private key of the SSH server, PEM.
 */
export function jobSecret(order: JobOrder, placement: Placement, inputs: JobInputs, hostKey: string): V1Secret {
  const environment = Object.fromEntries(
    Object.entries(inputs.env).map(([name, value]) => [environmentKey(name), value]),
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: jobObjectName(order.jobId),
      labels: jobLabels(order, placement),
    },
    type: 'Opaque',
    immutable: true,
    stringData: {
      ...environment,
      [authorizedKeysFile]: inputs.sshPublicKeys.map((key) => `${key}\n`).join(''),
      [hostKeyFile]: hostKey,
    },
  };
}

/**
 * The pod of a job. Placed by the scheduler through a node affinity on the provider's label, never by `nodeName`: the
 * scheduler's fit check is the second lock on GPUs. Root inside, since images expect it.
 */
export function jobPod(
  order: JobOrder,
  placement: Placement,
  environmentNames: readonly string[],
  settings: JobManifestSettings,
): V1Pod {
  const name = jobObjectName(order.jobId);
  const sizes = {
    cpu: String(order.cpuCores),
    memory: `${order.memoryMb}Mi`,
    'ephemeral-storage': `${order.storageGb}Gi`,
    ...(order.gpuCount > 0 ? { [placement.gpuResource ?? gpuResource]: String(order.gpuCount) } : {}),
  };
  const locked = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      // The field's tools select pods by the bare name.
      labels: { ...jobLabels(order, placement), 'job-id': order.jobId },
      annotations: {
        [annotations.expiresAt]: settings.expiresAt,
        ...(isSiteImage(order.image, settings) ? { [annotations.siteImage]: 'true' } : {}),
      },
    },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: settings.activeDeadlineSeconds,
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      hostname: 'gpu',
      ...(settings.userNamespaces === true ? { hostUsers: false } : {}),
      // A name with a dot is asked for as it is. By default each would be tried in three domains of the cluster first,
      // where tenants have no Service to find, over whatever lies between the machine and the cluster's name server.
      dnsPolicy: 'ClusterFirst',
      dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
      priorityClassName: priorityClasses.rental,
      ...(settings.runtimeClassName === undefined ? {} : { runtimeClassName: settings.runtimeClassName }),
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: labels.placement, operator: 'In', values: [placement.providerId] }] },
            ],
          },
        },
      },
      tolerations: [
        { key: taints.dedicated, operator: 'Exists', effect: 'NoSchedule' },
        // The provider was cordoned after this job had got its GPUs.
        { key: taints.maintenance, operator: 'Equal', value: cordonedValue, effect: 'NoSchedule' },
        // A provider that goes away gets its grace from the job's workflow; Kubernetes must not evict before.
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
      ],
      initContainers: [
        {
          name: 'ssh-server',
          image: settings.sshServerImage,
          args: ['install', serverPath],
          resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '100m', memory: '64Mi' } },
          securityContext: locked,
          volumeMounts: [{ name: serverVolume, mountPath: serverPath }],
        },
      ],
      containers: [
        {
          name: 'job',
          image: order.image,
          imagePullPolicy: order.image.includes('@') ? 'IfNotPresent' : settings.pullTags,
          command: [
            `${serverPath}/sshd`,
            'serve',
            ...['--port', String(sshContainerPort)],
            ...['--authorized-keys', `${keyPath}/${authorizedKeysFile}`],
            ...['--host-key', `${keyPath}/${hostKeyFile}`],
          ],
          ports: [{ name: 'ssh', containerPort: sshContainerPort, protocol: 'TCP' }],
          env: jobEnvironment(order, placement, environmentNames),
          resources: { requests: sizes, limits: sizes },
          securityContext: {
            ...locked,
            // Images that name another user would have a root login that is not root.
            runAsUser: 0,
            runAsGroup: 0,
            capabilities: { drop: ['ALL'], add: capabilities },
          },
          // SSH is what the customer waits for: the pod is Ready, and the job running, when it answers. The kubelet
          // reports the pod's address no sooner than that its container runs, and kube-proxy gathers changes for a
          // second before it lays the way to it, which takes a busy machine a second more: who came at once would be
          // refused.
          readinessProbe: {
            tcpSocket: { port: sshContainerPort },
            initialDelaySeconds: 3,
            periodSeconds: 1,
            failureThreshold: 3,
          },
          volumeMounts: [
            { name: serverVolume, mountPath: serverPath, readOnly: true },
            { name: keyVolume, mountPath: keyPath, readOnly: true },
            { name: sharedMemoryVolume, mountPath: '/dev/shm' },
          ],
        },
      ],
      volumes: [
        { name: serverVolume, emptyDir: { sizeLimit: '64Mi' } },
        // Data loaders and NCCL pass tensors through it; a container has 64 MB otherwise. What is in it counts against
        // the container's memory.
        { name: sharedMemoryVolume, emptyDir: { medium: 'Memory', sizeLimit: `${sharedMemoryMb(order)}Mi` } },
        {
          name: keyVolume,
          secret: {
            secretName: name,
            defaultMode: 0o400,
            items: [authorizedKeysFile, hostKeyFile].map((key) => ({ key, path: key })),
          },
        },
      ],
    },
  };
}

/** As orders have it, with everything that a short name leaves out. */
function isSiteImage(image: string, { defaultImage }: JobManifestSettings): boolean {
  return image === imageName(parseImage(defaultImage));
}

/**
 * The way in: one NodePort, answered only by the pod's own node. It is there before the pod, so that no pod is made where
 * no port is left; like the Secret it stays until the job's end removes it, or the reconciler.
 */
export function jobService(order: JobOrder, placement: Placement): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: jobObjectName(order.jobId),
      labels: jobLabels(order, placement),
    },
    spec: {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      // The way to the pod is laid as soon as the pod has an address. Without this it would be laid when the pod is
      // Ready, which is also when the customer is told to come.
      publishNotReadyAddresses: true,
      selector: { [labels.jobId]: order.jobId },
      ports: [{ name: 'ssh', port: 22, targetPort: 'ssh', protocol: 'TCP' }],
    },
  };
}

/** The owner reference by which Kubernetes collects an object together with the job's pod. */
export function ownedByPod(name: string, uid: string) {
  return { apiVersion: 'v1', kind: 'Pod', name, uid, controller: false, blockOwnerDeletion: false };
}
