import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Cgroups of that name, one a line. */
export function cgroups(name: string): string {
  return execFileSync('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', `*${name}*`], { encoding: 'utf8' });
}

/** The traces that a node may leave on a machine. */
export function traces(): Record<string, unknown> {
  const read = (path: string) => readFileSync(path, 'utf8').trim();
  const programs = ['containerd', 'containerd-shim', 'kubelet', 'kube-proxy', 'kube-router', 'runc', 'pause'];
  const running = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [read(`/proc/${pid}/comm`)];
      } catch {
        return [];
      }
    });
  const settings = [
    'net/ipv4/ip_forward',
    'vm/overcommit_memory',
    'vm/panic_on_oom',
    'kernel/panic',
    'kernel/panic_on_oops',
  ];
  const files = [
    '/etc/kubernetes',
    '/etc/cni',
    '/var/lib/kubelet',
    '/var/lib/containerd',
    '/var/lib/cni',
    '/opt/cni',
    '/run/containerd',
    '/var/log/pods',
    '/var/log/containers',
  ];
  return {
    mounts: read('/proc/self/mountinfo'),
    networks: execFileSync('ip', ['-o', 'address'], { encoding: 'utf8' }),
    routes: execFileSync('ip', ['route'], { encoding: 'utf8' }),
    settings: settings.map((name) => `${name} = ${read(`/proc/sys/${name}`)}`),
    files: files.filter((path) => existsSync(path)),
    cgroups: cgroups('kubepods'),
    programs: running.filter((name) => programs.some((program) => name.startsWith(program))).sort(),
  };
}
