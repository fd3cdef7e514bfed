import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { KubeConfig, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import { writeAtomically } from '../files.js';
import { kubernetesVersion } from '../tools/kubernetes.js';
import { run } from '../tools/run.js';
import type { Tool } from '../tools/tool.js';

export interface ClusterLayout {
  /** Everything of the cluster is below this folder. */
  folder: string;
  /** The address that providers get; loopback on a machine without a network. */
  address: string;
  apiPort: number;
  etcdUrl: string;
}

/** The files that `prepareCluster` creates. */
export interface ClusterFiles {
  pki: string;
  caCertificate: string;
  /** Administrator's kubeconfigs for the advertised address and for loopback. */
  advertised: string;
  admin: string;
  controllerManager: string;
  scheduler: string;
}

export const serviceCidr = '10.96.0.0/12';
/** Every node gets 256 addresses of it, so there is room for 32,768 simulated nodes. */
export const podCidr = '10.128.0.0/9';

/** kubeadm does not advertise loopback; this documentation address is never dialled. */
const standInAddress = '192.0.2.1';

/** The machine's first address that is not loopback; loopback on a machine without a network. */
export function machineAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

export function clusterFiles(folder: string): ClusterFiles {
  const pki = join(folder, 'pki');
  return {
    pki,
    caCertificate: join(pki, 'ca.crt'),
    advertised: join(folder, 'super-admin.conf'),
    admin: join(folder, 'local/admin.conf'),
    controllerManager: join(folder, 'local/controller-manager.conf'),
    scheduler: join(folder, 'local/scheduler.conf'),
  };
}

/**
 * Has kubeadm create the certificates and kubeconfigs, unless those of an earlier start are still usable. If address or
 * port have changed, the API server's certificate and the kubeconfigs are created again; the CA stays, so that the
 * nodes' certificates it signed stay valid.
 */
export async function prepareCluster(kubeadm: Tool, layout: ClusterLayout): Promise<ClusterFiles> {
  const { folder } = layout;
  const files = clusterFiles(folder);
  const text = configuration(layout);
  const configFile = join(folder, 'kubeadm.yaml');
  const finished = join(folder, 'prepared');
  if (existsSync(finished) && readFileSync(finished, 'utf8') === digest(text)) return files;

  mkdirSync(join(folder, 'local'), { recursive: true, mode: 0o700 });
  const confs = ['super-admin', 'admin', 'kubelet', 'controller-manager', 'scheduler'].map((name) =>
    join(folder, `${name}.conf`),
  );
  for (const path of [...confs, join(files.pki, 'apiserver.crt'), join(files.pki, 'apiserver.key')])
    rmSync(path, { force: true });
  writeFileSync(configFile, text, { mode: 0o600 });
  await run(kubeadm.path, ['init', 'phase', 'certs', 'all', '--config', configFile]);
  await run(kubeadm.path, ['init', 'phase', 'kubeconfig', 'all', '--config', configFile, '--kubeconfig-dir', folder]);
  // Local components use loopback, so they keep working when the machine changes its network.
  const advertised = `https://${kubeadmAddress(layout)}:${layout.apiPort}`;
  for (const [from, to] of [
    ['super-admin', files.admin],
    ['controller-manager', files.controllerManager],
    ['scheduler', files.scheduler],
  ] as const) {
    const kubeconfig = readFileSync(join(folder, `${from}.conf`), 'utf8');
    writeAtomically(to, kubeconfig.replace(advertised, `https://127.0.0.1:${layout.apiPort}`));
  }
  writeAtomically(finished, digest(text));
  return files;
}

/**
 * Has kubeadm upload what a node needs to join: its configuration, `cluster-info`, and the rights of bootstrap tokens,
 * but not those for renewals, which the broker grants. Done once per cluster and address.
 */
export async function openForNodes(kubeadm: Tool, layout: ClusterLayout): Promise<void> {
  const { folder } = layout;
  const configFile = join(folder, 'kubeadm.yaml');
  const finished = join(folder, 'opened');
  const wanted = digest(`${readFileSync(configFile, 'utf8')}, without ${renewals}`);
  if (existsSync(finished) && readFileSync(finished, 'utf8') === wanted) return;
  const files = clusterFiles(folder);
  // `cluster-info` contains the kubeconfig's address: nodes must get the advertised one.
  const kubeconfig = layout.address === '127.0.0.1' ? files.admin : files.advertised;
  const common = ['--config', configFile, '--kubeconfig', kubeconfig];
  await run(kubeadm.path, ['init', 'phase', 'upload-config', 'all', ...common]);
  await run(kubeadm.path, ['init', 'phase', 'bootstrap-token', '--skip-token-print', ...common]);
  await leaveRenewalsToBroker(files.admin);
  writeAtomically(finished, wanted);
}

/** kubeadm's binding renews the certificate of everyone in `system:nodes`, in the fleet or not, so it is removed. */
const renewals = 'kubeadm:node-autoapprove-certificate-rotation';

async function leaveRenewalsToBroker(kubeconfig: string): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  await config
    .makeApiClient(RbacAuthorizationV1Api)
    .deleteClusterRoleBinding({ name: renewals })
    .catch((error: { code?: number }) => {
      if (error.code !== 404) throw error;
    });
}

function kubeadmAddress({ address }: ClusterLayout): string {
  return address === '127.0.0.1' ? standInAddress : address;
}

/** kubeadm's configuration: a stream of JSON documents, which are YAML too. */
function configuration(layout: ClusterLayout): string {
  const apiVersion = 'kubeadm.k8s.io/v1beta4';
  const documents = [
    {
      apiVersion,
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: kubeadmAddress(layout), bindPort: layout.apiPort },
      nodeRegistration: { name: 'control-plane', criSocket: 'unix:///run/containerd/containerd.sock' },
    },
    {
      apiVersion,
      kind: 'ClusterConfiguration',
      clusterName: 'worldland-local',
      kubernetesVersion,
      certificatesDir: join(layout.folder, 'pki'),
      apiServer: { certSANs: ['127.0.0.1', 'localhost'] },
      etcd: { external: { endpoints: [layout.etcdUrl] } },
      networking: { serviceSubnet: serviceCidr, podSubnet: podCidr },
    },
    {
      // The kubelet configuration of every machine that joins. A process that runs out of memory ends alone, without
      // the customer's login.
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      singleProcessOOMKill: true,
    },
  ];
  return documents.map((document) => JSON.stringify(document, null, 1)).join('\n---\n');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
