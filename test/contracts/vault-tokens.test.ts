import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeFunctionData, toFunctionSelector, type Address } from 'viem';
import { compile, readSources } from '../../scripts/contracts.js';
import { describeUnless } from '../support/needs.js';
import { missingAnvil, publishedContract, startVaultChain, type VaultChain } from '../support/vault-chain.js';
import { accountOf } from './vault-actors.js';
import { actors, batchDelayS, contentOf, vaultOnChain, withdrawalOf, type VaultOnChain } from './vault-on-chain.js';

const { admin, alice, bob, carla, operator, stranger, treasury } = actors;
const hour = 3_600;

describeUnless(missingAnvil())('a vault with a token of an odd kind', () => {
  let chain: VaultChain;
  const contracts = compile(readSources(), undefined, { viaIR: false });
  beforeAll(async () => void (chain = await startVaultChain()));
  afterAll(() => chain.stop());

  const siteWith = async (token: string): Promise<VaultOnChain> => {
    const site = await vaultOnChain(chain, await chain.deploy(contracts[token]!));
    for (const who of [alice, bob]) await site.endow(who, 1_000n);
    return site;
  };
  const deposit = (customer: Address, amount: bigint) =>
    ({ name: 'deposit', customer, amount, newCap: amount }) as const;
  const freed = async (customer: Address, total: bigint) => withdrawalOf(customer, total, (await chain.now()) + 900);

  test('that keeps a fee credits what arrived, and owes no more than it holds', async () => {
    const site = await siteWith('FeeToken');
    await site.call(alice, deposit(alice, 500n));
    expect((await site.customer(alice))[0]).toBe(495n);
    await site.call(alice, await freed(alice, 495n));
    expect(await site.held(site.vault.address)).toBe(0n);
  });

  test('that takes more than is sent pays nobody out of the others’ money', async () => {
    const site = await siteWith('GreedyToken');
    await site.call(alice, deposit(alice, 500n));
    await site.call(bob, deposit(bob, 500n));
    expect(await site.refusal(alice, await freed(alice, 500n))).toBe('TransferFailed');
    expect(await site.held(site.vault.address)).toBe(1_000n);
  });

  test('that returns nothing works like any other', async () => {
    const site = await siteWith('SilentToken');
    await site.call(alice, deposit(alice, 500n));
    await site.call(alice, await freed(alice, 200n));
    expect(await site.held(alice)).toBe(700n);
    expect(await site.refusal(alice, deposit(alice, 701n))).toBe('TransferFailed');
  });

  test('that says false instead of reverting is not believed to have paid', async () => {
    const site = await siteWith('RefusingToken');
    expect(await site.refusal(alice, deposit(alice, 1_001n))).toBe('TransferFailed');
    await site.call(alice, deposit(alice, 1_000n));
    await site.call(alice, await freed(alice, 1_000n));
    expect(await site.held(alice)).toBe(1_000n);
  });

  test('that refuses one wallet holds up nobody else, and that wallet takes its money elsewhere', async () => {
    const site = await siteWith('BlacklistToken');
    await site.call(alice, deposit(alice, 400n));
    await site.call(bob, deposit(bob, 400n));
    await chain.send(accountOf(stranger), site.token, 'refuse', [carla, true]);
    await chain.send(accountOf(stranger), site.token, 'refuse', [alice, true]);
    const content = contentOf(
      [
        [alice, 400n],
        [bob, 300n],
      ],
      [[carla, 650n]],
    );
    await site.call(operator, { name: 'propose', number: 1, content });
    await chain.pass(batchDelayS);
    await site.call(stranger, { name: 'execute', number: 1, content, permits: [] });
    expect(await site.refusal(carla, { name: 'withdrawEarnings', to: carla })).toBe('TransferFailed');
    await site.call(carla, { name: 'withdrawEarnings', to: stranger });
    await site.call(bob, await freed(bob, 100n));
    await site.call(treasury, { name: 'sweepFees' });
    expect(await Promise.all([stranger, bob, treasury, site.vault.address].map(site.held))).toEqual([
      650n,
      700n,
      50n,
      0n,
    ]);
  });

  test('that comes back in while it is called finds the door closed', async () => {
    const site = await siteWith('ReentrantToken');
    const wallet = await chain.deploy(contracts['Wallet']!);
    const thief = accountOf(stranger);
    await chain.send(accountOf(admin), site.token, 'mint', [wallet.address, 100n]);
    const runs = async (at: Address, abi: typeof wallet.abi, functionName: string, args: readonly unknown[]) =>
      await chain.send(thief, wallet, 'run', [at, encodeFunctionData({ abi, functionName, args })]);
    await runs(site.token.address, site.token.abi, 'approve', [site.vault.address, 10n ** 9n]);
    const { abi, address } = site.vault;
    const depositing = [wallet.address, 40n, 0n];
    // Without the guard the outer deposit would count the inner one's tokens once more.
    const nested = encodeFunctionData({ abi, functionName: 'deposit', args: depositing });
    await chain.send(thief, wallet, 'plan', [address, nested]);
    await runs(address, abi, 'deposit', depositing);
    expect(await chain.read(wallet, 'tried')).toBe(true);
    expect(await chain.read(wallet, 'outcome')).toBe(toFunctionSelector('Reentered()'));
    expect((await site.customer(wallet.address))[0]).toBe(40n);
    expect(await site.held(address)).toBe(40n);
  });

  test('that a wallet without a key deposits, with a cap by its own call', async () => {
    const site = await vaultOnChain(chain, await chain.deploy(publishedContract('test/TestToken'), [6]));
    const wallet = await chain.deploy(contracts['Wallet']!);
    await chain.send(accountOf(admin), site.token, 'mint', [wallet.address, 100n]);
    const runs = async (to: { address: Address; abi: typeof wallet.abi }, functionName: string, args: unknown[]) => {
      const call = encodeFunctionData({ abi: to.abi, functionName, args });
      return await chain.send(accountOf(stranger), wallet, 'run', [to.address, call]);
    };
    await runs(site.token, 'approve', [site.vault.address, 100n]);
    await runs(site.vault, 'deposit', [wallet.address, 60n, 20n]);
    await runs(site.vault, 'raiseCap', [wallet.address, 50n, '0x']);
    expect((await site.customer(wallet.address)).slice(0, 3)).toEqual([60n, 0n, 50n]);
  });

  test('or with delays or addresses that cannot be meant is not deployed', async () => {
    const token = await chain.deploy(publishedContract('test/TestToken'), [6]);
    const roles = [admin, operator, stranger, treasury];
    const vault = publishedContract('RentalVault');
    const refused = [
      [alice, ...roles, 12n, 24n],
      [token.address, ...roles, 0n, 24n],
      [token.address, ...roles, 12n, 23n],
      [token.address, ...roles, 12n, BigInt(31 * 24 * hour)],
      [token.address, ...roles, BigInt(8 * 24 * hour), BigInt(20 * 24 * hour)],
      [token.address, admin, `0x${'00'.repeat(20)}`, stranger, treasury, 12n, 24n],
    ];
    for (const args of refused) await expect(chain.deploy(vault, args)).rejects.toThrow();
    await chain.deploy(vault, [token.address, ...roles, 1n, 2n]);
  });
});
