import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PrivateKeyAccount } from 'viem';
import type { Endpoints } from '../../../engines/engine.js';
import { login } from '../../../src/client/session.js';
import { createRandom } from '../../support/random.js';
import type { JobStory } from '../customers.js';
import { plantBroker } from '../faults/plant.js';
import type { Finding } from '../invariant-names.js';
import type { Live } from '../live.js';
import type { Customer } from '../requests.js';
import { checkChainMoney } from './accounts.js';
import { startActors } from './actors.js';
import { enoughOnChain, happenedOnChain, type ChainHappened } from './chain-floors.js';
import { startChainSampler } from './chain-sampler.js';
import { fundAmply, newAccount, newPurse, noCustomerCounts, spendLittle, type Purse } from './customers.js';
import { createMoments } from './moments.js';
import { hurried, keepPace } from './pace.js';
import { startChainSite } from './site.js';
import { chainWallet } from './wallet.js';
import { startWeather } from './weather.js';

export interface ChainOptions {
  seed: number;
  live: Live;
  log: (line: string) => void;
  /** Whether nodes fail and lie, the chain takes blocks back, and the guardian vetoes. */
  isCalm: boolean;
  /** The broker's program, if it is not the usual one: by default it is one that waits less. */
  main: string | undefined;
}

/** What a run with a chain has beside the others. */
export type ChainSide = Awaited<ReturnType<typeof startChainSide>>;

/** How long customers go on until enough has happened. */
const enoughWithinMs = 300_000;
/** Customers who have little, beside those who have enough. */
const poor = 3;
/** How long a kill waits for a settlement to be under way. */
const settlesWithinMs = 45_000;

/** Starts the chain, and what the broker needs for it. Everything else begins with the stack. */
export async function startChainSide({ seed, live, log, isCalm, main }: ChainOptions) {
  const planted = main === undefined ? await plantBroker(hurried) : undefined;
  const site = await startChainSite({ keepsFee: seed % 3 === 2 });
  const random = createRandom(seed + 7_919);
  const moments = createMoments(createRandom(seed + 1));
  const purses: Purse[] = [];
  const counts = noCustomerCounts();
  const over = new AbortController();
  const payees: PrivateKeyAccount[] = [];
  const admin = newAccount();
  let killsWhileSettling = 0;
  let begun: Awaited<ReturnType<typeof begin>> | undefined;

  /** The API may be down at this moment. */
  async function insistOn<T>(what: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await what();
      } catch (error) {
        if (live.ended.aborted || over.signal.aborted) throw error;
        await sleep(1_000);
      }
    }
  }
  const newChainPurse = (account: PrivateKeyAccount) => {
    const purse = newPurse(site, account, live.ended);
    purses.push(purse);
    return purse;
  };

  async function begin(endpoints: Endpoints, dataDir: string) {
    const pace = keepPace(endpoints);
    const database = new pg.Pool({ connectionString: endpoints.postgres!, max: 2, connectionTimeoutMillis: 2_000 });
    database.on('error', () => undefined);
    const logFolder = join(dataDir, 'logs');
    const weather = startWeather({ site, random, logFolder, live, log, isCalm });
    weather.watch((asked) => moments.watch(asked));
    const resume = operatorWhoResumes(endpoints.api!, admin);
    const actors = startActors({ site, random: createRandom(seed + 2), live, log, resume, isCalm });
    for (const account of payees) actors.addPayee(account);
    const mayOwe = () => purses.filter(({ hasExited }) => hasExited).map(({ wallet }) => wallet.address);
    const sampler = startChainSampler({ site, postgres: endpoints.postgres!, live, victim: weather.victim, mayOwe });
    return { pace, database, weather, actors, sampler, endpoints, spending: [] as Promise<void>[] };
  }
  const running = () => {
    if (begun === undefined) throw new TypeError('the chain has not begun');
    return begun;
  };

  async function isSettling(): Promise<boolean> {
    const { rowCount } = await running().database.query(
      `select from batches where status not in ('final', 'void') limit 1`,
    );
    return rowCount === 1;
  }

  return {
    site,
    env: { ...site.env, ADMIN_WALLETS: admin.address, ...(planted === undefined ? {} : { BROKER_MAIN: planted.main }) },
    secrets: site.secrets,
    /** Resolves when the workers are to be killed: at a moment that matters, while a settlement is under way. */
    async workersMoment() {
      // Nobody else is dead at that time, and the database may still be starting.
      const settles = () => isSettling().catch(() => false);
      for (const began = Date.now(); Date.now() - began < settlesWithinMs && !live.ended.aborted; await sleep(200))
        if (await settles()) break;
      await moments.next();
      if (await settles()) killsWhileSettling++;
    },
    async begin(endpoints: Endpoints, dataDir: string) {
      begun = await begin(endpoints, dataDir);
    },
    addPayee(account: PrivateKeyAccount) {
      payees.push(account);
      begun?.actors.addPayee(account);
    },
    /** A customer with enough for everything. */
    fund: async (customer: Customer, account: PrivateKeyAccount) =>
      await fundAmply(site, customer, newChainPurse(account)),
    /** Customers with little begin, and go on until `calm`. */
    spend(newOne: (account: PrivateKeyAccount) => Promise<Customer>, stories: JobStory[]) {
      for (let n = 0; n < poor; n++) {
        const account = newAccount();
        const purse = newChainPurse(account);
        const benefactor = chainWallet(site, newAccount(), live.ended);
        const actions = createRandom(seed + 100 + n);
        const spend = async () => {
          const customer = await insistOn(() => newOne(account));
          const by = { site, customer, purse, benefactor, random: actions, counts, stories, name: `poor-${n}` };
          await spendLittle({ ...by, over: AbortSignal.any([over.signal, live.ended]) });
        };
        running().spending.push(spend().catch((error: unknown) => void (live.ended.aborted || log(String(error)))));
      }
    },
    /** Nothing new begins, and all that is under way ends: the nodes are good ones from now on. */
    async calm() {
      const { spending, weather, actors } = running();
      // What a busy machine has not come to yet is waited for, within reason.
      const isEnough = async () => (await this.enough(0).catch(() => undefined))?.violations.length === 0;
      for (const began = Date.now(); Date.now() - began < enoughWithinMs && !live.ended.aborted; await sleep(1_000))
        if (await isEnough()) break;
      over.abort();
      await Promise.all(spending);
      await weather.clear();
      await actors.calm();
    },
    /** How much happened. */
    async happened(): Promise<ChainHappened> {
      const { weather, actors, sampler, database } = running();
      const executed = Number(await site.read<bigint>('lastExecuted'));
      const { rows } = await database.query<{ settled: number }>(
        `select count(*)::int as settled from batches where status = 'final'`,
      );
      const settlements = { executed, settled: rows[0]!.settled, killsWhileSettling };
      return happenedOnChain({ counts, weather, actors, sampler, moments, ...settlements });
    },
    /** Compares everything; what is still on its way may make it differ. */
    async check(): Promise<Finding[]> {
      const { weather, actors, database } = running();
      const client = await database.connect();
      try {
        const facts = { site, purses, victim: weather.victim, unasked: actors.unasked() };
        return await checkChainMoney(facts, client);
      } finally {
        client.release();
      }
    },
    async enough(kills: number): Promise<Finding> {
      return enoughOnChain(await this.happened(), { isCalm, kills });
    },
    async stop() {
      over.abort();
      if (begun !== undefined) {
        await begun.sampler.stop().catch(() => undefined);
        await begun.pace.stop().catch(() => undefined);
        await begun.weather.clear().catch(() => undefined);
        await begun.database.end().catch(() => undefined);
      }
      await site.stop();
      planted?.remove();
    },
  };
}

/** An operator who looks whether settlements are stopped, and lets them go on. */
function operatorWhoResumes(api: string, account: PrivateKeyAccount): () => Promise<boolean> {
  let session: Awaited<ReturnType<typeof login>> | undefined;
  return async () => {
    session ??= await login({ api, account, scopes: ['admin'] });
    const body = { reason: 'the guardian of chaos vetoes for no reason' };
    const headers = { 'idempotency-key': randomUUID() };
    const reply = await session.request('POST', '/api/v1/admin/settlements/resume', body, headers);
    return reply.status === 200 && (reply.body as { resumed: boolean }).resumed;
  };
}
