import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Address } from 'viem';
import { describeUnless } from '../support/needs.js';
import { missingAnvil, publishedContract, startVaultChain, type VaultChain } from '../support/vault-chain.js';
import {
  actors,
  batchDelayS,
  contentOf,
  exitDelayS,
  permitOf,
  vaultOnChain,
  withdrawalOf,
  type VaultOnChain,
} from './vault-on-chain.js';
import type { Content, SpendPermit } from './vault-calls.js';

const { alice, bob, carla, dora, guardian, operator, stranger, treasury } = actors;

describeUnless(missingAnvil())('money in a vault on a chain', () => {
  let chain: VaultChain;
  let site: VaultOnChain;
  beforeAll(async () => void (chain = await startVaultChain()));
  afterAll(() => chain.stop());
  beforeEach(async () => {
    site = await vaultOnChain(chain, await chain.deploy(publishedContract('test/TestToken'), [6]));
    for (const who of [alice, bob]) await site.endow(who, 1_000n);
  });

  const deposit = (customer: Address, amount: bigint, newCap = 0n) =>
    ({ name: 'deposit', customer, amount, newCap }) as const;
  const execution = (number: number, content: Content, permits: SpendPermit[] = []) =>
    ({ name: 'execute', number, content, permits }) as const;
  const proposed = async (number: number, content: Content) => {
    await site.call(operator, { name: 'propose', number, content });
    await chain.pass(batchDelayS);
  };

  describe('a batch', () => {
    test('takes from customers up to their signed caps, gives to payees, and leaves the rest to the treasury', async () => {
      await site.call(alice, deposit(alice, 500n));
      await site.call(bob, deposit(bob, 300n, 200n));
      const content = contentOf(
        [
          [alice, 400n],
          [bob, 200n],
        ],
        [
          [carla, 350n],
          [dora, 220n],
        ],
      );
      await proposed(1, content);
      expect(await site.refusal(stranger, execution(1, content))).toBe(`CapExceeded ${alice}`);
      await site.call(stranger, execution(1, content, [permitOf(alice, 450n)]));
      expect(await site.customer(alice)).toEqual([100n, 400n, 450n, 0n, 0n]);
      expect(await site.customer(bob)).toEqual([100n, 200n, 200n, 0n, 0n]);
      await site.call(carla, { name: 'withdrawEarnings', to: stranger });
      await site.call(dora, { name: 'withdrawEarnings', to: dora });
      await site.call(treasury, { name: 'sweepFees' });
      expect(await Promise.all([stranger, dora, treasury].map(site.held))).toEqual([350n, 220n, 30n]);
      expect(await site.held(site.vault.address)).toBe(200n);
    });

    test('is not held up by somebody who brings its permits before', async () => {
      await site.call(alice, deposit(alice, 500n));
      const content = contentOf([[alice, 400n]], []);
      await proposed(1, content);
      // He signed a higher one, too; a worthless signature of a permit that raises nothing is not looked at.
      await site.call(stranger, { name: 'raiseCap', ...permitOf(alice, 470n) });
      const worthless = { ...permitOf(alice, 450n), signature: permitOf(bob, 1n).signature };
      await site.call(stranger, execution(1, content, [permitOf(alice, 450n), worthless]));
      expect((await site.customer(alice))[2]).toBe(470n);
    });

    test('waits in public, can be vetoed to its last second, and says what it is refused for', async () => {
      const content = contentOf([[alice, 10n]], []);
      await site.call(operator, { name: 'propose', number: 1, content });
      expect(await site.refusal(operator, execution(1, content))).toBe('TooEarly');
      expect(await site.refusal(operator, { name: 'propose', number: 1, content })).toBe('Stale');
      await chain.pass(batchDelayS);
      expect(await site.refusal(stranger, execution(1, contentOf([[bob, 10n]], [])))).toBe('UnknownBatch');
      expect(await site.refusal(stranger, execution(1, content))).toBe(`CapExceeded ${alice}`);
      expect(await site.refusal(stranger, { name: 'veto', number: 1 })).toBe('NotGuardian');
      await site.call(guardian, { name: 'veto', number: 1 });
      expect(await site.refusal(stranger, execution(1, content))).toBe('UnknownBatch');
    });

    test('changes nothing when a newer one has its totals, and is void from then on', async () => {
      await site.call(alice, deposit(alice, 500n, 500n));
      const [first, second] = [contentOf([[alice, 100n]], [[carla, 90n]]), contentOf([[alice, 250n]], [[carla, 200n]])];
      await site.call(operator, { name: 'propose', number: 1, content: first });
      await proposed(2, second);
      await site.call(stranger, execution(2, second));
      expect(await site.refusal(stranger, execution(1, first))).toBe('Stale');
      await proposed(3, first);
      await site.call(stranger, execution(3, first));
      expect(await site.customer(alice)).toEqual([250n, 250n, 500n, 0n, 0n]);
      expect(await chain.read(site.vault, 'payees', [carla])).toEqual([200n, 0n]);
    });

    test('of a stolen operator key takes no more than a wallet signed and deposited', async () => {
      await site.call(alice, deposit(alice, 500n, 120n));
      await site.call(stranger, deposit(bob, 0n)).catch(() => undefined);
      const theft = contentOf([[alice, 121n]], [[stranger, 121n]]);
      await proposed(1, theft);
      expect(await site.refusal(operator, execution(1, theft))).toBe(`CapExceeded ${alice}`);
      const forged = { ...permitOf(alice, 500n), signature: { ...permitOf(alice, 500n).signature, by: operator } };
      expect(await site.refusal(operator, execution(1, theft, [forged]))).toBe('BadSignature');
      const madeUp = contentOf([[alice, 120n]], [[stranger, 121n]]);
      await proposed(2, madeUp);
      expect(await site.refusal(operator, execution(2, madeUp))).toBe('Unbalanced');
    });
  });

  describe('a withdrawal', () => {
    test('is its customer’s alone, once, in time, with the operator’s signature', async () => {
      await site.call(alice, deposit(alice, 500n));
      const deadline = (await chain.now()) + 900;
      const permit = withdrawalOf(alice, 200n, deadline);
      expect(await site.refusal(bob, permit)).toBe('BadSignature');
      expect(await site.refusal(alice, withdrawalOf(alice, 200n, deadline, alice))).toBe('BadSignature');
      expect(await site.refusal(alice, { ...permit, cumulative: 201n })).toBe('BadSignature');
      for (const flaw of ['large s', 'other chain', 'other vault', 'other v', 'too short', 'other kind'] as const) {
        expect(await site.refusal(alice, { ...permit, signature: { ...permit.signature, flaw } })).toBe('BadSignature');
      }
      await site.call(alice, permit);
      expect(await site.refusal(alice, permit)).toBe('Stale');
      expect(await site.refusal(alice, withdrawalOf(alice, 501n, deadline))).toBe(`InsufficientBalance ${alice}`);
      await chain.pass(901);
      expect(await site.refusal(alice, withdrawalOf(alice, 300n, deadline))).toBe('Expired');
      expect(await site.held(alice)).toBe(700n);
    });
  });

  describe('an exit', () => {
    test('takes seven days and nobody’s consent, and draws go on until then', async () => {
      await site.call(alice, deposit(alice, 500n, 300n));
      await site.call(alice, { name: 'requestExit' });
      expect(await site.refusal(alice, { name: 'requestExit' })).toBe('ExitPending');
      const content = contentOf([[alice, 300n]], [[carla, 300n]]);
      await proposed(1, content);
      await site.call(stranger, execution(1, content));
      // Somebody's dust neither ends the exit nor keeps it up.
      await site.call(bob, deposit(alice, 1n));
      expect(await site.refusal(alice, { name: 'exit', to: alice })).toBe('TooEarly');
      await chain.pass(exitDelayS - batchDelayS);
      await site.call(alice, { name: 'exit', to: alice });
      expect(await site.held(alice)).toBe(701n);
      expect(await site.customer(alice)).toEqual([0n, 300n, 300n, 0n, 201n]);
      expect(await site.refusal(alice, { name: 'exit', to: alice })).toBe('NoExit');
    });

    test('voids the permits that were signed before, and is called off by its customer', async () => {
      await site.call(alice, deposit(alice, 100n));
      await site.call(alice, { name: 'requestExit' });
      await site.call(alice, { name: 'cancelExit' });
      await chain.pass(exitDelayS);
      expect(await site.refusal(alice, { name: 'exit', to: alice })).toBe('NoExit');
      await site.call(alice, { name: 'requestExit' });
      await chain.pass(exitDelayS);
      const permit = withdrawalOf(alice, 60n, (await chain.now()) + 900);
      await site.call(alice, { name: 'exit', to: bob });
      await site.call(alice, deposit(alice, 100n));
      expect(await site.refusal(alice, permit)).toBe('Stale');
    });
  });

  test('a stranger’s deposit is the customer’s money and raises no cap', async () => {
    await site.call(bob, deposit(alice, 70n, 1_000n));
    expect(await site.customer(alice)).toEqual([70n, 0n, 0n, 0n, 0n]);
    expect(await site.refusal(bob, { name: 'raiseCap', ...permitOf(bob, 10n), customer: alice })).toBe('BadSignature');
    expect(await site.refusal(stranger, { name: 'sweepFees' })).toBe('NotTreasury');
    expect(await site.refusal(carla, { name: 'withdrawEarnings', to: carla })).toBe('ZeroAmount');
  });

  test('a deposit for nobody or the vault itself, and a payment there, are refused', async () => {
    for (const nobody of [`0x${'00'.repeat(20)}` as const, site.vault.address]) {
      expect(await site.refusal(alice, deposit(nobody, 10n))).toBe('InvalidAddress');
      expect(await site.refusal(alice, { name: 'exit', to: nobody })).toBe('InvalidAddress');
    }
    expect(await site.refusal(alice, deposit(alice, 0n))).toBe('ZeroAmount');
    expect(await site.refusal(alice, deposit(alice, 1_001n))).toBe('TransferFailed');
  });

  test('at the bounds of 128 bits nothing wraps, and what cannot be counted is refused', async () => {
    const all = 2n ** 128n - 1n;
    const site = await vaultOnChain(chain, await chain.deploy(publishedContract('test/TestToken'), [6]));
    for (const who of [alice, bob]) await site.endow(who, all);
    await site.call(alice, deposit(alice, all, all));
    expect(await site.refusal(bob, deposit(alice, 1n))).toBe('Panic 17');
    const tooMuch = contentOf(
      [[alice, all]],
      [
        [carla, all],
        [dora, all],
      ],
    );
    const content = contentOf([[alice, all]], [[carla, all]]);
    await site.call(operator, { name: 'propose', number: 1, content: tooMuch });
    await site.call(operator, { name: 'propose', number: 2, content });
    await chain.pass(batchDelayS);
    expect(await site.refusal(stranger, execution(1, tooMuch))).toBe('Unbalanced');
    await site.call(stranger, execution(2, content));
    await site.call(carla, { name: 'withdrawEarnings', to: carla });
    // His spent total is full: what he still deposits is his until he takes it out.
    await site.call(bob, deposit(alice, 5n));
    await site.call(alice, withdrawalOf(alice, 5n, (await chain.now()) + 900));
    expect(await Promise.all([carla, alice, site.vault.address].map(site.held))).toEqual([all, 5n, 0n]);
  });
});
