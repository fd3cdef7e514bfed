import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEther, type Address } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { deployVault as deployByCommand } from '../../scripts/deploy-vault.js';
import { askWithdrawal } from '../../src/billing/withdrawals.js';
import { checkVault } from '../../src/chain/check-vault.js';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { createRpcs } from '../../src/chain/rpc.js';
import { signWithdrawal } from '../../src/chain/withdrawal.js';
import { findBatch, openStop, readLines, resumeSettlements } from '../../src/db/batches.js';
import { withTransaction } from '../../src/db/pool.js';
import { settlementOverview } from '../../src/db/settlement-reads.js';
import { readVaultCursor, walletInVault } from '../../src/db/vault-events.js';
import { findWithdrawal } from '../../src/db/withdrawals.js';
import { startAnvil, type Anvil } from '../support/anvil.js';
import { balances } from '../support/money.js';
import { createSettling, type Settling } from '../support/settling.js';
import { operatorKey, roles } from '../support/vault.js';

let anvil: Anvil;
let site: Settling;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  site = await createSettling(anvil);
  await site.deposit(site.customer, 10);
});
afterEach(() => site.close());

const page = readFileSync('docs/operate.md', 'utf8');
/** Follows the numbered steps of a section of docs/operate.md: one function for each of them. */
async function follow(heading: string, ...steps: (() => Promise<unknown>)[]): Promise<void> {
  const section = page.split(`\n### ${heading}\n`)[1]?.split(/\n##/)[0] ?? '';
  expect([heading, section.match(/^\d+\. /gm)?.length]).toEqual([heading, steps.length]);
  for (const step of steps) await step();
}

const hour = 3_600;
const pass = async (seconds: number) => {
  await anvil.client.increaseTime({ seconds });
  await site.mine();
};
const by = (role: keyof typeof roles) => anvil.accounts[roles[role]]!;
const vaultCall = (role: keyof typeof roles, name: string, args: unknown[] = []) =>
  site.vault.send(by(role), 'vault', name, args);
const spent = async () => ((await site.vault.read('customers', [site.customer.address])) as bigint[])[1];
const resume = () =>
  resumeSettlements(site.pool, site.deps.facts, {
    ...{ by: by('admin').address.toLowerCase(), reason: 'a rehearsal', requestKey: randomUUID() },
  });
const stopped = () => openStop(site.pool, site.deps.facts);
const wallet = () => site.customer.address.toLowerCase() as Address;

/** A key with coins, which the admin has not announced. */
async function newKey() {
  const key = generatePrivateKey();
  await anvil.client.setBalance({ address: privateKeyToAccount(key).address, value: parseEther('1') });
  return { key, address: privateKeyToAccount(key).address };
}
const startsWith = () => checkVault(site.deps.settings, site.deps.rpcs);

async function withdraw(amount: bigint) {
  const vault = { ...site.deps.facts, scale: 10n ** 12n };
  const { withdrawal } = await withTransaction(site.pool, (tx) =>
    askWithdrawal(tx, vault, { wallet: wallet(), amount, requestKey: randomUUID() }),
  );
  await signWithdrawal(site.deps, withdrawal.id);
  return (await findWithdrawal(site.pool, withdrawal.id))!;
}

test('a settlement that was vetoed is looked into, resumed, and followed by one with all its totals', async () => {
  await site.rent(site.customer, 1_000);
  await site.begin();
  await site.advance(1);
  // A node answers before it has mined, and what is not proposed cannot be vetoed.
  await site.mine();
  await vaultCall('guardian', 'veto', [1n]);
  await site.mine();
  await follow(
    'A settlement was vetoed',
    async () => {
      expect(await site.advance(1)).toMatchObject({ is: 'void' });
      expect((await settlementOverview(site.pool, site.deps.facts)).stop).toMatchObject({ reason: 'vetoed' });
    },
    async () => {
      const { draws } = await readLines(site.pool, site.deps.facts, 1);
      expect(draws).toEqual([{ wallet: wallet(), cumulative: 1_000_000n }]);
    },
    resume,
    async () => expect(await site.settle()).toEqual({ number: 2, is: 'final' }),
  );
  expect(await spent()).toBe(1_000_000n);
});

test('a lost key of the operator is replaced: workers start at once, and settlements go on after 48 hours', async () => {
  await site.rent(site.customer, 1_000);
  await site.begin();
  await site.advance(1);
  let next: Awaited<ReturnType<typeof newKey>>;
  await follow(
    "The operator's key is lost",
    async () => {
      next = await newKey();
      site.deps.settings.operatorKey = next.key;
      await expect(startsWith()).rejects.toThrow('setOperator');
    },
    () => vaultCall('admin', 'setOperator', [next.address]),
    async () => {
      expect(await startsWith()).toMatchObject({ vault: site.vault.vault });
      expect(await withdraw(10n ** 18n)).toMatchObject({ status: 'void', voidReason: 'operator_changed' });
    },
    async () => {
      await pass(48 * hour + 1);
      expect(await site.advance(1)).toMatchObject({ is: 'void', why: 'operator_changed' });
      expect(await stopped()).toBe('operator_changed');
      await resume();
    },
  );
  expect(await site.settle()).toEqual({ number: 2, is: 'final' });
  expect(await spent()).toBe(1_000_000n);
});

test('a stolen key of the operator proposes nothing more, and nothing that it proposed is executed', async () => {
  await site.rent(site.customer, 1_000);
  const thief = privateKeyToAccount(operatorKey);
  const propose = (number: bigint) => site.vault.send(thief, 'vault', 'propose', [number, `0x${'66'.repeat(32)}`]);
  await propose(1n);
  let next: Awaited<ReturnType<typeof newKey>>;
  await follow(
    "The operator's key is stolen",
    async () => {
      await vaultCall('guardian', 'pause');
      await vaultCall('guardian', 'veto', [1n]);
      await expect(propose(2n)).rejects.toThrow();
    },
    async () => {
      next = await newKey();
      await vaultCall('admin', 'setOperator', [next.address]);
    },
    async () => {
      site.deps.settings.operatorKey = next.key;
      await startsWith();
      await site.mine();
      expect(await site.begin()).toMatchObject({ none: 'stopped' });
    },
    async () => {
      await pass(72 * hour + 1);
      await expect(propose(2n)).rejects.toThrow();
      expect(await site.vault.read('proposed')).toBe(1n);
      expect(await findBatch(site.pool, site.deps.facts, 1)).toMatchObject({ status: 'void' });
    },
    resume,
  );
  expect(await site.settle()).toEqual({ number: 2, is: 'final' });
  expect(await spent()).toBe(1_000_000n);
});

test('after a week without a node everything is read in order, and the settlement under way goes on', async () => {
  await site.rent(site.customer, 1_000);
  await site.begin();
  await site.advance(1);
  const height = async () => Number(await anvil.client.getBlockNumber()) - 2;
  await follow(
    'A week without a node',
    async () => {
      site.proxy.faults(() => 'no connection');
      await expect(site.watch()).rejects.toMatchObject({ code: 'dependency_unavailable' });
      await site.rent(site.customer, 2_000);
      await site.vault.deposit(by('treasury'), 5_000_000n);
      await pass(7 * 24 * hour);
    },
    async () => {
      site.deps.rpcs = createRpcs({ rpcUrls: [anvil.url], chainId: anvil.chainId });
    },
    async () => {
      await site.watch();
      expect((await readVaultCursor(site.pool, site.deps.facts))?.block).toBe(await height());
      const treasury = by('treasury').address.toLowerCase();
      expect(await walletInVault(site.pool, site.deps.facts, treasury)).toMatchObject({ deposited: 5n * 10n ** 18n });
    },
    async () => {
      expect(await site.settle()).toEqual({ number: 1, is: 'final' });
      expect(await site.settle()).toEqual({ number: 2, is: 'final' });
    },
  );
  expect(await spent()).toBe(3_000_000n);
});

test('a site moves to a new vault once nobody has anything in the old one, and begins with number 1 there', async () => {
  await site.rent(site.customer, 1_000);
  await follow(
    'A new vault',
    async () => {
      const { cumulative, deadlineS, signature } = await withdraw(9n * 10n ** 18n);
      const args = [wallet(), cumulative, BigInt(deadlineS!), signature];
      await site.vault.send(site.customer, 'vault', 'withdraw', args);
      await site.mine();
      await site.watch();
    },
    async () => {
      expect(await site.settle()).toEqual({ number: 1, is: 'final' });
      expect(await site.settle()).toEqual({ none: 'nothing to settle' });
      await site.vault.send(site.provider, 'vault', 'withdrawEarnings', [site.provider.address]);
      await site.mine();
      await site.watch();
    },
    async () => {
      const held = Object.keys(await balances(site.pool)).filter((name) =>
        /^(customer|reserved|withdrawing) /.test(name),
      );
      expect(held).toEqual([]);
    },
    async () => {
      const [admin, operator, guardian, treasury] = (['admin', 'operator', 'guardian', 'treasury'] as const).map(
        (role) => by(role).address,
      );
      const variables = await deployByCommand(
        {
          ...{ rpcUrl: anvil.url, deployer: by('provider'), token: site.vault.token, batchDelayS: 60n },
          ...{ admin: admin!, operator: operator!, guardian: guardian!, treasury: treasury!, exitDelayS: 604_800n },
        },
        () => undefined,
      );
      site.deps.settings.vault = variables['VAULT_ADDRESS'] as Address;
      site.deps.settings.fromBlock = Number(variables['VAULT_FROM_BLOCK']);
      site.deps.facts = await startsWith();
    },
    async () => {
      const { vault } = site.deps.settings;
      const amount = 4_000_000n;
      await site.vault.send(site.customer, 'token', 'approve', [vault, amount]);
      const hash = await anvil.client.writeContract({
        ...{ address: vault, abi: rentalVaultAbi, functionName: 'deposit', args: [wallet(), amount, amount] },
        ...{ account: site.customer, chain: anvil.client.chain },
      });
      await anvil.client.waitForTransactionReceipt({ hash });
      await site.mine();
      await site.watch();
      await site.rent(site.customer, 2_000);
      expect(await site.settle()).toEqual({ number: 1, is: 'final' });
    },
  );
  const customer = await anvil.client.readContract({
    ...{ address: site.deps.settings.vault, abi: rentalVaultAbi, functionName: 'customers', args: [wallet()] },
  });
  expect(customer.slice(0, 2)).toEqual([2_000_000n, 2_000_000n]);
});
