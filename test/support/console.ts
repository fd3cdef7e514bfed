import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'pg';
import type { PrivateKeyAccount } from 'viem';
import type { Endpoints } from '../../engines/engine.js';
import { packageRoot } from '../../engines/paths.js';
import {
  startSimulatedProvider,
  type SimulatedProvider,
  type SimulatedProviderOptions,
} from '../../engines/simulated-provider/provider.js';
import { connect, memoryStore, type Scope, type WorldLand } from '../../src/client/index.js';
import { sampleMarket } from '../../src/db/market.js';
import { withoutPrices } from '../../src/db/offers.js';
import { newWallet } from './api.js';
import { browserWallet, installWallets, type BrowserWallet } from './browser-wallet.js';
import { startChromium, watch, type Browser, type BrowserContext, type Page, type Seen } from './chromium.js';
import { consoleStackVariable } from './console-stack.js';
import { until } from './until.js';

/** What is looked at by people, and never compared: screenshots. */
export const artifactsFolder = join(packageRoot, 'test-artifacts/console');

/** A person with a browser of their own: no storage and no cache of another. */
export interface Visitor {
  context: BrowserContext;
  page: Page;
  seen: Seen;
  wallet: BrowserWallet;
  /** Opens a page of the console: `jobs` is `/console/jobs`. */
  open(path?: string): Promise<void>;
}

export interface VisitorOptions {
  wallet?: BrowserWallet;
  /** More wallets beside the first; none at all if `wallets` is empty. */
  wallets?: BrowserWallet[];
  theme?: 'light' | 'dark';
  width?: number;
  /** Which broker; the common one by default. */
  api?: string;
}

export interface OpenConsole {
  api: string;
  browser: Browser;
  endpoints: Endpoints;
  visitor(options?: VisitorOptions): Promise<Visitor>;
  /** The same person’s client without a browser: what happens elsewhere. */
  client(account: PrivateKeyAccount, scopes?: readonly Scope[]): Promise<WorldLand>;
  /** A machine that has joined, and whose GPUs, of a type that no other test has, can be rented. */
  machine(options?: MachineOptions): Promise<Machine>;
  /**
   * Has the market sampled now, which happens every five minutes, and waits until the history of a type shows it: where
   * somebody looked before there was a sample, the broker keeps that answer for a minute.
   */
  sampleMarket(gpuType: string): Promise<void>;
  close(): Promise<void>;
}

export interface MachineOptions extends Partial<SimulatedProviderOptions> {
  owner?: PrivateKeyAccount;
  /** If false, it signs nothing, and joins only once an operator approves it. */
  isSigned?: boolean;
}

export interface Machine extends SimulatedProvider {
  /** Its owner's wallet. */
  owner: PrivateKeyAccount;
  /** As the market names it: a key such as `otter-1a2b`. */
  gpuType: string;
  gpuModel: string;
}

const customersScopes: readonly Scope[] = ['jobs:read', 'jobs:write', 'providers:read', 'providers:write'];

/** A browser in front of the console of the tests' broker; each visitor has a context of its own. */
export async function openConsole(file = process.env[consoleStackVariable]): Promise<OpenConsole> {
  if (file === undefined || file === '') throw new Error(`${consoleStackVariable} is not set`);
  const endpoints = JSON.parse(readFileSync(file, 'utf8')) as Endpoints;
  const { api, redis } = endpoints;
  if (api === undefined || redis === undefined) throw new Error(`${file} names no API`);
  const browser = await startChromium();
  const database = new Pool({ connectionString: endpoints.postgres, max: 2 });
  const machines: SimulatedProvider[] = [];

  return {
    ...{ api, browser, endpoints },
    visitor: async (options = {}) => await visit(browser, { api, ...options }),
    async client(account, scopes = customersScopes) {
      const client = connect({ api, store: memoryStore() });
      await client.login({ wallet: account, spendLimit: '1000', scopes });
      return client;
    },
    async machine({ owner = newWallet(), isSigned = true, ...options } = {}) {
      const word = `otter-${randomBytes(3).toString('hex')}`;
      const gpus = { model: `NVIDIA ${word.toUpperCase()}`, count: 4, ...options.gpus };
      const nodeKey = newWallet();
      const provider = startSimulatedProvider({
        redisUrl: redis,
        providerId: `machine-${word.slice(6)}`,
        heartbeatIntervalMs: 5_000,
        ...(isSigned ? { signAs: { audience: api, keys: { wallet: owner, nodeKey } } } : {}),
        ...options,
        gpus,
      });
      machines.push(provider);
      await provider.joined;
      const { gpuType } = await until(() => rentable(api, provider.providerId), {
        timeoutMs: 60_000,
        everyMs: 200,
        name: `${provider.providerId} can be rented`,
      });
      return { ...provider, owner, gpuType, gpuModel: gpus.model };
    },
    async sampleMarket(gpuType) {
      await sampleMarket(database, withoutPrices);
      const { market } = connect({ api });
      await until(async () => (await market.history({ gpuType })).total.some((value) => value !== null), {
        timeoutMs: 90_000,
        budgetMs: 70_000,
        everyMs: 1_000,
        name: `the history of ${gpuType} has a sample`,
      });
    },
    async close() {
      await database.end();
      await browser.close();
      await Promise.all(machines.map((machine) => machine.stop()));
    },
  };
}

/** Public figures may be a second old. */
async function rentable(api: string, providerId: string): Promise<{ gpuType: string } | undefined> {
  for await (const offer of connect({ api }).offers.list({})) {
    if (offer.provider_id === providerId && offer.can_start && offer.gpu_type !== null)
      return { gpuType: offer.gpu_type };
  }
  return undefined;
}

async function visit(browser: Browser, options: VisitorOptions & { api: string }): Promise<Visitor> {
  const { wallet = browserWallet(), theme = 'light', width = 1440, api } = options;
  const context = await browser.newContext({
    baseURL: api,
    viewport: { width, height: 900 },
    colorScheme: theme,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  // A busy machine paints late; nothing here depends on how fast it is.
  context.setDefaultTimeout(40_000);
  const page = await context.newPage();
  const seen = watch(page);
  const wallets = options.wallets ?? [wallet];
  if (wallets.length > 0) await installWallets(context, wallets);
  return { ...{ context, page, seen, wallet }, open: async (path = '') => void (await page.goto(`/console/${path}`)) };
}
