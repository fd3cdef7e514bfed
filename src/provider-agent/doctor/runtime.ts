import { containerdSettings } from './containerd.js';
import { failure, looked, obstacle, warning, type Check, type Problem } from './finding.js';
import { installing } from './mends.js';
import { isThere, textOf, type Host } from './host.js';

/** The programs that a join needs, and those that older kubeadm looks for. */
const needed = ['kubeadm', 'kubelet', 'containerd'] as const;
const lookedFor = ['conntrack', 'iptables', 'ip', 'mount', 'nsenter'] as const;

const packagesPage = 'https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/';

export const programs: Check = {
  name: 'programs',
  async look(host) {
    const missing = needed.filter((program) => !host.installed(program));
    const lacking = lookedFor.filter((program) => !host.installed(program));
    const versions = missing.length > 0 ? [] : [await minorOf(host, 'kubeadm'), await minorOf(host, 'kubelet')];
    const [kubeadm, kubelet] = versions;
    return looked(
      `kubeadm, kubelet${kubelet === undefined ? '' : ` 1.${kubelet}`} and containerd are installed`,
      missing.length > 0 &&
        obstacle(
          `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} not in PATH`,
          missing.includes('containerd') ? installing(host, 'containerd') : `see ${packagesPage}`,
        ),
      kubeadm !== undefined &&
        kubelet !== undefined &&
        kubeadm !== kubelet &&
        warning(
          `kubeadm is 1.${kubeadm} and kubelet 1.${kubelet}: both have to be of the minor version of the cluster`,
          `see ${packagesPage}`,
        ),
      lacking.length > 0 &&
        warning(
          `${lacking.join(', ')} ${lacking.length > 1 ? 'are' : 'is'} not in PATH: older kubeadm refuses to join`,
          installing(host, 'conntrack iptables iproute2 util-linux'),
        ),
    );
  },
};

/** The minor version of a Kubernetes program; undefined when it does not tell. */
async function minorOf(host: Host, program: 'kubeadm' | 'kubelet'): Promise<number | undefined> {
  const args = program === 'kubeadm' ? ['version', '-o', 'short'] : ['--version'];
  const minor = /v1\.(\d{1,3})\./.exec((await host.run(program, args))?.stdout ?? '')?.[1];
  return minor === undefined ? undefined : Number(minor);
}

const sockets = {
  containerd: '/run/containerd/containerd.sock',
  'CRI-O': '/run/crio/crio.sock',
  'cri-dockerd': '/run/cri-dockerd.sock',
} as const;

export const containerd: Check = {
  name: 'containerd',
  async look(host) {
    if (!host.installed('containerd')) return undefined;
    const running = Object.entries(sockets).filter(([, path]) => isThere(host, path));
    const { values, hasFile } = containerdSettings(host);
    const disabled = values.get('disabled_plugins');
    const others = running.map(([name]) => name).filter((name) => name !== 'containerd');
    return looked(
      'runs, and answers kubelets',
      !(await host.answers(sockets.containerd)) &&
        obstacle('containerd does not run', 'systemctl enable --now containerd'),
      others.length > 0 &&
        obstacle(
          `${others.join(' and ')} runs as well, and kubeadm does not choose between two runtimes`,
          `systemctl disable --now ${others.map((name) => (name === 'CRI-O' ? 'crio' : 'cri-docker')).join(' ')}`,
        ),
      // Docker's package of containerd comes so.
      Array.isArray(disabled) &&
        disabled.some((name) => name === 'cri' || name.startsWith('io.containerd.grpc.v1.cri')) &&
        obstacle(
          "containerd's part for kubelets (cri) is turned off in disabled_plugins",
          'containerd config default >/etc/containerd/config.toml && systemctl restart containerd',
        ),
      !hasFile && warning('/etc/containerd/config.toml is not there, so all settings are defaults', cgroupMend),
    );
  },
};

const systemdCgroup = "sed 's/SystemdCgroup *= *false/SystemdCgroup = true/'";
const cgroupMend = `containerd config default | ${systemdCgroup} >/etc/containerd/config.toml && systemctl restart containerd`;
const cgroupMendInPlace = `${systemdCgroup.replace('sed', 'sed -i')} /etc/containerd/config.toml && systemctl restart containerd`;

/** Two managers of cgroups on one machine lose track of containers under load; kubelets of kubeadm use systemd. */
export const cgroupDriver: Check = {
  name: 'cgroup driver',
  look(host, { hasJoined }) {
    if (!host.installed('containerd') || !isThere(host, '/run/systemd/system')) return undefined;
    const { values } = containerdSettings(host);
    const configuration = hasJoined ? (textOf(host, '/var/lib/kubelet/config.yaml') ?? '') : '';
    const ofKubelet = /^cgroupDriver:\s*(\w+)/m.exec(configuration)?.[1] ?? 'systemd';
    const runtimes = ['runc', 'nvidia'].flatMap((name) => {
      const parts = [...values].filter(([key]) => key.includes(`.containerd.runtimes.${name}.`));
      if (parts.length === 0 && name !== 'runc') return [];
      const isSystemd = parts.some(([key, value]) => key.endsWith('.options.SystemdCgroup') && value === true);
      return [{ name, driver: isSystemd ? 'systemd' : 'cgroupfs' }];
    });
    const wrong = ofKubelet === 'systemd' ? runtimes.filter(({ driver }) => driver !== ofKubelet) : [];
    const problems: Problem[] = wrong.map(({ name, driver }) => {
      const text = `containerd starts ${name} with ${driver}, and the kubelet uses systemd`;
      const isWritten = [...values.keys()].some((key) => key.endsWith('.options.SystemdCgroup'));
      const mend = isWritten ? cgroupMendInPlace : cgroupMend;
      // Newer ones agree on a driver by themselves, so only a machine that has joined is certain to be wrong.
      return hasJoined ? failure(text, mend) : warning(text, mend);
    });
    return looked(`${ofKubelet}, as the kubelet has it`, ...problems);
  },
};
