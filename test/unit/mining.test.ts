import { describe, expect, test } from '@jest/globals';
import { changedMiningConfig, miningProblems, planMining, type MiningSituation } from '../../src/domain/mining.js';
import { miningConfigSchema, noWallet } from '../../src/domain/registration.js';
import { minersDeployment, minersSecret, miningNetworkPolicy } from '../../src/kubernetes/manifests/mining.js';
import { observeMiner } from '../../src/kubernetes/observe.js';

const policy = { imageAllowlist: ['docker.io/mingeyom/worldland-mio:*'] };
const wallet = `0x${'1'.repeat(40)}`;

/** What the field's SDK sends by default. */
const sdkConfig = {
  image: 'mingeyom/worldland-mio:latest',
  gpu_count: 4,
  cpu_cores: 8,
  memory_mb: 16_384,
  wallet_address: `0x${'2'.repeat(40)}`,
  bootnodes: [],
  network_id: 10_396,
  node_data_dir: '/data/worldland',
  p2p_port: 30_303,
  rpc_enabled: true,
  rpc_port: 8_545,
};
const config = (changes: object = {}) => miningConfigSchema.parse({ ...sdkConfig, ...changes });

const situation = (changes: Partial<MiningSituation> = {}): MiningSituation => ({
  status: 'available',
  cordoned: false,
  enabled: true,
  wallet,
  config: config(),
  gpus: 8,
  ...changes,
});

function planned(changes: Partial<MiningSituation> = {}) {
  const plan = planMining(situation(changes), policy);
  if (plan.miner === undefined) throw new Error(plan.reason);
  return plan;
}

function refused(changes: Partial<MiningSituation>, imageAllowlist = policy.imageAllowlist): string {
  const plan = planMining(situation(changes), { imageAllowlist });
  return plan.miner === undefined ? plan.reason : `${plan.miners} miners`;
}

describe('how many miners a provider has', () => {
  test('a provider gets as many miners as it asks for, up to its GPUs', () => {
    expect(planned().miners).toBe(4);
    expect(planned({ gpus: 3 }).miners).toBe(3);
  });

  test('a provider that does not say how many gets one miner', () => {
    expect(planned({ config: config({ gpu_count: 0 }) }).miners).toBe(1);
  });

  test.each<[string, Partial<MiningSituation>, RegExp]>([
    ['it did not ask for mining', { config: null }, /no mining_config/],
    ['its owner stopped it', { enabled: false }, /its owner stopped it/],
    ['it is offline', { status: 'offline' }, /the provider is offline/],
    ['it is closed for new work', { cordoned: true }, /takes nothing new/],
    ['the cluster counts none of its GPUs', { gpus: 0 }, /counts none of its GPUs/],
    ['nobody can be paid', { config: config({ wallet_address: '' }), wallet: noWallet }, /no wallet_address/],
  ])('a provider gets no miners when %s', (_, changes, reason) => {
    expect(refused(changes)).toMatch(reason);
  });

  test('a provider gets no miners on a site that lists no image', () => {
    expect(refused({}, [])).toMatch(/mining is off on this site/);
  });
});

describe('a miner', () => {
  test('a miner gets an equal share of what the owner gives, even when the machine has fewer GPUs', () => {
    expect(planned().miner).toMatchObject({ cpuMillis: 2_000, memoryMb: 4_096 });
    expect(planned({ gpus: 1 }).miner).toMatchObject({ cpuMillis: 2_000, memoryMb: 4_096 });
  });

  test('a miner mines for the named wallet, or else for the provider’s', () => {
    expect(planned().miner.args).toEqual(expect.arrayContaining(['--miner.etherbase', sdkConfig.wallet_address]));
    expect(planned({ config: config({ wallet_address: '' }) }).miner.args).toEqual(
      expect.arrayContaining(['--miner.etherbase', wallet]),
    );
  });

  test('the broker’s flags of a miner come after a stranger’s, so that they win', () => {
    const { args } = planned({ config: config({ extra_args: ['--cache', '512'] }) }).miner;
    expect(args.slice(0, 2)).toEqual(['--cache', '512']);
    expect(args.slice(args.indexOf('--datadir'))).toEqual([
      '--datadir',
      '/data/worldland',
      '--syncmode',
      'full',
      '--port',
      '30303',
      '--networkid',
      '10396',
    ]);
  });
});

describe('a mining configuration', () => {
  test('a mining configuration as the SDK sends it by default is accepted', () => {
    expect(miningProblems(config(), policy)).toEqual([]);
  });

  const node = `enode://${'a'.repeat(128)}@198.51.100.7:30303`;
  test.each<[string, object]>([
    ['a library that is loaded', { env_vars: { LD_PRELOAD: '/x.so' } }],
    ['programs from elsewhere', { env_vars: { PATH: '/data/bin' } }],
    ['a script that each shell runs', { env_vars: { BASH_ENV: '/data/x.sh' } }],
    ['GPUs beyond the one', { env_vars: { NVIDIA_VISIBLE_DEVICES: 'all' } }],
    ['a name that is no variable', { env_vars: { 'a b': '' } }],
    ['an image that is not listed', { image: 'docker.io/other/miner:1' }],
    [
      'an image of the same name from elsewhere',
      { image: `registry.example.com/mingeyom/worldland-mio@sha256:${'0'.repeat(64)}` },
    ],
    ['something that is no image', { image: 'http://example.com/x' }],
    ['the root of the machine', { node_data_dir: '/' }],
    ['the way up', { node_data_dir: '/data/../etc' }],
    ['a socket of the machine', { node_data_dir: '/var/run/docker.sock' }],
    ['a relative path', { node_data_dir: 'data' }],
    ['a path with a variable', { node_data_dir: '/data/$(HOME)' }],
    ['the end of the flags', { extra_args: ['--'] }],
    ['a flag that the broker sets', { extra_args: ['-datadir', '/x'] }],
    ['an open RPC port', { extra_args: ['--http.addr=0.0.0.0'] }],
    ['a line break in an argument', { extra_args: ['--identity\n--ws'] }],
    ['a bootnode that smuggles a flag', { bootnodes: [`${node},--ws`] }],
  ])('a mining configuration with %s is rejected', (_, changes) => {
    expect(miningProblems(config(changes), policy)).toHaveLength(1);
  });

  test('a rejected mining configuration is not repeated in the error', () => {
    const changes = { extra_args: ['--http=secret'], env_vars: { LD_PRELOAD: 'secret' }, image: 'secret/secret:1' };
    expect(refused({ config: config(changes) })).not.toMatch(/secret/);
  });

  test('a mining configuration may have bootnodes of both kinds', () => {
    expect(miningProblems(config({ bootnodes: [node, `${node}?discport=30301`, 'enr:-abc_DEF'] }), policy)).toEqual([]);
  });

  test('a later message changes only the fields of a mining configuration that it contains', () => {
    const changed = changedMiningConfig(config(), miningConfigSchema.parse({ gpu_count: 2 }));
    expect(changed).toEqual({ ...config(), gpuCount: 2 });
  });
});

describe('the Deployment of a provider', () => {
  const { miners, miner } = planned({
    config: config({ extra_args: ['--identity=$(SECRET)'], env_vars: { SECRET: 'hidden' } }),
  });
  const deployment = minersDeployment('rig-7', miners, miner, '42', { storageGb: 50 });
  const pod = deployment.spec!.template.spec!;
  const [container] = pod.containers;

  test('there is one miner pod with one GPU for each GPU that mines', () => {
    expect(deployment.spec!.replicas).toBe(4);
    expect(container!.resources!.limits).toMatchObject({ 'nvidia.com/gpu': '1', cpu: '2000m', memory: '4096Mi' });
  });

  test('a miner yields to jobs, and soon', () => {
    expect(pod.priorityClassName).toBe('worldland-mining');
    expect(pod.terminationGracePeriodSeconds).toBeLessThanOrEqual(5);
  });

  test('a miner has no access to the machine and no rights in the cluster', () => {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(pod.hostNetwork ?? pod.hostPID ?? pod.hostIPC).toBeUndefined();
    expect(pod.volumes).toEqual([{ name: 'data', emptyDir: { sizeLimit: '50Gi' } }]);
    expect(container!.ports!.every(({ hostPort }) => hostPort === undefined)).toBe(true);
    expect(container!.securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    expect(pod.securityContext).toEqual({ seccompProfile: { type: 'RuntimeDefault' } });
  });

  test('a miner runs only on its provider’s node, by the label that kubelets cannot set', () => {
    expect(pod.nodeName).toBeUndefined();
    expect(pod.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!.nodeSelectorTerms).toEqual([
      {
        matchExpressions: [
          { key: 'node-restriction.kubernetes.io/worldland-provider-id', operator: 'In', values: ['rig-7'] },
        ],
      },
    ]);
  });

  test('a miner does not tolerate maintenance', () => {
    expect(pod.tolerations).toEqual([
      { key: 'worldland.io/dedicated-rental', operator: 'Exists', effect: 'NoSchedule' },
    ]);
  });

  test('a miner’s specification contains no value of the environment, and expands none', () => {
    expect(JSON.stringify(deployment)).not.toMatch(/hidden|aGlkZGVu/);
    expect(container!.args![0]).toBe('--identity=$$(SECRET)');
    expect(minersSecret('rig-7', miner).data).toEqual({ SECRET: Buffer.from('hidden').toString('base64') });
  });
});

test('miners are reachable only at the port of the mining network', () => {
  expect(miningNetworkPolicy([]).spec!.ingress).toEqual([
    {
      ports: [
        { port: 30_303, protocol: 'TCP' },
        { port: 30_303, protocol: 'UDP' },
      ],
    },
  ]);
});

describe('a miner is seen as', () => {
  const waitingBecause = (reason: string) => ({
    status: {
      phase: 'Running',
      containerStatuses: [
        { name: 'miner', image: '', imageID: '', ready: false, restartCount: 3, state: { waiting: { reason } } },
      ],
    },
  });
  test('a miner is running when its pod is ready', () => {
    expect(observeMiner({ status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })).toBe(
      'running',
    );
  });
  test('a miner is waiting while it has no GPU', () => {
    expect(
      observeMiner({ status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False' }] } }),
    ).toBe('waiting');
  });
  test('a miner is failing while it crashes or has no image', () => {
    expect(observeMiner(waitingBecause('CrashLoopBackOff'))).toBe('failing');
    expect(observeMiner(waitingBecause('ImagePullBackOff'))).toBe('failing');
  });
  test('a miner that is being deleted has no state', () => {
    const metadata = { deletionTimestamp: new Date() };
    expect(observeMiner({ metadata, status: { conditions: [{ type: 'Ready', status: 'True' }] } })).toBeUndefined();
  });
});
