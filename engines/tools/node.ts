import type { Log } from '../log.js';
import { findBuiltTools } from './built-tools.js';
import { kubernetesLdflags, kubernetesTool } from './kubernetes.js';
import type { Tool } from './tool.js';

/** The programs that a node needs besides kubeadm. A separate group, because the local stack does not need them. */
const group = {
  module: 'kubernetes' as const,
  ldflags: kubernetesLdflags,
  takes: 'half a minute once the control plane is built, about 6 minutes before',
  tools: {
    kubelet: kubernetesTool('kubelet', 'KUBELET'),
    'kube-proxy': kubernetesTool('kube-proxy', 'KUBE_PROXY'),
  },
};

export type NodeTools = Record<keyof typeof group.tools, Tool>;

/** Finds or builds kubelet and kube-proxy, in the control plane's version. */
export function findNodeTools(log: Log, env?: NodeJS.ProcessEnv): Promise<NodeTools> {
  return findBuiltTools(group, log, env);
}
