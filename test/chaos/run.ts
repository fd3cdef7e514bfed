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
import type { SealEntry } from '../../src/engines/simulated-provider/messages.js';
import { startStack, type Stack } from '../../src/engines/stack.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { workflowTypes } from '../../workflows/messages.js';
import { createBreaker, mendAndAwaitUse } from './broken-machines.js';
import { rentOnDoomed, rentUntilDone, type Fate, type JobStory } from './customers.js';
import type { RunLog } from './bills.js';
import { enoughHappened, happenedIn } from './floors.js';
import { beHostile, type Hit } from './hostile-kubelet.js';
import { lastPriceOf, registerOverAndOver } from './insistent-provider.js';
import { checkInvariants, type Finding } from './invariants.js';
import { killNowAndThen } from './kills.js';
import { startPodLog } from './pod-log.js';
import { readAsNode, type ReadingNode } from './reading-node.js';
import { startSampler } from './sampler.js';
import { createRandom, type Random } from '../support/random.js';
import { until } from '../support/until.js';

export interface ChaosOptions {
  seed: number;
  /** At least; customers go on renting until the last kill and the last hostile status are over. */
  jobs: number;
  kills: number;
  /** Pods that get a hostile status. */
  hostile: number;
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
  /** Hostile statuses by their name. */
  hits: Record<string, number>;
  happened: Record<string, number>;
}

const gpus = { model: 'NVIDIA GeForce RTX 4090', count: 8 };
/** Two workers and two relays: what one of them has begun when it dies, the other goes on with. */
const processes: Role[] = ['api', 'worker', 'worker', 'relay', 'relay', 'watcher', 'authorizer'];
/** The machine that dies for good. */
const doomed = 'chaos-doomed';
/** Cheaper than all others, and it starts nothing. */
const broken = 'chaos-broken';
/** The next in price; it starts nothing until it is mended. */
const flaky = 'chaos-flaky';
/** Registers over and over. */
const insistent = 'chaos-insistent';
const registrations = 1_000;
/** Of a GPU where nothing else is said; all else is free of charge. */
const usualPricePerHour = 0.5;
const pricesPerHour: Readonly<Record<string, number>> = { [broken]: 0.25, [flaky]: 0.3, [insistent]: 4 };
const gpuPricePerHour = (providerId: string) => pricesPerHour[providerId] ?? usualPricePerHour;

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
  JOB_STUCK_GRACE_S: '2',
  PROVIDER_OUT_S: '10',
};

/** Lets customers rent and machines serve while processes are killed, then looks whether anything is left, twice or lost. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, jobs, kills, hostile, customers = 6, withLoss = false, log = () => undefined } = options;
  const random = createRandom(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-chaos-'));
  const stack = await startStack({
    dataDir,
    processes,
    env: { ...process.env, ...memoryBounds, ...environment },
    log,
  });
  const { api, redis, kubeconfig, postgres } = stack.endpoints();
  const pods = startPodLog(kubeconfig!);
  const sampler = startSampler(postgres!, pods);
  const providers: SimulatedProvider[] = [];
  const stories: JobStory[] = [];
  const hits: Hit[] = [];
  let readingNode: ReadingNode | undefined;
  const deaths = new Map<string, { fromMs: number; toMs: number }>();
  const runLog: RunLog = {
    ...{ stories, pods, hits, sampler, gpuPricePerHour, deaths },
    brokenMachines: new Set([broken, flaky]),
    brokenThroughout: new Set([broken]),
    insistent: { providerId: insistent, lastPrice: lastPriceOf(registrations) },
  };
  try {
    const join_ = (providerId: string) => providers.push(provider(redis!, identity(api!, providerId)));
    for (const id of ['chaos-a', 'chaos-b', 'chaos-c', broken, flaky]) join_(id);
    if (withLoss) join_(doomed);
    const insister = identity(api!, insistent);
    providers.push(provider(redis!, insister));
    const nodes = await Promise.all(providers.map(({ joined }) => joined));
    readingNode = await readAsNode(kubeconfig!, nodes[0]!.nodeName);
    const breaker = createBreaker(kubeconfig!);
    const ofFlaky = nodes.find(({ providerId }) => providerId === flaky)!;
    const ofBroken = nodes.find(({ providerId }) => providerId === broken)!;
    for (const { nodeName } of [ofBroken, ofFlaky]) await breaker.setBroken(nodeName, true);
    // At random moments a machine that dies would stand empty: these three are on it, whatever the others do.
    const onDoomed: Promise<void>[] = [];
    const sessions = await Promise.all(Array.from({ length: customers }, () => newSession(api!)));
    log(
      `seed ${seed}: ${jobs} jobs by ${customers} customers on ${providers.length} machines, ${kills} kills, ${hostile} hostile statuses`,
    );

    const counts: Record<string, number> = {};
    if (withLoss) {
      for (let n = 0; n < 3; n++) onDoomed.push(rentOnDoomed(sessions[0]!, doomed, n, stories));
      await until(() => stories.filter(({ ran }) => ran).length === 3, {
        timeoutMs: 60_000,
        name: 'the jobs on the machine that is to die run',
      });
    }
    let given = 0;
    let killed = false;
    let lied = false;
    let mended = false;
    const next = () => (given < jobs || !killed || !lied || !mended ? given++ : undefined);
    const fateOf = (jobId: string): Fate => {
      const hit = hits.find((each) => each.jobId === jobId && each.sure);
      if (hit === undefined) return lied ? 'spared' : 'open';
      return hit.end === undefined ? 'spared' : 'over';
    };
    const working = Promise.all(
      sessions.map((session, index) => rentUntilDone(session, createRandom(seed + index + 1), next, fateOf, stories)),
    );
    const killing = killNowAndThen(stack, random, kills, counts, log).finally(() => (killed = true));
    const lying = beHostile({
      ...{ kubeConfigPath: kubeconfig!, pods, random: createRandom(seed - 1), count: hostile, hits, log },
      isServed: (podUid) => sampler.isServed(podUid),
      spare: new Set([doomed]),
    }).finally(() => (lied = true));
    const rentAsNewcomer = async () => {
      // The API may have been killed at this moment; somebody else comes soon.
      const session = await newSession(api!).catch(() => undefined);
      const numbers = [given++];
      const rent = (random: Random) => rentUntilDone(session!, random, () => numbers.pop(), fateOf, stories);
      if (session !== undefined) await rent(createRandom(seed - given - 1));
    };
    const mending = mendAndAwaitUse(breaker, ofFlaky, stories, rentAsNewcomer, log).finally(() => (mended = true));
    const registering = registerOverAndOver(redis!, { ...insister, gpus }, registrations);
    // Somebody joins in the middle of it, and somebody goes.
    await sleep(5_000);
    join_('chaos-late');
    if (withLoss) {
      const fromMs = Date.now();
      const dying = providers.find(({ providerId }) => providerId === doomed)!;
      dying.stopHeartbeats();
      await dying.stopNode().catch(() => undefined);
      deaths.set(doomed, { fromMs, toMs: Date.now() });
    }
    await Promise.all([working, killing, lying, registering]);
    const unmended = await mending;
    const alive = stories.filter(({ status }) => status === 'unknown').length;
    if (alive > 0) log(`the customers of the others are done; ${alive} wait for the loss of the machine that died`);
    await Promise.all(onDoomed);
    await Promise.all(providers.map(({ joined }) => joined));
    log(`${stories.length} jobs are over; waiting until everything is quiet`);
    await sampler.stop();
    const read = await readingNode.stop();
    const findings = await whenQuiet(stack, runLog);
    findings.push(read, enoughHappened(runLog, { jobs, hostile }), await reconcile(stack));
    findings.push({ invariant: 'a machine that was mended serves again', violations: unmended, isLasting: true });
    return { findings, stories, kills: counts, hits: byName(hits), happened: happenedIn(runLog) };
  } finally {
    await Promise.all([sampler.stop().catch(() => undefined), pods.stop(), readingNode?.stop()]);
    await Promise.all(providers.map((each) => each.stop()));
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function byName(hits: readonly Hit[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of hits) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** The invariants hold at rest; what is still on its way gets a while. */
async function whenQuiet(stack: Stack, runLog: RunLog): Promise<Finding[]> {
  for (const deadline = Date.now() + 180_000; ; await sleep(2_000)) {
    const findings = await checkInvariants(stack.endpoints(), runLog);
    const mayPass = findings.some(({ violations, isLasting }) => violations.length > 0 && isLasting !== true);
    if (!mayPass || Date.now() > deadline) return findings;
  }
}

/** Has the reconciler look once more: it must get to see everything, and find nothing to repair. */
async function reconcile(stack: Stack): Promise<Finding> {
  const { temporal, temporal_namespace: namespace } = stack.endpoints();
  const connection = await Connection.connect({ address: temporal! });
  try {
    const client = new Client({ connection, namespace: namespace! });
    const { repairs, failures } = await client.workflow.execute<() => Promise<ReconcilerReport>>(
      workflowTypes.fleetReconciler,
      { workflowId: `chaos-reconciler-${Date.now()}`, taskQueue: 'broker', args: [] },
    );
    const repaired = Object.entries(repairs).flatMap(([kind, count]) => (count > 0 ? [`${count} × ${kind}`] : []));
    return {
      invariant: 'the reconciler sees everything, and has nothing to repair',
      violations: [...repaired, ...failures],
    };
  } finally {
    await connection.close();
  }
}

/** Who a provider is, and how all that it says is signed. */
interface Identity {
  providerId: string;
  wallet: string;
  sign: SealEntry;
}

function identity(audience: string, providerId: string): Identity {
  const wallet = privateKeyToAccount(generatePrivateKey());
  const nodeKey = privateKeyToAccount(generatePrivateKey());
  return { providerId, wallet: wallet.address, sign: providerSigner({ wallet, nodeKey, chainId: 1, audience }) };
}

function provider(redisUrl: string, who: Identity): SimulatedProvider {
  return startSimulatedProvider({
    redisUrl,
    ...who,
    gpus,
    gpuPricePerHour: gpuPricePerHour(who.providerId),
    heartbeatIntervalMs: 5_000,
    approvalTimeoutMs: 240_000,
  });
}

async function newSession(api: string): Promise<Session> {
  return await login({ api, account: privateKeyToAccount(generatePrivateKey()), spendLimit: 10n ** 24n });
}
