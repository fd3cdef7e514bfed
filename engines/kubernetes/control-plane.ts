import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, EngineContext } from '../engine.js';
import { packageRoot } from '../paths.js';
import { answersOk } from '../probe.js';
import { findKubernetesTools } from '../tools/kubernetes.js';
import { auditOfNodes } from './audit.js';
import { prepareAuthorizer } from './authorizer-files.js';
import { admitBroker } from './broker-account.js';
import { machineAddress, openForNodes, podCidr, prepareCluster, serviceCidr, type ClusterLayout } from './kubeadm.js';
import { releaseSimulatedNodes } from './simulated-leases.js';

/** The nodes that the simulated kubelet manages: those created by a simulated provider. */
export const simulatedNodeLabel = 'type=kwok';

export interface KubernetesOptions {
  /**
   * How long a node may be silent before the control plane reports it unreachable. Kubernetes' own default; a simulated
   * kubelet renews every 10 s.
   */
  nodeMonitorGraceS?: number;
  /** The NodePort range, `FIRST-LAST`; as in docs/deploy.md by default. */
  nodePorts?: string;
  /** The lifetime of node certificates; ten days by default, as in docs/deploy.md. */
  nodeCertificateS?: number;
  /** Whether the API server logs the nodes' requests; false by default. */
  auditNodes?: boolean;
}

const nodeCertificateS = 240 * 3_600;

/**
 * A Kubernetes control plane with the broker's rights and policies, and kwok instead of the kubelets of simulated
 * nodes. The broker gets only the rights of its own account.
 */
export async function startKubernetes(context: EngineContext, options: KubernetesOptions = {}): Promise<Engine> {
  const { dataDir, ports, supervisor, log, env } = context;
  const tools = await findKubernetesTools(log, env);
  const folder = join(dataDir, 'kubernetes');
  const etcdData = join(folder, 'etcd');
  // etcd complains about a data folder that others may read.
  mkdirSync(etcdData, { recursive: true, mode: 0o700 });
  const apiPort = await ports.take('kube-apiserver');
  const etcdUrl = `http://127.0.0.1:${await ports.take('etcd')}`;
  const peerUrl = `http://127.0.0.1:${await ports.take('etcd-peer')}`;
  const controllerPort = await ports.take('kube-controller-manager');
  const schedulerPort = await ports.take('kube-scheduler');
  const kwokPort = await ports.take('kwok');
  const authorizer = await prepareAuthorizer(join(folder, 'authorizer'), await ports.take('authorizer'));
  const layout: ClusterLayout = { folder, address: machineAddress(), apiPort, etcdUrl };

  const etcdReady = supervisor.start({
    name: 'etcd',
    command: tools.etcd.path,
    args: [
      ...['--name', 'local', '--data-dir', etcdData],
      ...['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
      ...[
        '--listen-peer-urls',
        peerUrl,
        '--initial-advertise-peer-urls',
        peerUrl,
        '--initial-cluster',
        `local=${peerUrl}`,
      ],
      // For development only: a crash of the machine may lose the cluster, but a killed process does not.
      ...['--unsafe-no-fsync', '--log-level', 'warn'],
    ],
    cwd: folder,
    ready: () => answersOk(`${etcdUrl}/health`),
  });
  const [files] = await Promise.all([prepareCluster(tools.kubeadm, layout), etcdReady]);
  const pki = (name: string) => join(files.pki, name);
  const ca = readFileSync(files.caCertificate, 'utf8');
  const api = `https://127.0.0.1:${apiPort}`;

  const apiReady = supervisor.start({
    name: 'kube-apiserver',
    command: tools['kube-apiserver'].path,
    args: [
      `--advertise-address=${layout.address === '127.0.0.1' ? '192.0.2.1' : layout.address}`,
      // The only port not bound to loopback: providers join through the advertised address. It requires a certificate
      // or a token; strangers can read only `cluster-info`.
      `--bind-address=${layout.address === '127.0.0.1' ? '127.0.0.1' : '0.0.0.0'}`,
      `--secure-port=${apiPort}`,
      `--etcd-servers=${etcdUrl}`,
      `--authorization-config=${authorizer.configuration}`,
      '--enable-admission-plugins=NodeRestriction',
      '--enable-bootstrap-token-auth=true',
      '--allow-privileged=true',
      `--service-cluster-ip-range=${serviceCidr}`,
      options.nodePorts === undefined
        ? '--service-node-port-range=20000-32767'
        : `--service-node-port-range=${options.nodePorts}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${pki('sa.pub')}`,
      `--service-account-signing-key-file=${pki('sa.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      `--tls-cert-file=${pki('apiserver.crt')}`,
      `--tls-private-key-file=${pki('apiserver.key')}`,
      `--kubelet-client-certificate=${pki('apiserver-kubelet-client.crt')}`,
      `--kubelet-client-key=${pki('apiserver-kubelet-client.key')}`,
      '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
      `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${pki('front-proxy-client.crt')}`,
      `--proxy-client-key-file=${pki('front-proxy-client.key')}`,
      ...(options.auditNodes === true ? auditOfNodes(folder) : []),
    ],
    cwd: folder,
    ready: () => answersOk(`${api}/readyz`, { ca }),
  });
  // These two wait for the API server by themselves, so they start at the same time.
  const others = [
    supervisor.start({
      name: 'kube-controller-manager',
      command: tools['kube-controller-manager'].path,
      args: [
        `--kubeconfig=${files.controllerManager}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${controllerPort}`,
        '--controllers=*,bootstrapsigner,tokencleaner',
        '--leader-elect=false',
        '--use-service-account-credentials=true',
        '--allocate-node-cidrs=true',
        `--cluster-cidr=${podCidr}`,
        `--service-cluster-ip-range=${serviceCidr}`,
        `--cluster-signing-cert-file=${pki('ca.crt')}`,
        `--cluster-signing-key-file=${pki('ca.key')}`,
        // A node that has left can still read what its rights allow until its certificate expires.
        `--cluster-signing-duration=${options.nodeCertificateS ?? nodeCertificateS}s`,
        `--root-ca-file=${pki('ca.crt')}`,
        `--service-account-private-key-file=${pki('sa.key')}`,
        `--client-ca-file=${pki('ca.crt')}`,
        // With the defaults of 20 and 30 requests a second, a burst of jobs would have to wait.
        '--kube-api-qps=500',
        '--kube-api-burst=1000',
        ...(options.nodeMonitorGraceS === undefined
          ? []
          : [`--node-monitor-grace-period=${options.nodeMonitorGraceS}s`]),
      ],
      cwd: folder,
      ready: () => answersOk(`https://127.0.0.1:${controllerPort}/healthz`),
    }),
    supervisor.start({
      name: 'kube-scheduler',
      command: tools['kube-scheduler'].path,
      args: [
        `--kubeconfig=${files.scheduler}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${schedulerPort}`,
        '--leader-elect=false',
        '--kube-api-qps=500',
        '--kube-api-burst=1000',
      ],
      cwd: folder,
      ready: () => answersOk(`https://127.0.0.1:${schedulerPort}/healthz`),
    }),
  ];
  await apiReady;
  await releaseSimulatedNodes(files.admin, simulatedNodeLabel);
  const kwokReady = supervisor.start({
    name: 'kwok',
    command: tools.kwok.path,
    args: [
      ...['--kubeconfig', files.admin, '--config', join(packageRoot, 'engines/kwok-stages.yaml')],
      ...['--manage-all-nodes=false', `--manage-nodes-with-label-selector=${simulatedNodeLabel}`],
      ...['--node-lease-duration-seconds=40', '--cidr', podCidr, `--server-address=127.0.0.1:${kwokPort}`, '--v=WARN'],
    ],
    cwd: folder,
    ready: () => answersOk(`http://127.0.0.1:${kwokPort}/healthz`),
  });
  await Promise.all([openForNodes(tools.kubeadm, layout), kwokReady, ...others]);

  const broker = await admitBroker(files.admin);
  return {
    endpoints: {
      kubeconfig: files.admin,
      broker_kubeconfig: broker,
      kubernetes: `${layout.address}:${apiPort}`,
    },
    roleEnv: {
      ...authorizer.roleEnv,
      ...{ KUBECONFIG: broker, MASTER_PUBLIC_IP: layout.address, MASTER_API_PORT: String(apiPort) },
    },
  };
}
