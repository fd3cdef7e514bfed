import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { login, type Session } from '../../src/auth/client.js';
import { providerSigner } from '../../src/auth/provider-client.js';
import type { Role } from '../../src/config.js';
import { memoryBounds } from '../../src/engines/broker.js';
import { startSimulatedProvider, type SimulatedProvider } from '../../src/engines/simulated-provider/provider.js';
import { startStack, type Stack } from '../../src/engines/stack.js';
import { workflowTypes } from '../../workflows/messages.js';
import { rentOnDoomed, rentUntilDone, type JobStory } from './customers.js';
import { checkInvariants, type Finding } from './invariants.js';
import { createRandom, type Random } from '../support/random.js';

export interface ChaosOptions {
  seed: number;
  /** At least; customers go on renting until the last kill is over. */
  jobs: number;
  kills: number;
  /** Customers that rent at the same time. */
  customers?: number;
  /** Whether one machine dies for good in the middle, which takes some minutes to be over with. */
  withLoss?: boolean;
  log?: (line: string) => void;
}

export interface ChaosResult {
  findings: Finding[];
  stories: JobStory[];
  kills: Record<string, number>;
  /** What the reconciler repaired in a run after everything was quiet; all 0 when nothing was left to repair. */
  repairsAfterQuiet: Record<string, number>;
}

/** Two workers and two relays: what one of them has begun when it dies, the other goes on with. */
const processes: Role[] = ['api', 'worker', 'worker', 'relay', 'relay', 'watcher'];
/** Roles more often than engines, as in life. */
const victims = [
  ...['api', 'worker', 'worker-2', 'relay', 'relay-2', 'watcher', 'worker', 'worker-2', 'relay', 'watcher'],
  ...['redis', 'postgres', 'temporal', 'kube-apiserver'],
];

const environment = {
  RATE_LIMIT_PER_IP: '1000000',
  RATE_LIMIT_READS: '1000000',
  RATE_LIMIT_WRITES: '1000000',
  RATE_LIMIT_JOBS: '1000000',
  MAX_STARTING_JOBS_PER_WALLET: '100000',
  MAX_UNREADY_STARTS_PER_HOUR: '100000',
  JOB_MIN_DURATION_S: '5',
  // Longer than any outage here: only a machine that is really gone may count as lost.
  HEARTBEAT_TIMEOUT_S: '45',
  PROVIDER_LOSS_GRACE_S: '20',
  LOST_POD_GRACE_S: '10',
};

/** Lets customers rent and machines serve while processes are killed, then looks whether anything is left, twice or lost. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, jobs, kills, customers = 6, withLoss = false, log = () => undefined } = options;
  const random = createRandom(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-chaos-'));
  const stack = await startStack({
    dataDir,
    processes,
    env: { ...process.env, ...memoryBounds, ...environment },
    log,
  });
  const providers: SimulatedProvider[] = [];
  const doomed = new Set<string>();
  try {
    const { api, redis } = stack.endpoints();
    const join_ = (providerId: string) => providers.push(provider(redis!, api!, providerId));
    for (const id of ['chaos-a', 'chaos-b', 'chaos-c']) join_(id);
    if (withLoss) join_('chaos-doomed');
    await Promise.all(providers.map(({ joined }) => joined));
    // At random moments a machine that dies would stand empty: these three are on it, whatever the others do.
    const onDoomed: Promise<void>[] = [];
    const sessions = await Promise.all(Array.from({ length: customers }, () => newSession(api!)));
    log(`seed ${seed}: ${jobs} jobs by ${customers} customers on ${providers.length} machines, ${kills} kills`);

    const stories: JobStory[] = [];
    const counts: Record<string, number> = {};
    if (withLoss) {
      for (let n = 0; n < 3; n++) onDoomed.push(rentOnDoomed(sessions[0]!, 'chaos-doomed', n, stories));
      await until(() => stories.filter(({ ran }) => ran).length === 3);
    }
    let given = 0;
    let killed = false;
    const next = () => (given < jobs || !killed ? given++ : undefined);
    const working = Promise.all(
      sessions.map((session, index) => rentUntilDone(session, createRandom(seed + index + 1), next, stories)),
    );
    const killing = kill(stack, random, kills, counts, log).finally(() => (killed = true));
    // Somebody joins in the middle of it, and somebody goes.
    await sleep(5_000);
    join_('chaos-late');
    if (withLoss) {
      doomed.add('chaos-doomed');
      const dying = providers.find(({ providerId }) => providerId === 'chaos-doomed')!;
      dying.stopHeartbeats();
      await dying.stopNode().catch(() => undefined);
    }
    await Promise.all([working, killing]);
    const alive = stories.filter(({ status }) => status === 'unknown').length;
    if (alive > 0) log(`the customers of the others are done; ${alive} wait for the loss of the machine that died`);
    await Promise.all(onDoomed);
    await Promise.all(providers.map(({ joined }) => joined));
    log(`${stories.length} jobs are over; waiting until everything is quiet`);
    const findings = await whenQuiet(stack, stories, doomed);
    return { findings, stories, kills: counts, repairsAfterQuiet: await reconcile(stack) };
  } finally {
    await Promise.all(providers.map((each) => each.stop()));
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Kills somebody every now and then, and lets them come back; never a second one before the first is up again. */
async function kill(
  stack: Stack,
  random: Random,
  kills: number,
  counts: Record<string, number>,
  log: (line: string) => void,
): Promise<void> {
  for (let done = 0; done < kills; done++) {
    await sleep(random.whole(200, 2_000));
    const victim = random.pick(victims);
    counts[victim] = (counts[victim] ?? 0) + 1;
    log(`SIGKILL ${victim}`);
    stack.kill(victim);
    // The supervisor starts it again; a moment, so that the old one's readiness is not taken for the new one's.
    await sleep(200);
    await stack.awaitReady(victim);
  }
}

async function until(what: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !what() && Date.now() < deadline;) await sleep(100);
}

/** The invariants hold at rest; what is still on its way gets a while. */
async function whenQuiet(stack: Stack, stories: readonly JobStory[], doomed: ReadonlySet<string>): Promise<Finding[]> {
  for (const deadline = Date.now() + 180_000; ; await sleep(2_000)) {
    const findings = await checkInvariants(stack.endpoints(), stories, doomed);
    if (findings.every(({ violations }) => violations.length === 0) || Date.now() > deadline) return findings;
  }
}

/** Has the reconciler look once more, and answers what it repaired. */
async function reconcile(stack: Stack): Promise<Record<string, number>> {
  const { temporal, temporal_namespace: namespace } = stack.endpoints();
  const connection = await Connection.connect({ address: temporal! });
  try {
    const client = new Client({ connection, namespace: namespace! });
    const handle = await client.workflow.start(workflowTypes.fleetReconciler, {
      workflowId: `chaos-reconciler-${Date.now()}`,
      taskQueue: 'broker',
      args: [],
    });
    const result = (await handle.result()) as unknown as { repairs?: Record<string, number> };
    return result.repairs ?? {};
  } finally {
    await connection.close();
  }
}

function provider(redisUrl: string, audience: string, providerId: string): SimulatedProvider {
  const wallet = privateKeyToAccount(generatePrivateKey());
  const nodeKey = privateKeyToAccount(generatePrivateKey());
  return startSimulatedProvider({
    redisUrl,
    providerId,
    wallet: wallet.address,
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 8 },
    heartbeatIntervalMs: 5_000,
    approvalTimeoutMs: 240_000,
    sign: providerSigner({ wallet, nodeKey, chainId: 1, audience }),
  });
}

async function newSession(api: string): Promise<Session> {
  return await login({ api, account: privateKeyToAccount(generatePrivateKey()), spendLimit: 10n ** 24n });
}
