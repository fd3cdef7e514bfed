import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { busyboxImage, pauseImage } from '../images/busybox.js';
import { sshServerImage } from '../images/ssh-server.js';
import { silent, type Log } from '../log.js';
import { findKubernetesTools } from '../tools/kubernetes.js';
import { findKubeRouter } from '../tools/kube-router.js';
import { findNodeTools } from '../tools/node.js';
import { run } from '../tools/run.js';
import { pauseImageName } from './configuration.js';
import { startMachine, type Machine, type MachineOptions } from './machine.js';
import { findNodePackages } from './packages.js';
import { letKubeRouterRead } from './policy-engine.js';

/** Images that the machine has without a registry. */
export const images = {
  /** The value of SSH_SERVER_IMAGE for the broker. */
  sshServer: 'registry.example.com/ssh-server:1',
  /** A small Linux for a customer to rent. */
  machine: 'registry.example.com/machine:1',
};

export interface RealNodeOptions {
  /** The data folder of the stack whose cluster it joins. */
  dataDir: string;
  hostName: string;
  onTurn?: MachineOptions['onTurn'];
  log?: Log;
  env?: NodeJS.ProcessEnv;
}

/**
 * Prepares a machine that can become a node of the stack's cluster, up to the point where a provider's agent begins:
 * containerd with the images, a kubelet that waits for the join, kube-proxy, and kube-router, which enforces network
 * policies. An operator's nodes get the last two from the cluster, as DaemonSets.
 */
export async function startRealNode({
  dataDir,
  hostName,
  onTurn,
  log = silent,
  env = process.env,
}: RealNodeOptions): Promise<Machine> {
  const { kubeadm } = await findKubernetesTools(log, env);
  const nodeTools = await findNodeTools(log, env);
  const kubeRouter = await findKubeRouter(log, env);
  const packages = await findNodePackages(log, env);
  const { archive: sshServer } = await sshServerImage(images.sshServer, log);
  const cluster = join(dataDir, 'kubernetes');
  // kubeadm reports its own choices on standard error.
  const kubeconfigOf = (user: string) =>
    run(kubeadm.path, ['kubeconfig', 'user', '--config', join(cluster, 'kubeadm.yaml'), '--client-name', user]);
  await letKubeRouterRead(join(cluster, 'local/admin.conf'));
  const folder = join(dataDir, 'node');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const machine = await startMachine({
    ...{ folder, hostName, packages, onTurn, log, env },
    programs: {
      kubeadm: kubeadm.path,
      kubelet: nodeTools.kubelet.path,
      'kube-proxy': nodeTools['kube-proxy'].path,
      'kube-router': kubeRouter.path,
    },
    kubeconfigs: {
      'kube-proxy': await kubeconfigOf('system:kube-proxy'),
      'kube-router': await kubeconfigOf('kube-router'),
    },
  });
  try {
    const { busybox } = packages;
    await machine.importImage(pauseImage(pauseImageName, busybox).archive);
    await machine.importImage(busyboxImage(images.machine, busybox).archive);
    await machine.importImage(sshServer);
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}
