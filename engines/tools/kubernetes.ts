import type { Log } from '../log.js';
import { findBuiltTools } from './built-tools.js';
import type { Tool } from './tool.js';

/** The versions that `engines/go/kubernetes/go.mod` pins. */
export const kubernetesVersion = 'v1.37.2';
const kwokVersion = 'v0.8.0';
const etcdVersion = 'v3.7.3';

const [major, minor] = kubernetesVersion.slice(1).split('.');
const versionPackage = 'k8s.io/component-base/version';

/** A program of Kubernetes itself. */
export const kubernetesTool = (name: string, variable: string) => ({
  variable,
  version: kubernetesVersion,
  package: `k8s.io/kubernetes/cmd/${name}`,
  // All components of a control plane have one version; kubeadm writes its configuration for exactly that.
  accepts: (text: string) => text.includes(kubernetesVersion),
});

/** Without these the tools report v0.0.0, which their clients cannot parse. */
export const kubernetesLdflags = `-s -w -X ${versionPackage}.gitVersion=${kubernetesVersion} -X ${versionPackage}.gitMajor=${major} -X ${versionPackage}.gitMinor=${minor}`;

const group = {
  module: 'kubernetes' as const,
  ldflags: kubernetesLdflags,
  takes: 'about 6 minutes on two cores, and 5 GB for the compiler',
  tools: {
    'kube-apiserver': kubernetesTool('kube-apiserver', 'KUBE_APISERVER'),
    'kube-controller-manager': kubernetesTool('kube-controller-manager', 'KUBE_CONTROLLER_MANAGER'),
    'kube-scheduler': kubernetesTool('kube-scheduler', 'KUBE_SCHEDULER'),
    kubeadm: { ...kubernetesTool('kubeadm', 'KUBEADM'), versionArgs: ['version', '-o', 'short'] },
    kwok: {
      variable: 'KWOK',
      version: kwokVersion,
      package: 'sigs.k8s.io/kwok/cmd/kwok',
      accepts: (text: string) => text.includes(kwokVersion),
    },
    etcd: {
      variable: 'ETCD',
      version: etcdVersion,
      package: 'go.etcd.io/etcd/server/v3',
      builtAs: 'server',
      accepts: (text: string) => text.includes(etcdVersion.slice(1)),
    },
  },
};

export type KubernetesTools = Record<keyof typeof group.tools, Tool>;

/** Finds or builds the control plane, kubeadm, kwok and etcd. */
export function findKubernetesTools(log: Log, env?: NodeJS.ProcessEnv): Promise<KubernetesTools> {
  return findBuiltTools(group, log, env);
}
