import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled } from './program.js';

/** The installation to check; tests pass a made-up one. */
export interface Installation {
  /** The root of its file system. */
  root: string;
  installed: (program: string) => boolean;
}

export const thisMachine: Installation = { root: '/', installed: isInstalled };

/**
 * What this machine still lacks before customers can use it, one sentence per item. Nothing here stops the agent: the
 * cluster decides, by what it sees, whether the machine can serve.
 */
export function missingPrerequisites(
  { hasGpus, hasJoined }: { hasGpus: boolean; hasJoined: boolean },
  installation: Installation = thisMachine,
): string[] {
  return [
    ...(hasJoined ? missingInKubelet(installation) : missingForJoining(installation)),
    ...(hasGpus ? missingForGpus(installation) : []),
    ...(hasGpus && hasJoined ? missingDevicePlugin(installation) : []),
  ];
}

function missingForJoining({ installed }: Installation): string[] {
  return ['kubeadm', 'kubelet', 'containerd']
    .filter((program) => !installed(program))
    .map((program) => `${program} is not in PATH, and the machine cannot join without it`);
}

/**
 * With cgroup v2, the kubelet lets the kernel kill every process of a container, the customer's login included, when
 * one process runs out of memory, unless its configuration says otherwise. With cgroup v1, the kernel kills only that
 * process.
 */
function missingInKubelet({ root }: Installation): string[] {
  const configuration = textOf(join(root, 'var/lib/kubelet/config.yaml'));
  const hasCgroupV2 = existsSync(join(root, 'sys/fs/cgroup/cgroup.controllers'));
  return configuration === '' || !hasCgroupV2 || /^singleProcessOOMKill: true\s*$/m.test(configuration)
    ? []
    : [
        'singleProcessOOMKill is not true in /var/lib/kubelet/config.yaml: one process that runs out of memory ends the ' +
          'whole job. The setting comes from the cluster: once its operator has set it, run `kubeadm upgrade node ' +
          'phase kubelet-config` as root and restart the kubelet',
      ];
}

function missingForGpus({ root, installed }: Installation): string[] {
  if (!installed('nvidia-container-runtime')) {
    return [
      'nvidia-container-runtime is not in PATH: containers get no GPU until the NVIDIA Container Toolkit is installed',
    ];
  }
  const missing: string[] = [];
  const containerd = [join(root, 'etc/containerd/config.toml'), ...filesIn(join(root, 'etc/containerd/conf.d'))];
  if (!containerd.some((file) => /nvidia/.test(textOf(file)))) {
    missing.push(
      'containerd does not know the NVIDIA runtime: run `nvidia-ctk runtime configure --runtime=containerd`',
    );
  }
  const toolkit = textOf(join(root, 'etc/nvidia-container-runtime/config.toml'));
  for (const [setting, needed] of [
    ['accept-nvidia-visible-devices-envvar-when-unprivileged', false],
    ['accept-nvidia-visible-devices-as-volume-mounts', true],
  ] as const) {
    if (tomlFlag(toolkit, setting) === needed) continue;
    missing.push(
      `${setting} is not ${needed} in /etc/nvidia-container-runtime/config.toml: ` +
        'a container could use GPUs that another customer has rented',
    );
  }
  return missing;
}

/** The cluster starts the plugin as a pod some time after the join. */
function missingDevicePlugin({ root }: Installation): string[] {
  const sockets = filesIn(join(root, 'var/lib/kubelet/device-plugins'));
  return sockets.some((file) => /nvidia.*\.sock$/.test(file))
    ? []
    : ["the NVIDIA device plugin is not running (yet): the cluster does not see this machine's GPUs"];
}

/** Reads a boolean from a TOML file. The toolkit writes its defaults as comments; those do not count. */
export function tomlFlag(text: string, name: string): boolean | undefined {
  const value = new RegExp(`^\\s*${name}\\s*=\\s*(true|false)\\s*(?:#.*)?$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : value === 'true';
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
