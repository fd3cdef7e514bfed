import { failure, looked, obstacle, unseen, warning, type Check, type Problem } from './finding.js';
import { kernelArgument } from './mends.js';
import { isThere, shown, textOf, type Host } from './host.js';

/** A kubelet does not start while the machine swaps, unless it is told otherwise; kubeadm only warns, and then waits. */
export const swap: Check = {
  name: 'swap',
  look(host, { hasJoined }) {
    const table = textOf(host, '/proc/swaps');
    if (table === undefined) return looked('', unseen('/proc/swaps is not there: this is not Linux'));
    const places = table
      .split('\n')
      .slice(1)
      .map((line) => line.split(/\s+/)[0]!)
      .filter((place) => place !== '');
    if (places.length === 0) return looked('off');
    if (isAllowed(host, hasJoined)) return looked('on, and the kubelet is told to accept it');
    return looked(
      '',
      obstacle(
        `on (${shown(places.join(', '))}): the kubelet does not start, and the join waits for it in vain`,
        String.raw`swapoff -a && sed -i '/^[^#].*\sswap\s/s/^/#/' /etc/fstab`,
      ),
    );
  },
};

function isAllowed(host: Host, hasJoined: boolean): boolean {
  const configuration = hasJoined ? (textOf(host, '/var/lib/kubelet/config.yaml') ?? '') : '';
  const flags = ['/etc/default/kubelet', '/etc/sysconfig/kubelet'].map((file) => textOf(host, file) ?? '');
  return /^failSwapOn:\s*false\s*$/m.test(configuration) || flags.some((text) => /--fail-swap-on=false\b/.test(text));
}

export const forwarding: Check = {
  name: 'forwarding',
  look(host) {
    const text = textOf(host, '/proc/sys/net/ipv4/ip_forward');
    if (text === undefined) return looked('', unseen('net.ipv4.ip_forward is not there: this is not Linux'));
    return looked(
      'net.ipv4.ip_forward is 1',
      text.trim() !== '1' &&
        obstacle(
          'net.ipv4.ip_forward is 0: kubeadm refuses to join, and pods reach nobody',
          "echo 'net.ipv4.ip_forward=1' >/etc/sysctl.d/99-worldland.conf && sysctl --system",
        ),
    );
  },
};

export const modules: Check = {
  name: 'modules',
  look(host) {
    const filesystems = textOf(host, '/proc/filesystems') ?? '';
    const load = (name: string) => `echo ${name} >/etc/modules-load.d/worldland-${name}.conf && modprobe ${name}`;
    const problems: Problem[] = [];
    if (!/^\s*(?:nodev\s+)?overlay$/m.test(filesystems))
      problems.push(warning('the module overlay is not loaded: containerd needs it for containers', load('overlay')));
    const bridge = textOf(host, '/proc/sys/net/bridge/bridge-nf-call-iptables');
    if (bridge === undefined)
      problems.push(
        warning(
          'the module br_netfilter is not loaded: older kubeadm refuses, and many network plugins need it',
          load('br_netfilter'),
        ),
      );
    else if (bridge.trim() !== '1')
      problems.push(
        warning(
          'net.bridge.bridge-nf-call-iptables is 0: with many network plugins pods reach no service',
          "echo 'net.bridge.bridge-nf-call-iptables=1' >/etc/sysctl.d/99-worldland-bridge.conf && sysctl --system",
        ),
      );
    return looked('overlay and br_netfilter are loaded', ...problems);
  },
};

/** Below these, a machine with a few dozen pods fails with "too many open files" or "cannot fork". */
const limits = [
  ['fs.inotify.max_user_instances', 512, 'too many open files'],
  ['fs.inotify.max_user_watches', 65_536, 'no space left on device'],
  ['kernel.pid_max', 65_536, 'cannot fork'],
] as const;

export const kernelLimits: Check = {
  name: 'limits',
  look(host) {
    const problems = limits.flatMap(([name, least, symptom]) => {
      const text = textOf(host, `/proc/sys/${name.replaceAll('.', '/')}`);
      if (text === undefined) return [unseen(`${name} is not there`)];
      const value = Number(text.trim());
      if (value >= least) return [];
      return [
        warning(
          `${name} is ${shown(text, 20)}, less than ${least}: many pods at once get "${symptom}"`,
          `echo '${name}=${least}' >>/etc/sysctl.d/99-worldland-limits.conf && sysctl --system`,
        ),
      ];
    });
    return looked('inotify and process numbers are enough for a full node', ...problems);
  },
};

export const cgroups: Check = {
  name: 'cgroups',
  look(host) {
    if (isThere(host, '/sys/fs/cgroup/cgroup.controllers')) {
      const controllers = textOf(host, '/sys/fs/cgroup/cgroup.controllers') ?? '';
      const missing = ['cpu', 'memory', 'pids'].filter((name) => !controllers.split(/\s+/).includes(name));
      return looked(
        'version 2',
        missing.length > 0 &&
          failure(
            `version 2 without ${missing.join(', ')}: the kubelet does not start`,
            kernelArgument(host, 'cgroup_enable=memory'),
          ),
      );
    }
    if (!isThere(host, '/sys/fs/cgroup')) return looked('', unseen('/sys/fs/cgroup is not there'));
    return looked(
      '',
      warning(
        'version 1: newer kubelets refuse it (1.35 does unless its configuration allows it)',
        kernelArgument(host, 'systemd.unified_cgroup_hierarchy=1'),
      ),
    );
  },
};
