import type { V1Pod, V1Secret, V1Service } from '@kubernetes/client-node';
import { jobObjectName, tenantNamespace, type JobOrder, type Placement } from '../../domain/job.js';
import { annotations, gpuResource, labels, managedBy, priorityClasses, sshContainerPort, taints } from '../names.js';

/** What decides a job's objects besides the order itself. */
export interface JobManifestSettings {
  sshServerImage: string;
  /** The last resort, should the broker be gone for ever: Kubernetes ends the pod by itself. */
  activeDeadlineSeconds: number;
  /** RFC 3339; shown on the pod for people. The durable timer of the job's workflow is what counts. */
  expiresAt: string;
  runtimeClassName?: string;
}

/** What a customer gave that is not part of the order: it never stands in workflow history. */
export interface JobInputs {
  sshPublicKeys: readonly string[];
  env: Readonly<Record<string, string>>;
}

const keyVolume = 'ssh-keys';
const serverVolume = 'ssh-server';
const serverPath = '/opt/worldland/ssh';

/** Labels that every object of a job carries. */
export function jobLabels(order: JobOrder, placement: Placement): Record<string, string> {
  return {
    [labels.managedBy]: managedBy,
    [labels.gpuRental]: 'true',
    [labels.jobId]: order.jobId,
    [labels.userId]: order.wallet,
    [labels.providerId]: placement.providerId,
    // The field's tools select by the bare names.
    'job-id': order.jobId,
    'user-id': order.wallet,
  };
}

/** The customer's public keys and environment, read by the pod from here so that no value stands in its spec. */
export function jobSecret(order: JobOrder, placement: Placement, inputs: JobInputs): V1Secret {
  const environment = Object.fromEntries(Object.entries(inputs.env).map(([name, value]) => [`env.${name}`, value]));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: jobObjectName(order.jobId),
      namespace: tenantNamespace(order.wallet),
      labels: jobLabels(order, placement),
    },
    type: 'Opaque',
    immutable: true,
    stringData: { authorized_keys: inputs.sshPublicKeys.map((key) => `${key}\n`).join(''), ...environment },
  };
}

/**
 * The pod of a job. Placed by the scheduler through a node affinity on the provider's label, never by `nodeName`: the
 * scheduler's fit check is the second lock on GPUs. Root inside (images expect it) with nothing but what a root
 * login and a package manager need; `baseline` of Pod Security Admission allows exactly these.
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
    ...(order.gpuCount > 0 ? { [gpuResource]: String(order.gpuCount) } : {}),
  };
  const locked = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: tenantNamespace(order.wallet),
      labels: jobLabels(order, placement),
      annotations: { [annotations.expiresAt]: settings.expiresAt },
    },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: settings.activeDeadlineSeconds,
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      hostname: 'gpu',
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
          command: [
            `${serverPath}/sshd`,
            '--port',
            String(sshContainerPort),
            '--authorized-keys',
            '/etc/worldland/authorized_keys',
          ],
          ports: [{ name: 'ssh', containerPort: sshContainerPort, protocol: 'TCP' }],
          env: [
            // Images made for CUDA ask for all GPUs of the machine; a job without GPUs must get none.
            ...(order.gpuCount === 0 ? [{ name: 'NVIDIA_VISIBLE_DEVICES', value: 'none' }] : []),
            { name: 'WORLDLAND_JOB_ID', value: order.jobId },
            { name: 'WORLDLAND_GPU_COUNT', value: String(order.gpuCount) },
            ...environmentNames.map((variable) => ({
              name: variable,
              valueFrom: { secretKeyRef: { name, key: `env.${variable}` } },
            })),
          ],
          resources: { requests: sizes, limits: sizes },
          securityContext: {
            ...locked,
            capabilities: {
              drop: ['ALL'],
              add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID'],
            },
          },
          // SSH is what the customer waits for: the pod is Ready, and the job running, when it answers.
          readinessProbe: { tcpSocket: { port: sshContainerPort }, periodSeconds: 1, failureThreshold: 3 },
          volumeMounts: [
            { name: serverVolume, mountPath: serverPath, readOnly: true },
            { name: keyVolume, mountPath: '/etc/worldland', readOnly: true },
          ],
        },
      ],
      volumes: [
        { name: serverVolume, emptyDir: { sizeLimit: '64Mi' } },
        {
          name: keyVolume,
          secret: {
            secretName: name,
            defaultMode: 0o444,
            items: [{ key: 'authorized_keys', path: 'authorized_keys' }],
          },
        },
      ],
    },
  };
}

/**
 * The way in: one NodePort, answered only by the pod's own node. Owned by the pod, so that whatever ends the pod frees
 * the port.
 */
export function jobService(order: JobOrder, placement: Placement, podUid: string): V1Service {
  const name = jobObjectName(order.jobId);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: tenantNamespace(order.wallet),
      labels: jobLabels(order, placement),
      ownerReferences: [ownedByPod(name, podUid)],
    },
    spec: {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      selector: { [labels.jobId]: order.jobId },
      ports: [{ name: 'ssh', port: 22, targetPort: 'ssh', protocol: 'TCP' }],
    },
  };
}

/** The owner reference by which Kubernetes collects an object together with the job's pod. */
export function ownedByPod(name: string, uid: string) {
  return { apiVersion: 'v1', kind: 'Pod', name, uid, controller: false, blockOwnerDeletion: false };
}
