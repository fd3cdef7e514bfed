import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Address, PrivateKeyAccount } from 'viem';
import { checkVault, type VaultFacts } from '../../src/chain/check-vault.js';
import { newPace } from '../../src/chain/read-pace.js';
import { createRpcs } from '../../src/chain/rpc.js';
import { watchVault } from '../../src/chain/vault-watch.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { totalsAt } from '../../src/guardian/vault.js';
import { createLogger } from '../../src/observability/logger.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { deployFlood } from '../support/flood.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import { balances } from '../support/money.js';
import { startRpcProxy, type AskedOfChain, type Fault, type RpcProxy } from '../support/rpc-proxy.js';
import { deployVault, roles, settingsOf, type TestVault } from '../support/vault.js';

// A stranger with some money for gas fills blocks with deposits, in anybody's name. Nodes refuse answers that are too long.

const logger = createLogger({ LOG_LEVEL: 'silent' }, 'worker');
const units = (amount: number) => BigInt(amount * 1_000_000);
const tokens = (amount: number) => units(amount) * 10n ** 12n;
const victim: Address = `0x${'17'.repeat(20)}`;

let anvil: Anvil;
let nodes: [RpcProxy, RpcProxy];
let shown: ShownMetrics;
let vault: TestVault;
let flood: Awaited<ReturnType<typeof deployFlood>>;
let facts: VaultFacts;
let fromBlock: number;
let database: TestDatabase;
let customer: PrivateKeyAccount;
let wallet: string;

beforeAll(async () => {
  [anvil, shown] = await Promise.all([startAnvil({ args: ['--gas-limit', '200000000'] }), showMetrics()]);
  nodes = [await startRpcProxy(anvil.url), await startRpcProxy(anvil.url)];
  customer = anvil.accounts[roles.customer]!;
  wallet = customer.address.toLowerCase();
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await Promise.all([anvil.stop(), shown.stop()]);
});
beforeEach(async () => {
  both(() => 'pass');
  [database, vault] = await Promise.all([freshDatabase(), deployVault(anvil)]);
  flood = await deployFlood(anvil, vault, anvil.accounts[roles.provider]!);
  fromBlock = Number(await anvil.client.getBlockNumber()) + 1;
  facts = await checkVault(settings(), createRpcs(settings()));
});
afterEach(() => database.close());

const settings = () =>
  settingsOf(anvil, vault, { rpcUrls: nodes.map(({ url }) => url), finality: 2, fromBlock: fromBlock - 1 });
const rpcs = () => createRpcs({ ...settings(), timeoutMs: 5_000 });
const deps = () => ({ settings: settings(), facts, pool: database.pool, logger, rpcs: rpcs() });
const watch = (pace = newPace()) => watchVault(deps(), pace);
const mine = (blocks = 2) => anvil.client.mine({ blocks });
const both = (of: (asked: AskedOfChain) => Fault) => nodes.forEach((node) => node.faults(of));
const blocksOf = ({ params }: AskedOfChain) => {
  const { fromBlock: from, toBlock: to } = params[0] as { fromBlock: string; toBlock: string };
  return Number(to) - Number(from) + 1;
};
const rangesAsked = () => nodes[0].asked.filter(({ method }) => method === 'eth_getLogs').map(blocksOf);
/** Nodes that answer for so many blocks at most. */
const refuseAbove = (blocks: number, fault: Fault) =>
  both((asked) => (asked.method === 'eth_getLogs' && blocksOf(asked) > blocks ? fault : 'pass'));
const tooMany: Fault = { error: { code: -32005, message: 'query returned more than 10000 results' } };
const alarms = (kind: string) => shown.of(`broker_chain_alarms_total{kind="${kind}"}`);

async function watchAll(pace = newPace()): Promise<void> {
  for (let look = 0; look < 10; look++) if (!(await watch(pace)).isBehind) return;
  throw new Error('the reader never gets there');
}

describe('a range of blocks that a node refuses is read in parts:', () => {
  test.each<[string, Fault]>([
    ['with the code of too much', tooMany],
    ['with another code', { error: { code: -32602, message: 'block range is too wide' } }],
    ['by closing the connection', 'no connection'],
    ['with a page', 'nonsense'],
  ])('%s', async (_how, fault) => {
    for (let n = 0; n < 3; n++) {
      await vault.deposit(customer, units(1));
      await mine(20);
    }
    refuseAbove(8, fault);
    await watchAll();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(3) });
    expect(await differingMoney(database.pool, 'everything')).toEqual([]);
  });

  test('by one node alone, and nothing is an alarm', async () => {
    await vault.deposit(customer, units(1));
    await mine(20);
    const before = await alarms('disagreement');
    nodes[1].faults((asked) => (asked.method === 'eth_getLogs' && blocksOf(asked) > 4 ? tooMany : 'pass'));
    await watchAll();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(1) });
    expect(await alarms('disagreement')).toBe(before);
  });

  test('and in larger ones again once it answers', async () => {
    const pace = newPace();
    await mine(40);
    refuseAbove(4, tooMany);
    await watchAll(pace);
    expect(pace.blocks).toBeLessThan(newPace().blocks);
    both(() => 'pass');
    for (let n = 0; n < 10; n++) {
      await mine(1);
      await watch(pace);
    }
    expect(pace.blocks).toBe(1_000);
  });

  test('beginning with few, which all that looks at a vault in one process remembers', async () => {
    await mine(200);
    nodes[0].asked.splice(0);
    await watchVault(deps());
    expect(rangesAsked()[0]).toBeLessThanOrEqual(16);
    expect(Math.max(...rangesAsked())).toBeGreaterThan(64);
    await mine(200);
    nodes[0].asked.splice(0);
    await watchVault(deps());
    expect(rangesAsked()[0]).toBe(200);
  });
});

describe('a block', () => {
  test('with more than 1,000 events is read by itself, and its neighbours in ranges of their own', async () => {
    await flood({ first: victim, wallets: 2, deposits: 700 });
    await flood({ first: victim, wallets: 2, deposits: 1_200 });
    await vault.deposit(customer, units(1));
    await mine();
    nodes[0].asked.splice(0);
    await watchAll();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(1) });
    expect(rangesAsked()).toContain(1);
    const { rows } = await database.pool.query('select deposited::text from chain_wallets where wallet = $1', [victim]);
    expect(rows).toEqual([{ deposited: tokens(0.00095).toString() }]);
  });

  test('whose events no node says at once is read by the receipts of its transactions', async () => {
    await vault.deposit(customer, units(1));
    await mine();
    both(({ method }) => (method === 'eth_getLogs' ? tooMany : 'pass'));
    await watchAll();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(1) });
  });

  test('that a node does not say in any way is an alarm, and is read once it does', async () => {
    await vault.deposit(customer, units(1));
    await mine();
    const before = await alarms('unread_block');
    both(({ method }) => (/getLogs|getTransactionReceipt/.test(method) ? tooMany : 'pass'));
    await expect(watchAll()).rejects.toThrow(/the chain’s node at .* answers error -32005/);
    expect(await alarms('unread_block')).toBeGreaterThan(before);
    expect(await balances(database.pool)).toEqual({});
    both(() => 'pass');
    await watchAll();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(1) });
  });
});

test('what several wallets deposited is asked for side by side', async () => {
  await flood({ first: victim, wallets: 8, deposits: 8, amount: units(1) });
  await mine();
  let waiting: (() => void)[] = [];
  // `customers(…)`: each answer waits until four of them are asked for.
  const together = async (result: unknown) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length < 4) return;
      for (const release of waiting) release();
      waiting = [];
    });
    return result;
  };
  nodes[0].faults(({ method, params }) =>
    method === 'eth_call' && JSON.stringify(params).includes('171717') ? { change: together } : 'pass',
  );
  await watch();
  expect(await balances(database.pool)).toMatchObject({ [`customer ${victim}`]: tokens(1) });
});

describe('what is on its way', () => {
  const incoming = async () => (await database.pool.query('select wallet from chain_incoming')).rows as unknown[];

  test('is shown by a node that answers for few blocks', async () => {
    await mine(20);
    await watchAll();
    await vault.deposit(customer, units(1));
    refuseAbove(1, tooMany);
    await watch();
    expect(await incoming()).toEqual([{ wallet }]);
  });

  test('stays as it was while no node says it, and holds nothing else up', async () => {
    await mine();
    await watchAll();
    await vault.deposit(customer, units(1));
    await watch();
    both(({ method }) => (method === 'eth_getLogs' ? { error: { code: -32602, message: 'too wide' } } : 'pass'));
    await watch();
    expect(await incoming()).toEqual([{ wallet }]);
  });
});

test('a guardian reads whose money is changing in parts, too, and need not veto', async () => {
  await vault.deposit(customer, units(1));
  await mine(30);
  const block = Number(await anvil.client.getBlockNumber());
  refuseAbove(300, tooMany);
  const wallets = { customers: new Set<Address>(), payees: new Set<Address>() };
  expect((await totalsAt(rpcs(), vault.vault, { block }, wallets)).changing).toEqual(new Set([wallet]));
  both(({ method }) => (method === 'eth_getLogs' ? 'no connection' : 'pass'));
  expect((await totalsAt(rpcs(), vault.vault, { block }, wallets)).changing.has(wallet)).toBe(true);
  both(({ method }) => (method === 'eth_getLogs' || method === 'eth_getTransactionReceipt' ? tooMany : 'pass'));
  expect((await totalsAt(rpcs(), vault.vault, { block }, wallets)).changing.has(victim)).toBe(true);
});

test('a guardian reads no more than 10,000 events: then everybody’s money counts as changing', async () => {
  await flood({ first: victim, wallets: 2, deposits: 1_500 });
  for (let more = 0; more < 6; more++) await flood({ first: victim, wallets: 2, deposits: 1_500 });
  const block = Number(await anvil.client.getBlockNumber());
  const wallets = { customers: new Set<Address>(), payees: new Set<Address>() };
  const { changing } = await totalsAt(rpcs(), vault.vault, { block }, wallets);
  expect(changing.has(wallet)).toBe(true);
});
