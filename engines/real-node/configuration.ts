/** Images that are in no registry: they are built here and imported. */
export const pauseImageName = 'registry.example.com/pause:1';

/** Where containerd listens in the machine, and where kubeadm looks first. */
const runtimeEndpoint = 'unix:///run/containerd/containerd.sock';

export function containerdConfiguration(cniPlugins: string): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImageName}"
  # Where the machine lacks CAP_SYS_RESOURCE no process may be made harder to kill, and containers would not start.
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/mnt/registries"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniPlugins}"
    conf_dir = "/etc/cni/worldland"
    conf_template = "/mnt/cni/template"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;
}

/**
 * The pods' network, which containerd fills in once the cluster has given the node its range. Every pod has its own
 * link to the machine (\`ptp\`): traffic between pods is routed, and so subject to network policies.
 */
export function podNetwork(): string {
  const subnet = '{"subnet": "{{.PodCIDR}}"}';
  return `{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": true,
      "ipam": {"type": "host-local", "dataDir": "/mnt/cni/ranges", "ranges": [[${subnet}]], "routes": [{"dst": "0.0.0.0/0"}]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`;
}

/** Where the kubelet's configuration on this machine differs from the cluster's. */
export function kubeletPatch(cgroup: string): string {
  return JSON.stringify({
    // containerd runs runc without systemd, so that machines without cgroup v2 can run tests.
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    // A nearly full disk must not fail a test.
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  });
}

/**
 * The program that a join command runs as `kubeadm`: the real one, in the machine. It runs the command as the broker
 * gave it, and adds only what this machine needs, as an operator's node image would.
 *
 * @param folder the machine's folder, by its path outside.
 */
export function kubeadmCommand(namespaces: readonly string[], folder: string): string {
  return `#!/bin/sh
# There is no systemd here, among other things that the checks miss.
case "$1" in
join) set -- "$@" --ignore-preflight-errors=all --cri-socket ${runtimeEndpoint} --patches /mnt/patches ;;
reset)
  set -- "$@" --ignore-preflight-errors=all --cri-socket ${runtimeEndpoint}
  rm -f ${folder}/own/var/lib/kubelet/kubeadm-flags.env
  while [ -e ${folder}/joined ]; do sleep 0.1; done
  ;;
esac
exec nsenter ${namespaces.join(' ')} /mnt/bin/kubeadm "$@"
`;
}
