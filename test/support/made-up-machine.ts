import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Situation } from '../../src/provider-agent/doctor/finding.js';
import type { Host } from '../../src/provider-agent/doctor/host.js';
import { parseGpuQuery } from '../../src/provider-agent/gpus.js';

/** A machine that is a folder, set up as the guide for providers has it; a test then breaks something. */
export interface MadeUpMachine {
  host: Host;
  /** Writes a file; the folders above it come by themselves. */
  put(path: string, text: string): void;
  /** The programs that are missing. */
  without: Set<string>;
  /** What programs print, by their name and first argument. */
  prints: Map<string, string>;
}

const containerdConfig = `version = 2
root = "/var/lib/containerd"
disabled_plugins = []
[plugins]
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
    SystemdCgroup = true # ours
`;

const files = {
  'proc/swaps': 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n',
  'proc/sys/net/ipv4/ip_forward': '1\n',
  'proc/sys/net/bridge/bridge-nf-call-iptables': '1\n',
  'proc/sys/fs/inotify/max_user_instances': '8192\n',
  'proc/sys/fs/inotify/max_user_watches': '524288\n',
  'proc/sys/kernel/pid_max': '4194304\n',
  'proc/filesystems': 'nodev\tsysfs\nnodev\toverlay\n\text4\n',
  'proc/modules': 'nvidia 1 0 - Live 0x0\n',
  'proc/net/tcp': '  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 0A 00000000:00000000\n',
  'proc/driver/nvidia/version':
    'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build  (dvs-builder@U16)\n',
  'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
  'sys/bus/pci/devices/0000:01:00.0/vendor': '0x10de\n',
  'sys/bus/pci/devices/0000:01:00.0/class': '0x030000\n',
  'run/containerd/containerd.sock': '',
  'run/systemd/system/keep': '',
  'etc/containerd/config.toml': containerdConfig,
  'etc/nvidia-container-runtime/config.toml':
    'accept-nvidia-visible-devices-envvar-when-unprivileged = false\naccept-nvidia-visible-devices-as-volume-mounts = true\n',
};

const gpuName = 'NVIDIA GeForce RTX 4090';

export function madeUpMachine(root: string): MadeUpMachine {
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) put(path, text);
  const without = new Set<string>();
  const prints = new Map([
    ['kubeadm version', 'v1.34.2\n'],
    ['kubelet --version', 'Kubernetes v1.34.1\n'],
    ['nvidia-ctk --version', 'NVIDIA Container Toolkit CLI version 1.18.0\ncommit: x\n'],
    ['nvidia-smi --query-gpu=index,memory.total,memory.used', '0, 24564, 320\n'],
    ['nvidia-smi --query-compute-apps=process_name', ''],
  ]);
  const host: Host = {
    root,
    isRoot: true,
    answers: async (socket) => existsSync(join(root, socket)),
    installed: (program) => !without.has(program),
    run: async (program, [first = '']) => {
      const stdout = prints.get(`${program} ${first}`);
      return stdout === undefined ? undefined : { code: 0, stdout, stderr: '' };
    },
  };
  return { host, put, without, prints };
}

/** What the agent knows of that machine; it has one GPU. */
export function situation(changes: Partial<Situation> = {}): Situation {
  const line = `0, GPU-5d0e4a1c-7f2b-4d8e-9a6b-000000000000, 00000000:01:00.0, 24564, 0, 550.54.15, ${gpuName}`;
  const { gpus } = parseGpuQuery(line);
  return {
    hasJoined: false,
    machine: { gpus, privateIp: '203.0.113.7' },
    reading: { problems: [], hasDriver: true, failed: false },
    ...changes,
  };
}
