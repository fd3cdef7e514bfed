import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { obtainNodeCertificate } from '../../engines/simulated-provider/certificate.js';
import { discoverCluster } from '../../engines/simulated-provider/discovery.js';
import { ask, type Access } from '../../engines/simulated-provider/kubernetes-request.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { putNode } from '../../engines/simulated-provider/node.js';
import {
  connectKubernetes,
  mergePatch,
  statusOf,
  unlessNotFound,
  type Kubernetes,
} from '../../src/kubernetes/client.js';
import { labels } from '../../src/kubernetes/names.js';
import { parseJoinCommand } from '../../src/provider-agent/join-command.js';
import { startBroker, type RunningBroker } from '../support/broker.js';
import { answerTo, readsNothing, writesNothing } from '../support/node-attempts.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';

// What anybody can do who has registered, with nothing but the answer: raw calls with a join token and with the
// certificate of a node.
let broker: RunningBroker;
let admin: Kubernetes;
let account: Kubernetes;

beforeAll(async () => {
  broker = await startBroker({ RATE_LIMIT_PROVIDERS: '1000000' });
  admin = connectKubernetes({ KUBECONFIG: broker.endpoints.kubeconfig });
  account = connectKubernetes({ KUBECONFIG: broker.endpoints.broker_kubeconfig });
}, 900_000);
afterAll(async () => {
  await broker?.stop();
}, 60_000);

interface Applicant {
  providerId: string;
  wallet: PrivateKeyAccount;
  nodeName: string;
  /** The API server as the join command lets anybody reach it. */
  bootstrap: Access;
  cluster: Access;
}

/** Registers a machine, and has what it was answered. */
async function register(providerId: string, wallet = privateKeyToAccount(generatePrivateKey())): Promise<Applicant> {
  const nodeKey = privateKeyToAccount(generatePrivateKey());
  const sign = providerSigner({ wallet, nodeKey, chainId: 1, audience: broker.endpoints.api });
  const provider = broker.provider({ providerId, wallet: wallet.address, sign, join: false, heartbeatIntervalMs: 500 });
  const { nodeName, joinCommand } = await provider.joined;
  provider.startHeartbeats();
  const command = parseJoinCommand(joinCommand);
  const cluster = await discoverCluster(command);
  return {
    providerId,
    wallet,
    nodeName,
    cluster,
    bootstrap: { ...cluster, token: `${command.tokenId}.${command.tokenSecret}` },
  };
}

/** What a kubelet does with the answer; answers what it is from then on. */
async function join({ providerId, nodeName, bootstrap, cluster }: Applicant): Promise<Access> {
  const node = { ...cluster, ...(await obtainNodeCertificate(bootstrap, nodeName, 60_000)) };
  await putNode(node, nodeName, simulatedMachine({ providerId }));
  await until(async () => (await provider(providerId))['status'] === 'available', {
    timeoutMs: 60_000,
    name: 'in service',
  });
  return node;
}

async function provider(providerId: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${broker.endpoints.api}/api/v1/providers/${providerId}`);
  return (await response.json()) as Record<string, unknown>;
}

async function retire({ providerId, wallet }: Applicant): Promise<void> {
  const session = await broker.customer({ account: wallet, scopes: ['providers:read', 'providers:write'] });
  expect((await session.request('POST', `/api/v1/providers/${providerId}/retire`, {})).status).toBe(202);
  await until(async () => (await provider(providerId))['status'] === 'retired', { timeoutMs: 60_000, name: 'retired' });
}

const node = (name: string) => unlessNotFound(admin.core.readNode({ name }));

describe('the name of an operator’s next machine', () => {
  test('a provider whose id is the name of an operator’s next machine gets no certificate for it, and never has the machine', async () => {
    const stranger = await register('cp-2');
    expect(stranger.nodeName).toBe('p-cp-2-1');
    // The operator's machine joins meanwhile.
    const own = { 'node-role.kubernetes.io/control-plane': '' };
    await admin.core.createNode({ body: { metadata: { name: 'cp-2', labels: own } } });
    expect(await answerTo(obtainNodeCertificate(stranger.bootstrap, 'cp-2', 30_000))).toContain('not for p-cp-2-1');
    await join(stranger);
    await retire(stranger);
    const left = (await node('cp-2'))!;
    expect(left.metadata!.labels).toEqual(own);
    expect(left.spec?.taints?.filter(({ key }) => key.startsWith('worldland.io/')) ?? []).toEqual([]);
    expect(await node('p-cp-2-1')).toBeUndefined();
  }, 180_000);

  test('nobody, not even an administrator, can create a node with a name from the space of the broker’s names', async () => {
    expect(
      await answerTo(admin.core.createNode({ body: { metadata: { name: 'p-of-mine-1' } }, dryRun: 'All' })),
    ).toContain('are the broker');
  });
});

describe('a node of the fleet', () => {
  let owned: Applicant;
  let access: Access;
  beforeAll(async () => {
    owned = await register('atlas-of-mine');
    access = await join(owned);
  }, 180_000);

  const chapter = story('a node of the fleet serves, is replaced when its key changes, and leaves', 600_000);

  chapter('a node has the name that the broker chose and the labels of its provider', async () => {
    expect(owned.nodeName).toBe('p-atlas-of-mine-1');
    expect((await node(owned.nodeName))!.metadata!.labels).toMatchObject({ [labels.placement]: owned.providerId });
    expect((await provider(owned.providerId))['node_name']).toBe(owned.nodeName);
  });

  chapter('a node gets its certificate renewed, and none for another name', async () => {
    const renewed = await obtainNodeCertificate(access, owned.nodeName, 30_000);
    const again = { ...owned.cluster, ...renewed };
    await ask(again, 'GET', `/api/v1/nodes/${owned.nodeName}`);
    expect(await answerTo(obtainNodeCertificate(access, 'p-someone-else-1', 30_000))).toContain(
      'can only create a node CSR with CN=system:node:p-atlas-of-mine-1',
    );
  });

  chapter('a deleted node that its kubelet creates again is admitted again', async () => {
    const { uid } = (await node(owned.nodeName))!.metadata!;
    await admin.core.deleteNode({ name: owned.nodeName });
    await putNode(access, owned.nodeName, simulatedMachine({ providerId: owned.providerId }));
    await until(async () => (await node(owned.nodeName))!.metadata!.labels?.[labels.placement] === owned.providerId);
    expect((await node(owned.nodeName))!.metadata!.uid).not.toBe(uid);
  });

  chapter('a machine with another key becomes another node, and the old certificate can write nothing', async () => {
    const next = await register(owned.providerId, owned.wallet);
    expect(next.nodeName).toBe('p-atlas-of-mine-2');
    await until(async () => (await node(owned.nodeName)) === undefined);
    // By the policy alone: who keeps it from reading is away.
    await broker.stack.halt('authorizer');
    try {
      await until(async () => (await answerTo(ask(access, 'GET', '/api/v1/services'))) === 'done', {
        timeoutMs: 30_000,
        name: 'the cluster has no other opinion',
      });
      await writesNothing(access, owned.nodeName);
      expect(await node(owned.nodeName)).toBeUndefined();
    } finally {
      await broker.stack.resume('authorizer');
    }
    await readsNothing(access, owned.nodeName);
    owned = next;
    access = await join(next);
  });

  chapter('after its provider is retired, a node can write nothing and renew nothing', async () => {
    await retire(owned);
    await writesNothing(access, owned.nodeName);
    expect(await node(owned.nodeName)).toBeUndefined();
    await readsNothing(access, owned.nodeName);
    // Nor does whoever registers after that get the name for which a certificate is out.
    expect((await register(owned.providerId, owned.wallet)).nodeName).toBe('p-atlas-of-mine-3');
  });
});

describe('a stolen token of the broker', () => {
  const operators = 'node-restriction.kubernetes.io/worldland-operator';
  const dryRun = 'All';
  beforeAll(async () => {
    await admin.core.createNode({ body: { metadata: { name: 'mine-0', labels: { [operators]: 'true' } } } });
    await admin.core.createNode({ body: { metadata: { name: 'nobodys-0' } } });
    const own = { 'node-role.kubernetes.io/control-plane': '' };
    await admin.core.createNode({ body: { metadata: { name: 'cp-3', labels: own } } });
  });
  const attempts: Record<string, (kubernetes: Kubernetes) => Promise<unknown>> = {
    'delete an operator’s node': ({ core }) => core.deleteNode({ name: 'mine-0', dryRun }),
    'label an operator’s node': ({ core }) =>
      core.patchNode({ name: 'mine-0', body: { metadata: { labels: { a: 'b' } } }, dryRun }, mergePatch),
    'take the label from an operator’s node': ({ core }) =>
      core.patchNode({ name: 'mine-0', body: { metadata: { labels: { [operators]: null } } }, dryRun }, mergePatch),
    'take the control plane’s label from its node': ({ core }) =>
      core.patchNode(
        { name: 'cp-3', body: { metadata: { labels: { 'node-role.kubernetes.io/control-plane': null } } }, dryRun },
        mergePatch,
      ),
    'delete a node that no provider made': ({ core }) => core.deleteNode({ name: 'nobodys-0', dryRun }),
    'mark a node that no provider made as a provider’s': ({ core }) =>
      core.patchNode(
        { name: 'nobodys-0', body: { metadata: { labels: { [labels.placement]: 'a' } } }, dryRun },
        mergePatch,
      ),
  };
  test.each(Object.keys(attempts))('whoever steals the token of the broker cannot %s', async (name) => {
    await attempts[name]!(admin);
    const refused = await attempts[name]!(account).then(() => undefined, statusOf);
    expect(refused?.reason).toMatch(/^(Forbidden|Invalid)$/);
  });
});
