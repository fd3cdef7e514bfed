import { failure, looked, obstacle, warning, type Check, type Problem } from './finding.js';
import { isThere, namesIn, textOf, type Host } from './host.js';

/** What kubeadm writes, and refuses to find. */
const files = ['/etc/kubernetes/bootstrap-kubelet.conf', '/etc/kubernetes/pki/ca.crt'] as const;
const folders = ['/etc/kubernetes/manifests'] as const;

/** What an earlier join leaves behind; after a join, the same is what it should be. */
export const leftovers: Check = {
  name: 'leftovers',
  look(host, { hasJoined }) {
    if (hasJoined) return undefined;
    const refused = [
      ...files.filter((file) => isThere(host, file)),
      ...folders.filter((folder) => namesIn(host, folder).length > 0),
    ];
    const etcd = namesIn(host, '/var/lib/etcd').length > 0;
    const states = ['cpu_manager_state', 'memory_manager_state', 'pki'].filter((name) =>
      isThere(host, `/var/lib/kubelet/${name}`),
    );
    const networks = namesIn(host, '/etc/cni/net.d').filter((name) => /\.(?:conf|conflist|json)$/.test(name));
    return looked(
      'none of an earlier join',
      refused.length > 0 &&
        obstacle(`${refused.join(', ')} of an earlier join: kubeadm refuses to join over it`, 'kubeadm reset --force'),
      etcd &&
        warning('/var/lib/etcd is not empty: this machine was a control plane, whose data stay', 'rm -r /var/lib/etcd'),
      states.length > 0 &&
        warning(
          `/var/lib/kubelet has ${states.join(', ')} of an earlier kubelet, which a new one may reject`,
          'kubeadm reset --force',
        ),
      networks.length > 0 &&
        warning(
          `/etc/cni/net.d has a network of another cluster: pods may get addresses that lead nowhere`,
          'rm -r /etc/cni/net.d && systemctl restart containerd',
        ),
    );
  },
};

/** Ports of the kubelet and of kube-proxy. Only the first is one that kubeadm looks at. */
const ports = [10_250, 10_248, 10_249, 10_256] as const;
/** Where customers log in, unless the cluster's operator says otherwise. */
export const customersPorts = { from: 20_000, to: 32_767 } as const;

export const portsInUse: Check = {
  name: 'ports',
  look(host, { hasJoined }) {
    const open = listening(host);
    const problems: Problem[] = [];
    const taken = hasJoined ? [] : ports.filter((port) => open.has(port));
    for (const port of taken) {
      const text = `another program listens on ${port}, which ${port === 10_250 || port === 10_248 ? 'the kubelet' : 'kube-proxy'} needs`;
      const mend = `ss -ltnp sport = :${port}   # then end that program`;
      problems.push(port === 10_250 ? obstacle(text, mend) : failure(text, mend));
    }
    // On a node these are the doors of its own customers.
    const inRange = hasJoined
      ? []
      : [...open].filter((port) => port >= customersPorts.from && port <= customersPorts.to).sort((a, b) => a - b);
    if (inRange.length > 0) {
      const named = inRange.slice(0, 5).join(', ') + (inRange.length > 5 ? ` and ${inRange.length - 5} more` : '');
      problems.push(
        warning(
          `a program listens on ${named}, within the ports of customers: a job that gets such a port is not reached`,
          `ss -ltnp sport ge :${customersPorts.from} and sport le :${customersPorts.to}`,
        ),
      );
    }
    return looked(hasJoined ? 'not looked at: this machine has joined' : `${ports.join(', ')} are free`, ...problems);
  },
};

/** The TCP ports that somebody listens on, by the kernel's own tables. */
function listening(host: Host): Set<number> {
  const found = new Set<number>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (textOf(host, table) ?? '').split('\n')) {
      // The local address and port in hex, the remote ones, and 0A for "listens".
      const port = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /.exec(line)?.[1];
      if (port !== undefined) found.add(Number.parseInt(port, 16));
    }
  }
  return found;
}
