import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryBounds, type BrokerProcess } from '../../engines/broker.js';
import type { SimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { startStack } from '../../engines/stack.js';
import { createRandom, type Random } from '../support/random.js';
import { until } from '../support/until.js';
import type { RunLog } from './bills.js';
import { startChainSide } from './chain/chain-side.js';
import type { ChainHappened } from './chain/chain-floors.js';
import { newAccount } from './chain/customers.js';
import { createBreaker, mendAndAwaitUse } from './broken-machines.js';
import { rentOn, rentUntilDone, type Fate, type JobStory } from './customers.js';
import { enoughHappened, happenedIn } from './floors.js';
import { beHostile, type Hit } from './hostile-kubelet.js';
import { lastPriceOf, registerOverAndOver } from './insistent-provider.js';
import type { Finding } from './invariant-names.js';
import { killNowAndThen, type Outage } from './kills.js';
import { passwordsOf, secretsOf } from './leaks.js';
import { logHistories } from './job-histories.js';
import { createLive } from './live.js';
import { checkAtTheEnd } from './final-checks.js';
import * as machines from './machines.js';
import { newCustomer } from './new-customer.js';
import type { ChaosOptions, ChaosResult } from './options.js';
import { startPodLog } from './pod-log.js';
import { plantServiceSoon } from './repairs.js';
import { readAsNode, type ReadingNode } from './reading-node.js';
import { startSampler } from './sampler.js';
import { fallSilent, type Silence } from './silent-machine.js';

/** Two workers and two relays: when one of them dies, the other continues its work. */
const usualProcesses: readonly BrokerProcess[] = ['api', 'worker', 'worker', 'relay', 'relay', 'watcher', 'authorizer'];
/** A machine on which customers rent throughout. */
const steady = 'chaos-a';

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
  // Longer than a scheduler on a slow machine may take to hear of freed capacity.
  JOB_STUCK_GRACE_S: '5',
  PROVIDER_OUT_S: '10',
};

/**
 * Lets customers rent and machines serve while processes are killed, then checks whether anything is left over,
 * duplicated or lost.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, jobs, kills, victims, hostile, customers = 6, withLoss = false, withBroken = true } = options;
  const {
    processes = usualProcesses,
    registrations = 1_000,
    silentForMs,
    env = {},
    giveUpAfterMs,
    quietWithinMs = 180_000,
    log = () => undefined,
  } = options;
  const random = createRandom(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-chaos-'));
  const live = createLive(log);
  const chain =
    options.chain === undefined
      ? undefined
      : await startChainSide({ seed, live, log, isCalm: options.chain === 'calm', main: options.env?.['BROKER_MAIN'] });
  const stack = await startStack({
    dataDir,
    isTemporary: true,
    processes,
    env: { ...process.env, ...memoryBounds, ...environment, ...chain?.env, ...env },
    log,
  });
  const { api, redis, kubeconfig, postgres } = stack.endpoints();
  const { ended } = live;
  const timer = setTimeout(() => live.giveUp('its time is over'), giveUpAfterMs ?? 2 ** 31 - 1);
  const outages: Outage[] = [];
  const pods = startPodLog(kubeconfig!, live);
  const sampler = startSampler(postgres!, pods, outages, live);
  const providers: SimulatedProvider[] = [];
  const stories: JobStory[] = [];
  const hits: Hit[] = [];
  const secrets: Record<string, string> = passwordsOf(stack.endpoints());
  Object.assign(secrets, chain?.secrets);
  secrets['the key of receipts'] = readFileSync(join(dataDir, 'receipt.key'), 'utf8').trim().slice(2);
  let readingNode: ReadingNode | undefined;
  const deaths = new Map<string, { fromMs: number; toMs: number }>();
  const silences = new Map<string, Silence>();
  const runLog: RunLog = {
    ...{ stories, pods, hits, sampler, outages, secrets, deaths, silences },
    gpuPricePerHour: machines.gpuPricePerHour,
    brokenMachines: new Set(withBroken ? [machines.broken, machines.flaky] : []),
    brokenThroughout: new Set(withBroken ? [machines.broken] : []),
    insistent: { providerId: machines.insistent, lastPrice: lastPriceOf(registrations) },
  };
  let onChain: ChainHappened | undefined;
  let found: readonly Finding[] = [];
  const result = (findings: Finding[]): ChaosResult => {
    found = findings;
    const endedBecause = live.endedBecause();
    return {
      ...{ findings, stories, happened: happenedIn(runLog) },
      ...(onChain === undefined ? {} : { onChain }),
      kills: countOf(outages.map(({ name }) => name)),
      hits: countOf(hits.map(({ name }) => name)),
      ...(endedBecause === undefined ? {} : { endedBecause }),
    };
  };
  const newOne = async (account = newAccount(), funds = true) => {
    const customer = await newCustomer(api!, live, secrets, account);
    if (funds) await chain?.fund(customer, account);
    return customer;
  };
  /** A customer rents on the machine from before it falls silent until it is heard again. */
  const fallenSilent = async (forMs: number) => {
    const isOn = () => stories.some(({ ran, told }) => ran && told.providerId === machines.silent);
    const fate = (): Fate => (silences.has(machines.silent) ? 'spared' : 'open');
    const renting = rentOn(await newOne(), machines.silent, 'be on a machine that falls silent', 0, fate, stories);
    while (!isOn() && !ended.aborted) await sleep(100);
    const provider = providers.find(({ providerId }) => providerId === machines.silent)!;
    silences.set(machines.silent, await fallSilent(provider, forMs, sampler.awayNow, ended));
    await renting;
  };
  try {
    await chain?.begin(stack.endpoints(), dataDir);
    const start = (who: machines.Identity) => {
      providers.push(machines.startMachine(redis!, who));
      chain?.addPayee(who.account);
    };
    const join_ = (providerId: string) => start(machines.identity(api!, providerId));
    for (const id of [steady, 'chaos-b', 'chaos-c']) join_(id);
    if (withBroken) for (const id of [machines.broken, machines.flaky]) join_(id);
    if (withLoss) join_(machines.doomed);
    if (silentForMs !== undefined) join_(machines.silent);
    const insister = machines.identity(api!, machines.insistent);
    start(insister);
    const nodes = await Promise.all(providers.map(({ joined }) => joined));
    for (const { providerId, joinCommand } of nodes)
      secrets[`join token of ${providerId}`] = machines.secretOfJoinCommand(joinCommand);
    readingNode = await readAsNode(kubeconfig!, nodes[0]!.nodeName);
    const breaker = createBreaker(kubeconfig!);
    const nodeOf = (id: string) => nodes.find(({ providerId }) => providerId === id)!;
    if (withBroken)
      for (const id of [machines.broken, machines.flaky]) await breaker.setBroken(nodeOf(id).nodeName, true);
    // Left to chance, a dying machine might be empty: these three jobs run on it, whatever the others do.
    const onDoomed: Promise<void>[] = [];
    const renting = await Promise.all(Array.from({ length: customers }, () => newOne()));
    log(
      `seed ${seed}: ${jobs} jobs by ${customers} customers on ${providers.length} machines, ${kills} kills, ${hostile} hostile statuses`,
    );

    if (withLoss) {
      for (let n = 0; n < 3; n++)
        onDoomed.push(rentOn(renting[0]!, machines.doomed, 'be on a machine that dies', n, () => 'open', stories));
      await until(() => stories.filter(({ ran }) => ran).length === 3, {
        timeoutMs: 120_000,
        name: 'the jobs on the machine that is to die run',
      });
    }
    let given = 0;
    let killed = false;
    let lied = false;
    let mended = !withBroken;
    const goesOn = () => !ended.aborted && (given < jobs || !killed || !lied || !mended);
    const next = () => (goesOn() ? given++ : undefined);
    const fateOf = (jobId: string): Fate => {
      const hit = hits.find((each) => each.jobId === jobId && each.sure);
      if (hit === undefined) return lied ? 'spared' : 'open';
      return hit.end === undefined ? 'spared' : 'over';
    };
    const working = Promise.all(
      renting.map((customer, index) => rentUntilDone(customer, createRandom(seed + index + 1), next, fateOf, stories)),
    );
    chain?.spend((account) => newOne(account, false), stories);
    const over = new AbortController();
    const planting = plantServiceSoon(kubeconfig!, AbortSignal.any([ended, over.signal]));
    const killing = killNowAndThen({
      ...{ stack, random, kills, outages, ended, log },
      ...(victims === undefined ? {} : { among: victims }),
      ...(chain === undefined ? {} : { workers: chain.workersMoment }),
    }).finally(() => (killed = true));
    const lying = beHostile({
      ...{ kubeConfigPath: kubeconfig!, pods, random: createRandom(seed - 1), count: hostile, hits, ended, log },
      isServed: (podUid) => sampler.isServed(podUid),
      // Few jobs are to expire, and with bad luck every one of them would be lied about.
      isSpared: ({ nodeName, jobId }) =>
        nodeName === machines.doomed || stories.some((story) => story.jobId === jobId && story.plan === 'expire'),
    }).finally(() => (lied = true));
    const rentAsNewcomer = async () => {
      // The API may be down at this moment; another customer comes soon.
      const customer = await newOne().catch(() => undefined);
      const numbers = [given++];
      const rent = (random: Random) => rentUntilDone(customer!, random, () => numbers.pop(), fateOf, stories);
      if (customer !== undefined) await rent(createRandom(seed - given - 1));
    };
    const mending = withBroken
      ? mendAndAwaitUse(breaker, nodeOf(machines.flaky), stories, rentAsNewcomer, ended, log)
      : Promise.resolve([]);
    void mending.catch(() => undefined).finally(() => (mended = true));
    const registering = registerOverAndOver(redis!, { ...insister, gpus: machines.gpus }, registrations);
    // In the middle of it, one machine joins and one dies.
    await sleep(5_000);
    join_('chaos-late');
    if (withLoss) {
      const fromMs = Date.now();
      const dying = providers.find(({ providerId }) => providerId === machines.doomed)!;
      dying.stopHeartbeats();
      await dying.stopNode().catch(() => undefined);
      deaths.set(machines.doomed, { fromMs, toMs: Date.now() });
    }
    const falling = silentForMs === undefined ? undefined : fallenSilent(silentForMs);
    await Promise.all([working, killing, lying, registering, falling]);
    const unmended = await mending;
    await chain?.calm();
    const alive = stories.filter(({ status }) => status === 'unknown').length;
    if (withLoss && alive > 0)
      log(`the customers of the others are done; ${alive} wait for the loss of the machine that died`);
    await Promise.all(onDoomed);
    over.abort();
    clearTimeout(timer);
    const isWrong = () => live.findings().some(({ violations }) => violations.length > 0);
    // The violation that ended it is enough; everything else is incomplete.
    onChain = await chain?.happened();
    if (isWrong()) return result(live.findings());
    await Promise.all(providers.map(({ joined }) => joined));
    log(`${stories.length} jobs are over; waiting until everything is quiet`);
    await sampler.stop();
    const findings = [await readingNode.stop(), enoughHappened(runLog, { jobs, hostile })];
    if (withBroken) findings.push({ invariant: 'mended', violations: unmended, isLasting: true });
    if (chain !== undefined) findings.push(await chain.enough(kills));
    Object.assign(secrets, secretsOf(stories));
    const checked = await checkAtTheEnd({
      ...{ endpoints: stack.endpoints(), runLog, quietWithinMs, withLoss, chain },
      logFolder: join(dataDir, 'logs'),
      planted: await planting,
      providerId: steady,
    });
    return result([...live.findings(), ...findings, ...checked]);
  } catch (error) {
    // What was found ends everything that is under way, and some of it says so by an error.
    if (live.findings().every(({ violations }) => violations.length === 0)) throw error;
    return result(live.findings());
  } finally {
    clearTimeout(timer);
    live.close();
    await logHistories(stack.endpoints(), found, log);
    await Promise.all([sampler.stop().catch(() => undefined), pods.stop(), readingNode?.stop()]);
    await Promise.all(providers.map((each) => each.stop()));
    await chain?.stop();
    await stack.stop();
  }
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
