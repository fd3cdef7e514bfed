import { setTimeout as sleep } from 'node:timers/promises';
import { isCode, type WorldLand } from '../../src/client/index.js';
import type { SimulatedProvider } from '../simulated-provider/provider.js';
import { machines, restless } from './machines.js';
import { logIn, newSshPublicKey } from './customer.js';
import type { DemoWallet } from './keys.js';

/** GPUs that are left to whoever looks: the demo is for renting. */
const leftFree = 2;
const names = ['train', 'eval', 'render', 'finetune', 'notebook', 'batch', 'inference', 'sweep'];
const pricesEveryMs = 12_000;
const priceWithin = 0.15;
const rentEveryMs = 9_000;
const jobLastsMs = { least: 40_000, most: 240_000 };
const awayMs = 150_000;
const hereMs = 240_000;

/** A market in which something happens, until `signal` ends it. Nothing in it is awaited: what fails is tried again. */
export function makeLively(
  { signal, ...site }: { api: string; audience: string; signal: AbortSignal },
  { providers, customers }: { providers: readonly SimulatedProvider[]; customers: readonly DemoWallet[] },
): void {
  const again = async (what: () => Promise<void>) => {
    while (!signal.aborted) await what().catch(() => sleep(5_000, undefined, { signal }).catch(() => undefined));
  };
  const pause = (ms: number) => sleep(ms, undefined, { signal, ref: false });
  void again(() => movePrices(providers, pause));
  void again(() => goAndCome(providers, pause));
  for (const wallet of customers) void again(() => rentForAWhile(site, wallet, pause));
}

type Pause = (ms: number) => Promise<void>;

/** One price after another moves a little, and stays near to where it began. */
async function movePrices(providers: readonly SimulatedProvider[], pause: Pause): Promise<void> {
  await pause(pricesEveryMs);
  const provider = anyOf(providers);
  const { gpuPricePerHour: usual } = machines.find(({ providerId }) => providerId === provider.providerId)!;
  const price = usual * (1 + (Math.random() * 2 - 1) * priceWithin);
  await provider.reportPrice(Math.round(price * 100) / 100);
}

/** A machine that loses its line, and has it again. */
async function goAndCome(providers: readonly SimulatedProvider[], pause: Pause): Promise<void> {
  const provider = providers.find(({ providerId }) => providerId === restless)!;
  await pause(hereMs);
  try {
    provider.stopHeartbeats();
    await provider.stopNode();
    await pause(awayMs);
  } finally {
    await provider.startNode();
    provider.startHeartbeats();
    await provider.beat();
  }
}

/** A customer who rents this and that, and ends it after some minutes. */
async function rentForAWhile(site: { api: string; audience: string }, wallet: DemoWallet, pause: Pause): Promise<void> {
  const client = await logIn(site, wallet);
  // What an earlier run of the demo left.
  for await (const { job_id } of client.jobs.list({ status: 'active' })) await client.jobs.end(job_id);
  for (;;) {
    await pause(rentEveryMs * (0.5 + Math.random()));
    const job = await rentSomething(client);
    if (job === undefined) continue;
    await pause(jobLastsMs.least + Math.random() * (jobLastsMs.most - jobLastsMs.least));
    await client.jobs.end(job);
  }
}

async function rentSomething(client: WorldLand): Promise<string | undefined> {
  const { gpu_types: types } = await client.market.now();
  const roomy = types.filter(({ free }) => free > leftFree);
  if (roomy.length === 0) return undefined;
  const { gpu_type, most_at_one_provider: most } = anyOf(roomy);
  try {
    const { job } = await client.jobs.create(
      {
        ...{ gpu_type, gpu_count: Math.min(most, 1 + Math.floor(Math.random() * 2)), job_name: anyOf(names) },
        ...{ cpu_cores: 2, memory_gb: 8, storage_gb: 10, duration_hours: 1 },
        ssh_public_keys: [newSshPublicKey()],
      },
      { wait: 20 },
    );
    return job.job_id;
  } catch (error) {
    // Somebody else was faster.
    if (isCode(error, 'no_capacity')) return undefined;
    throw error;
  }
}

const anyOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;
