import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import { imageName, parseImage } from '../../domain/image.js';
import type { RegistryAuth } from '../../domain/registry-auth.js';
import { byDigest } from '../../domain/resolved-image.js';
import { jobObjectName, sharedMemoryMb, type JobOrder, type Placement } from '../../domain/job.js';
import type { ProgramSpec } from '../../domain/job-program.js';
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

/** The inputs to a job's objects besides the order itself. */
export interface JobManifestSettings {
  sshServerImage: string;
  /** The default image, for orders that name none. */
  defaultImage: string;
  /** When to pull an image that was not resolved. */
  pullUnresolved: 'Always' | 'IfNotPresent';
  /** The last resort if the broker is gone for ever: Kubernetes itself ends the pod. */
  activeDeadlineSeconds: number;
  /** RFC 3339; shown on the pod for people. Only the durable timer of the job's workflow ends the job. */
  expiresAt: string;
  runtimeClassName?: string;
  /** True if the broker looks at the SSH port before anybody is let in. */
  isLookedAt?: boolean;
  /** The public key that may ask the job's SSH server what the job uses, and nothing else. */
  observerKey?: string;
  /** True if the node supports user namespaces: root in the job then has no rights on the machine. */
  userNamespaces?: boolean;
}

/** The customer's inputs outside the order: they are never stored in workflow histories. */
export interface JobInputs {
  sshPublicKeys: readonly string[];
  env: Readonly<Record<string, string>>;
  /** A login at the registry of a private image. */
  registryAuth?: RegistryAuth;
  program?: ProgramSpec;
}

const sharedMemoryVolume = 'shared-memory';
const keyVolume = 'ssh-keys';
const serverVolume = 'ssh-server';
const serverPath = '/opt/worldland/ssh';
const keyPath = '/etc/worldland';
/** The entry of a job's Secret with the public keys that may log in. */
export const authorizedKeysFile = 'authorized_keys';
/** The entry of a job's Secret with the login at a registry; its name is Kubernetes' own. */
const registryLoginFile = '.dockerconfigjson';
/** The entry of a job's Secret with the private key of its SSH server. */
export const hostKeyFile = 'ssh_host_key';
/** The entry with the main program. */
const programFile = 'program.json';

/**
 * Root's capabilities in a job: everything that the `baseline` level of Pod Security Admission allows except MKNOD.
 * None of them reaches beyond the container. With MKNOD, only the device rules of the container's cgroup would separate
 * a customer from GPUs that others have rented. Setuid programs (`allowPrivilegeEscalation`) gain nothing.
 */
const capabilities = [
  // su, sudo, sshd and useradd write to the kernel's audit log through PAM; RHEL's versions fail if they may not.
  'AUDIT_WRITE',
  // Package managers unpack files of other users.
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  // Web servers and a customer's own sshd listen below 1024, in the pod's own network.
  'NET_BIND_SERVICE',
  // Packages whose files have capabilities (ping of iputils, httpd) cannot be unpacked without it.
  'SETFCAP',
  // For logins, su, and package managers that download as another user.
  'SETGID',
  'SETUID',
  // Services use it to drop capabilities for good; it cannot add any that are not in this list.
  'SETPCAP',
  // For chroot, and the privilege separation of an sshd.
  'SYS_CHROOT',
];

/** Has the SSH server wait for the broker's look: see ssh-server/door.go. */
const awaitLookFlag = '--await-look';

/**
 * Where nobody looks from outside, the customer waits for SSH until the pod is Ready. The kubelet reports the pod IP only
 * once the container runs, and kube-proxy needs another 1–2 s to program the route; connecting earlier is refused. Where
 * the broker looks, the pod is Ready with its container, and the look finds out when the route is there.
 */
const blindWait = {
  tcpSocket: { port: sshContainerPort },
  initialDelaySeconds: 3,
  periodSeconds: 1,
  failureThreshold: 3,
};

/** Whether a pod's SSH server lets nobody in before the broker has looked. */
export function awaitsLook({ spec }: V1Pod): boolean {
  return spec?.containers.some(({ command }) => command?.includes(awaitLookFlag)) === true;
}

/** The labels of every object of a job. */
export function jobLabels(order: JobOrder, placement: Placement): Record<string, string> {
  return {
    [labels.managedBy]: managedBy,
    [labels.gpuRental]: 'true',
    [labels.jobId]: order.jobId,
    [labels.providerId]: placement.providerId,
  };
}

/** The file of public keys, as the SSH server reads it. */
export function authorizedKeysText(keys: readonly string[]): string {
  return keys.map((key) => `${key}\n`).join('');
}

/**
 * The customer's public keys, environment, program and login at a registry, and the machine's host key. The pod reads them
 * from this Secret, so that its specification contains no value. The login is mounted nowhere: the kubelet alone uses it.
 * Only the keys change later, when the customer adds one.
 *
 * @param hostKey the private key of the SSH server, in PEM.
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
    // The kubelet reads a login at a registry only from a Secret of this type; it may hold other entries, too.
    type: inputs.registryAuth === undefined ? 'Opaque' : 'kubernetes.io/dockerconfigjson',
    stringData: {
      ...environment,
      ...(inputs.registryAuth === undefined
        ? {}
        : { [registryLoginFile]: dockerConfigOf(parseImage(order.image).registry, inputs.registryAuth) }),
      [authorizedKeysFile]: authorizedKeysText(inputs.sshPublicKeys),
      [hostKeyFile]: hostKey,
      ...(inputs.program === undefined ? {} : { [programFile]: JSON.stringify(inputs.program) }),
    },
  };
}

/**
 * A job's pod. The scheduler places it by a node affinity on the provider's label, never by `nodeName`: the scheduler's
 * fit check is the second safeguard for GPUs. It runs as root inside, because images expect that.
 *
 * @param isPrivate whether the job's Secret has a login at the registry.
 */
export function jobPod(
  order: JobOrder,
  placement: Placement,
  environmentNames: readonly string[],
  settings: JobManifestSettings,
  isPrivate = false,
): V1Pod {
  const name = jobObjectName(order.jobId);
  const sizes = {
    cpu: String(order.cpuCores),
    memory: `${order.memoryMb}Mi`,
    'ephemeral-storage': `${order.storageGb}Gi`,
    ...(order.gpuCount > 0 ? { [placement.gpuResource ?? gpuResource]: String(order.gpuCount) } : {}),
  };
  const copying = { cpu: sizes.cpu, memory: '64Mi' };
  const locked = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      // Existing tools select pods by the bare name.
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
      ...(isPrivate ? { imagePullSecrets: [{ name }] } : {}),
      ...(settings.userNamespaces === true ? { hostUsers: false } : {}),
      // Resolve names with a dot as they are. By default, each one is first tried in three cluster domains, where
      // tenants have no Service to find, across the whole distance between the machine and the cluster's name server.
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
        // The provider was cordoned after this job had been given its GPUs.
        { key: taints.maintenance, operator: 'Equal', value: cordonedValue, effect: 'NoSchedule' },
        // The job's workflow grants a grace period to a provider that goes away; Kubernetes must not evict earlier.
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
      ],
      initContainers: [
        {
          name: 'ssh-server',
          image: settings.sshServerImage,
          args: ['install', serverPath],
          // It ends before the job's container begins, so that nothing more is taken for it. With less than the job's
          // processors, runc alone would take a second to start it.
          resources: { requests: copying, limits: copying },
          securityContext: locked,
          volumeMounts: [{ name: serverVolume, mountPath: serverPath }],
        },
      ],
      containers: [
        {
          name: 'job',
          image: order.imageDigest === undefined ? order.image : byDigest(parseImage(order.image), order.imageDigest),
          // The registry gave a resolved image to this customer. For any other, only the machine can ask whether it would:
          // what another customer's login brought there must not run for everybody who knows its name or digest.
          imagePullPolicy: order.imageDigest === undefined ? settings.pullUnresolved : 'IfNotPresent',
          command: [
            `${serverPath}/sshd`,
            'serve',
            ...['--port', String(sshContainerPort)],
            ...['--authorized-keys', `${keyPath}/${authorizedKeysFile}`],
            ...['--host-key', `${keyPath}/${hostKeyFile}`],
            ...(order.program === undefined ? [] : ['--program', `${keyPath}/${programFile}`]),
            ...(settings.isLookedAt === true ? [awaitLookFlag] : []),
            ...(settings.observerKey === undefined ? [] : ['--observer-key', settings.observerKey]),
          ],
          ports: [{ name: 'ssh', containerPort: sshContainerPort, protocol: 'TCP' }],
          env: jobEnvironment(order, placement, environmentNames),
          resources: { requests: sizes, limits: sizes },
          securityContext: {
            ...locked,
            // Otherwise, images that name another user would give a root login without root's rights.
            runAsUser: 0,
            runAsGroup: 0,
            capabilities: { drop: ['ALL'], add: capabilities },
          },
          ...(settings.isLookedAt === true ? {} : { readinessProbe: blindWait }),
          volumeMounts: [
            { name: serverVolume, mountPath: serverPath, readOnly: true },
            { name: keyVolume, mountPath: keyPath, readOnly: true },
            { name: sharedMemoryVolume, mountPath: '/dev/shm' },
          ],
        },
      ],
      volumes: [
        { name: serverVolume, emptyDir: { sizeLimit: '64Mi' } },
        // Data loaders and NCCL pass tensors through it; the default is 64 MB. Its contents count against the
        // container's memory.
        { name: sharedMemoryVolume, emptyDir: { medium: 'Memory', sizeLimit: `${sharedMemoryMb(order)}Mi` } },
        {
          name: keyVolume,
          secret: {
            secretName: name,
            defaultMode: 0o400,
            items: [authorizedKeysFile, hostKeyFile, ...(order.program === undefined ? [] : [programFile])].map(
              (key) => ({
                key,
                path: key,
              }),
            ),
          },
        },
      ],
    },
  };
}

/** What the kubelet logs in with, in Docker's own form. */
function dockerConfigOf(registry: string, { username, password }: RegistryAuth): string {
  // Docker's configuration knows its own registry by this name only.
  const name = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  return JSON.stringify({ auths: { [name]: { username, password, auth } } });
}

/** The full reference, as orders store it. */
function isSiteImage(image: string, { defaultImage }: JobManifestSettings): boolean {
  return image === imageName(parseImage(defaultImage));
}

/** The owner reference by which Kubernetes deletes an object together with the job's pod. */
export function ownedByPod(name: string, uid: string) {
  return { apiVersion: 'v1', kind: 'Pod', name, uid, controller: false, blockOwnerDeletion: false };
}
