import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generatePrivateKey } from 'viem/accounts';
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions, type V1Node } from '@kubernetes/client-node';
import type { Session } from '../../src/client/session.js';
import type { KubernetesOptions } from '../../engines/kubernetes/control-plane.js';
import { machineRange, type Machine } from '../../engines/real-node/machine.js';
import { images, startRealNode } from '../../engines/real-node/node.js';
import { gpuResource, labels } from '../../src/kubernetes/names.js';
import { startBroker, type RunningBroker } from './broker.js';
import { createProviderMachine, type ProviderMachine, type RunningAgent } from './provider-machine.js';
import { until } from './until.js';
import { namespaceIn } from './tenants.js';

export const providerId = 'real-machine';
export const gpus = 2;

/** A broker, and a real machine whose owner's agent offers it to that broker. */
export interface RealMachine {
  broker: RunningBroker;
  machine: Machine;
  provider: ProviderMachine;
  agent: RunningAgent;
  /** Starts the agent again after its end, with more options. */
  restartAgent(...options: string[]): void;
  core: CoreV1Api;
  /** Waits until the machine has joined and is Ready. */
  joined(): Promise<V1Node>;
  /** Reports its GPUs, as the device plugin of a machine with GPUs does, and waits until they are on offer. */
  offerGpus(node: V1Node, customer: Session): Promise<void>;
  /** How many of its GPUs can be rented. */
  free(customer: Session): Promise<number>;
  /** A customer's pods on the node, for people who find out why one does not run. */
  podsOf(customer: Session): Promise<string>;
  remove(): Promise<void>;
}

export interface RealMachineOptions {
  /** Settings of the broker. */
  env?: Record<string, string>;
  kubernetes?: KubernetesOptions;
  /** Called once no other machine is running and before this one starts. */
  onTurn?: () => void;
}

export async function offerRealMachine(options: RealMachineOptions = {}): Promise<RealMachine> {
  // The broker of a site that reaches its machines' ports, at an address that nobody else uses.
  const site = { SSH_SERVER_IMAGE: images.sshServer, SSH_PROBE: 'true', PROVIDER_PRIVATE_CIDRS: machineRange };
  const env = { ...site, JOB_MIN_DURATION_S: '1', ...options.env };
  const broker = await startBroker(env, options.kubernetes);
  const { kubeconfig } = broker.endpoints;
  let machine: Machine | undefined;
  try {
    machine = await startRealNode({
      dataDir: resolve(kubeconfig!, '../../..'),
      hostName: 'rented-out',
      ...(options.onTurn === undefined ? {} : { onTurn: options.onTurn }),
      log: (line) => void process.stderr.write(`  ${line}\n`),
    });
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig!);
    const provider = createProviderMachine({ gpus });
    await authorizeAgent(broker, machine, provider);
    return realMachine({ broker, machine, provider, core: config.makeApiClient(CoreV1Api) });
  } catch (error) {
    await machine?.stop();
    await broker.stop();
    throw error;
  }
}

async function authorizeAgent(broker: RunningBroker, machine: Machine, provider: ProviderMachine): Promise<void> {
  // The real program instead of the simulated one; it records its arguments.
  const kubeadm = `#!/bin/sh\necho "$*" >>${join(provider.state, 'kubeadm')}\nexec ${machine.commands}/kubeadm "$@"\n`;
  writeFileSync(join(provider.state, '../bin/kubeadm'), kubeadm, { mode: 0o755 });
  const nodeKey = (await provider.command(['key'])).output.trim();
  const out = join(provider.state, 'delegation.json');
  await provider.command(
    ['authorize', '--id', providerId, '--node-key', nodeKey, '--broker', broker.endpoints.api, '--out', out],
    { WALLET_PRIVATE_KEY: generatePrivateKey() },
  );
}

/** How the agent finds out whether its machine has joined. */
export const kubeletConf = ({ files }: Machine): string[] => [
  '--kubelet-conf',
  join(files, 'etc/kubernetes/kubelet.conf'),
];

type Parts = Pick<RealMachine, 'broker' | 'machine' | 'provider' | 'core'>;

function realMachine({ broker, machine, provider, core }: Parts): RealMachine {
  const startAgent = (...options: string[]) =>
    provider.run([
      ...['--redis', broker.endpoints.redis, '--broker', broker.endpoints.api, '--join', 'yes', '--heartbeat-s', '2'],
      ...['--gpu-price', '0.4', '--share-cpus', '2', ...kubeletConf(machine), ...options],
    ]);
  const free = async (customer: Session) => {
    const { body } = await customer.request('GET', '/api/v1/providers/gpu-availability');
    const { providers } = body as {
      providers: { provider_id: string; available_gpus: number; can_create_job: boolean }[];
    };
    const row = providers.find((one) => one.provider_id === providerId);
    return row?.can_create_job === true ? row.available_gpus : 0;
  };
  const real: RealMachine = {
    ...{ broker, machine, provider, core, free, agent: startAgent() },
    restartAgent: (...options) => void (real.agent = startAgent(...options)),
    joined: () =>
      until(
        async () => {
          const { items } = await core.listNode({ labelSelector: `${labels.placement}=${providerId}` });
          return items.find((one) => one.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'));
        },
        { timeoutMs: 120_000, name: 'the node is Ready and marked as the provider’s' },
      ).catch((error: Error) => {
        throw new Error(`${error.message}, but:\n${real.agent.output()}`);
      }),
    async offerGpus(node, customer) {
      const counted = { [gpuResource]: String(gpus) };
      await core.patchNodeStatus(
        { name: node.metadata!.name!, body: { status: { capacity: counted, allocatable: counted } } },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
      );
      await until(async () => (await free(customer)) === gpus, { timeoutMs: 60_000, name: 'its GPUs are on offer' });
    },
    async podsOf({ wallet }) {
      const namespace = await namespaceIn(broker.endpoints.postgres!, wallet);
      const { items: pods } = await core.listNamespacedPod({ namespace });
      const { items: events } = await core.listNamespacedEvent({ namespace });
      const kubelet = readFileSync(join(machine.logs, 'kubelet.log'), 'utf8').split('\n').slice(-30);
      return [
        '',
        ...pods.map(({ status }) => JSON.stringify(status)),
        ...events.map(({ reason, message }) => `${reason}: ${message}`),
        ...kubelet,
      ].join('\n');
    },
    async remove() {
      await provider.remove();
      await machine.stop();
      await broker.stop();
    },
  };
  return real;
}
