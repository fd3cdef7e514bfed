import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { getAbiItem, toEventSelector, type PrivateKeyAccount } from 'viem';
import { checkVault, type VaultFacts } from '../../src/chain/check-vault.js';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { createRpcs, NodesDisagree } from '../../src/chain/rpc.js';
import { FinalBlockGone, watchVault } from '../../src/chain/vault-watch.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { createLogger } from '../../src/observability/logger.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import { balances } from '../support/money.js';
import { startRpcProxy, type Fault, type RpcProxy } from '../support/rpc-proxy.js';
import { deployVault, roles, settingsOf, type TestVault } from '../support/vault.js';

const depositedEvent = getAbiItem({ abi: rentalVaultAbi, name: 'Deposited' });
const logger = createLogger({ LOG_LEVEL: 'silent' }, 'worker');
const tokens = (amount: number) => BigInt(amount * 1_000_000) * 10n ** 12n;
const units = (amount: number) => BigInt(amount * 1_000_000);

let anvil: Anvil;
let nodes: [RpcProxy, RpcProxy];
let shown: ShownMetrics;
let vault: TestVault;
let facts: VaultFacts;
let database: TestDatabase;
let customer: PrivateKeyAccount;
let wallet: string;

beforeAll(async () => {
  [anvil, shown] = await Promise.all([startAnvil(), showMetrics()]);
  nodes = [await startRpcProxy(anvil.url), await startRpcProxy(anvil.url)];
  customer = anvil.accounts[roles.customer]!;
  wallet = customer.address.toLowerCase();
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await Promise.all([anvil.stop(), shown.stop()]);
});
beforeEach(async () => {
  for (const node of nodes) node.faults(() => 'pass');
  [database, vault] = await Promise.all([freshDatabase(), deployVault(anvil)]);
  facts = await checkVault(settings(), createRpcs(settings()));
});
afterEach(() => database.close());

const settings = () => settingsOf(anvil, vault, { rpcUrls: nodes.map(({ url }) => url), finality: 2 });
const watch = () =>
  watchVault({
    ...{ settings: settings(), facts, pool: database.pool, logger },
    rpcs: createRpcs({ ...settings(), timeoutMs: 3_000 }),
  });
const mine = (blocks = 2) => anvil.client.mine({ blocks });
const vaultName = () => `vault ${anvil.chainId}/${vault.vault}`;
const atNode = (node: 0 | 1, method: string, fault: Fault) =>
  nodes[node].faults((asked) => (asked.method === method ? fault : 'pass'));
const alarms = (kind: string) => shown.of(`broker_chain_alarms_total{kind="${kind}"}`);

describe('a deposit', () => {
  test('is booked once it is final, once, whoever watches how often', async () => {
    await vault.deposit(customer, units(5));
    await watch();
    expect(await balances(database.pool)).toEqual({});
    const { rows } = await database.pool.query('select wallet, amount::text from chain_incoming');
    expect(rows).toEqual([{ wallet, amount: tokens(5).toString() }]);
    await mine();
    await Promise.all([watch(), watch(), watch()]);
    await watch();
    expect(await balances(database.pool)).toEqual({ [`customer ${wallet}`]: tokens(5), [vaultName()]: -tokens(5) });
    expect((await database.pool.query('select from chain_incoming')).rowCount).toBe(0);
    expect(await differingMoney(database.pool, 'everything')).toEqual([]);
  });

  test('is that of whoever it was made for, with his cap and his exit', async () => {
    await vault.deposit(customer, units(5), units(3));
    const other = anvil.accounts[roles.provider]!;
    await vault.send(other, 'token', 'mint', [other.address, units(1)]);
    await vault.send(other, 'token', 'approve', [vault.vault, units(1)]);
    await vault.send(other, 'vault', 'deposit', [customer.address, units(1), units(1_000)]);
    await vault.send(customer, 'vault', 'requestExit', []);
    await mine();
    await watch();
    const { rows } = await database.pool.query('select wallet, deposited::text, cap::text, exit_at from chain_wallets');
    expect(rows).toEqual([
      { wallet, deposited: tokens(6).toString(), cap: tokens(3).toString(), exit_at: expect.any(Date) },
    ]);
    await vault.send(customer, 'vault', 'cancelExit', []);
    await mine();
    await watch();
    expect((await database.pool.query('select from chain_wallets where exit_at is null')).rowCount).toBe(1);
  });

  test('of dust waits until there is enough of it', async () => {
    for (let n = 0; n < 3; n++) await vault.deposit(customer, units(0.004));
    await mine();
    await watch();
    expect((await database.pool.query('select from ledger_entries')).rowCount).toBe(1);
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(0.012) });
    await vault.deposit(customer, units(0.004));
    await mine();
    await watch();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(0.012) });
    await vault.deposit(customer, units(1));
    await mine();
    await watch();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(1.016) });
    expect(await differingMoney(database.pool, 'everything')).toEqual([]);
  });

  test('in a block that was taken back is not booked, and its later one is', async () => {
    await vault.deposit(customer, units(5));
    await watch();
    await anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
    await mine(4);
    await watch();
    expect(await balances(database.pool)).toEqual({});
    await vault.deposit(customer, units(2));
    await mine();
    await watch();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(2) });
  });
});

test('everything since the vault was deployed is read, however much there is', async () => {
  await vault.deposit(customer, units(1));
  await mine(2_500);
  await vault.deposit(customer, units(1));
  await mine();
  expect(await watch()).toMatchObject({ isBehind: false });
  expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(2) });
  expect(await shown.of('broker_vault_read_block')).toBe(Number(await anvil.client.getBlockNumber()) - 2);
  expect(await shown.of('broker_vault_read_timestamp_seconds')).toBeGreaterThan(0);
  expect(await shown.of('broker_settlements_stopped')).toBe(0);
  expect(await shown.of('broker_settlement_under_way_timestamp_seconds')).toBe(0);
  expect(await shown.of('broker_settlement_final_timestamp_seconds')).toBe(0);
});

test('an exit is booked, even of what a customer still owes', async () => {
  await vault.deposit(customer, units(5));
  await vault.send(customer, 'vault', 'requestExit', []);
  await mine();
  await watch();
  await database.pool.query(
    `select ledger_post('used', 'adjust', null, '{}', '{customer,manual}', array[$1, ''], array[-$2::numeric, $2])`,
    [wallet, tokens(2).toString()],
  );
  await database.pool.query(`update ledger_accounts set may_owe = false where kind = 'customer'`);
  await anvil.client.increaseTime({ seconds: 700_000 });
  await vault.send(customer, 'vault', 'exit', [customer.address]);
  await mine();
  await watch();
  expect(await balances(database.pool)).toEqual({ [`customer ${wallet}`]: -tokens(2), manual: tokens(2) });
});

test('tokens that nobody deposited are reported, and booked for nobody', async () => {
  await vault.deposit(customer, units(1));
  await vault.send(customer, 'token', 'mint', [vault.vault, units(7)]);
  await mine();
  await watch();
  expect(await shown.of('broker_vault_unasked_tokens')).toBe(7);
  expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(1) });
});

describe('a node that lies credits nothing and raises the alarm:', () => {
  const isDeposit = (log: { topics: string[] }) => log.topics[0] === toEventSelector(depositedEvent);
  const added = (logs: unknown) => {
    const known = logs as { topics: string[] }[];
    return [...known, ...known.filter(isDeposit).map((log) => ({ ...log, logIndex: '0x77' }))];
  };
  test.each<[string, string, Fault]>([
    ['a deposit is left out', 'eth_getLogs', { result: [] }],
    ['a deposit is made up', 'eth_getLogs', { change: added }],
    [
      'a block has another hash',
      'eth_getBlockByNumber',
      { change: (block) => ({ ...(block as object), hash: `0x${'9'.repeat(64)}` }) },
    ],
    [
      'a deposit is larger',
      'eth_getLogs',
      { change: (logs) => (logs as { data: string }[]).map((log) => ({ ...log, data: log.data.replace(/.$/, 'f') })) },
    ],
  ])('%s', async (_what, method, fault) => {
    await vault.deposit(customer, units(5));
    await mine();
    const before = await alarms('disagreement');
    for (const node of [0, 1] as const) {
      for (const each of nodes) each.faults(() => 'pass');
      atNode(node, method, fault);
      await expect(watch()).rejects.toThrow(NodesDisagree);
      expect(await balances(database.pool)).toEqual({});
    }
    expect(await alarms('disagreement')).toBe(before + 2);
    for (const node of nodes) node.faults(() => 'pass');
    await watch();
    expect(await balances(database.pool)).toMatchObject({ [`customer ${wallet}`]: tokens(5) });
  });

  test('both invent the same deposit, which the vault does not know', async () => {
    await vault.deposit(customer, units(5));
    await mine();
    for (const node of [0, 1] as const) atNode(node, 'eth_getLogs', { change: added });
    await expect(watch()).rejects.toThrow(/what 0x.* deposited/);
    expect(await balances(database.pool)).toEqual({});
  });

  test.each<Fault>([
    'no connection',
    'nonsense',
    'hang',
    { result: 'ten' },
    { result: [{ block: 1 }] },
    { result: null },
  ])('it answers %j', async (fault) => {
    await vault.deposit(customer, units(5));
    await mine();
    nodes[1].faults(({ method }) => (/^eth_get(Logs|TransactionReceipt)$/.test(method) ? fault : 'pass'));
    await expect(watch()).rejects.toThrow();
    expect(await balances(database.pool)).toEqual({});
  });

  test('it is behind, and what it does not know yet waits without an alarm', async () => {
    await watch();
    await vault.deposit(customer, units(5));
    await mine();
    const behind = `0x${((await anvil.client.getBlockNumber()) - 2n).toString(16)}`;
    atNode(1, 'eth_blockNumber', { result: behind });
    const before = await alarms('disagreement');
    await watch();
    expect(await balances(database.pool)).toEqual({});
    expect(await alarms('disagreement')).toBe(before);
  });

  test.each(['a number', 'finalized', 'finalized, and has none'] as const)(
    'it repeats an old final block, which is an alarm and no look at the vault (finality: %s)',
    async (how) => {
      const old = await anvil.client.getBlock();
      await vault.deposit(customer, units(5));
      await mine(300);
      const finality = how === 'a number' ? 2 : 'finalized';
      const look = () =>
        watchVault({
          ...{ settings: { ...settings(), finality }, facts, pool: database.pool, logger },
          rpcs: createRpcs({ ...settings(), timeoutMs: 3_000 }),
        });
      await look();
      const [before, readAt] = [await alarms('disagreement'), await shown.of('broker_vault_read_timestamp_seconds')];
      const number = how.endsWith('none') ? null : `0x${old.number.toString(16)}`;
      nodes[1].faults(({ method, params }) => {
        if (method === 'eth_blockNumber' && finality === 2) return { result: number };
        if (method !== 'eth_getBlockByNumber' || params[0] !== 'finalized') return 'pass';
        return { change: (block) => ({ ...(block as object), number }) };
      });
      await expect(look()).rejects.toThrow(/the last final block/);
      expect(await alarms('disagreement')).toBe((before ?? 0) + 1);
      expect(await shown.of('broker_vault_read_timestamp_seconds')).toBe(readAt);
    },
  );
});

test('a chain that takes back what was final is not believed any more', async () => {
  await mine(3);
  await watch();
  await anvil.client.request({ method: 'anvil_reorg', params: [5, []] } as never);
  await mine(3);
  await expect(watch()).rejects.toThrow(FinalBlockGone);
  expect(await alarms('taken_back')).toBeGreaterThan(0);
});
