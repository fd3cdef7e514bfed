import { afterAll, beforeAll, expect } from '@jest/globals';
import { describeUnless } from '../support/needs.js';
import { story } from '../support/story.js';
import { missingAnvil, publishedContract, startVaultChain, type VaultChain } from '../support/vault-chain.js';
import type { SpendPermit } from './vault-calls.js';
import { actors, batchDelayS, contentOf, vaultOnChain, type VaultOnChain } from './vault-on-chain.js';

const hour = 3_600;
const { admin, alice, carla, guardian, heir, operator, purse, stranger, treasury, warden } = actors;
const nothing = contentOf([], []);

describeUnless(missingAnvil())('roles and pauses of a vault on a chain', () => {
  let chain: VaultChain;
  beforeAll(async () => void (chain = await startVaultChain()));
  afterAll(() => chain.stop());
  const fresh = async (): Promise<VaultOnChain> =>
    await vaultOnChain(chain, await chain.deploy(publishedContract('test/TestToken'), [6]));

  const roles = story('a role changes 48 hours after it was announced', 120_000);
  let site: VaultOnChain;
  const holders = async () =>
    (await Promise.all(['operator', 'guardian', 'treasury'].map((role) => chain.read<string>(site.vault, role)))).map(
      (who) => who.toLowerCase(),
    );

  roles('nobody but the admin announces one', async () => {
    site = await fresh();
    for (const by of [operator, guardian, treasury, stranger]) {
      expect(await site.refusal(by, { name: 'setOperator', next: by })).toBe('NotAdmin');
    }
    const next = site.vault.address;
    expect(await site.refusal(admin, { name: 'setGuardian', next })).toBe('InvalidAddress');
  });
  roles('until then everything is as before', async () => {
    await site.call(admin, { name: 'setOperator', next: heir });
    await site.call(admin, { name: 'setGuardian', next: warden });
    await site.call(admin, { name: 'setTreasury', next: purse });
    await chain.pass(48 * hour - 60);
    expect(await holders()).toEqual([operator, guardian, treasury]);
    expect(await site.refusal(heir, { name: 'propose', number: 1, content: nothing })).toBe('NotOperator');
    await site.call(operator, { name: 'propose', number: 1, content: nothing });
    await site.call(guardian, { name: 'pause' });
  });
  roles('and then they are the new ones, without another word', async () => {
    await chain.pass(120);
    expect(await holders()).toEqual([heir, warden, purse]);
    expect(await chain.read(site.vault, 'announced', [0])).toEqual([`0x${'00'.repeat(20)}`, 0n]);
    // The new guardian ends what a thief of the old one's key began.
    expect(await site.refusal(guardian, { name: 'unpause' })).toBe('NotGuardian');
    await site.call(warden, { name: 'unpause' });
  });
  roles('a batch of the operator before is void', async () => {
    await chain.pass(batchDelayS);
    const old = { name: 'execute', number: 1, content: nothing, permits: [] as SpendPermit[] } as const;
    expect(await site.refusal(stranger, old)).toBe('NotOperator');
    await site.call(heir, { name: 'propose', number: 2, content: nothing });
    await chain.pass(batchDelayS);
    await site.call(stranger, { ...old, number: 2 });
  });
  roles('a change that was called off does not come', async () => {
    await site.call(admin, { name: 'setOperator', next: stranger });
    await chain.pass(24 * hour);
    await site.call(admin, { name: 'setOperator', next: heir });
    await chain.pass(200 * hour);
    expect((await holders())[0]).toBe(heir);
  });

  const pauses = story('a pause ends by itself, and the next one has to wait', 120_000);
  pauses('it stops deposits, proposals and batches, and no way out', async () => {
    site = await fresh();
    await site.endow(alice, 100n);
    const deposit = { name: 'deposit', customer: alice, amount: 50n, newCap: 50n } as const;
    await site.call(alice, deposit);
    await site.call(operator, { name: 'propose', number: 1, content: contentOf([[alice, 20n]], [[carla, 10n]]) });
    await chain.pass(batchDelayS);
    await site.call(stranger, {
      ...{ name: 'execute', number: 1, permits: [] },
      content: contentOf([[alice, 20n]], [[carla, 10n]]),
    });
    expect(await site.refusal(operator, { name: 'pause' })).toBe('NotGuardian');
    await site.call(guardian, { name: 'pause' });
    expect(await site.refusal(alice, deposit)).toBe('Paused');
    expect(await site.refusal(operator, { name: 'propose', number: 2, content: nothing })).toBe('Paused');
    expect(await site.refusal(stranger, { name: 'execute', number: 1, content: nothing, permits: [] })).toBe('Paused');
    await site.call(alice, { name: 'requestExit' });
    await site.call(carla, { name: 'withdrawEarnings', to: carla });
    await site.call(treasury, { name: 'sweepFees' });
  });
  pauses('after 72 hours everything goes on', async () => {
    await chain.pass(72 * hour - 60);
    expect(await site.refusal(operator, { name: 'propose', number: 2, content: nothing })).toBe('Paused');
    await chain.pass(120);
    await site.call(operator, { name: 'propose', number: 2, content: nothing });
  });
  pauses('and for 96 hours the guardian pauses nothing, which is time for a batch', async () => {
    expect(await site.refusal(guardian, { name: 'pause' })).toBe('TooEarly');
    await chain.pass(96 * hour - 240);
    expect(await site.refusal(guardian, { name: 'pause' })).toBe('TooEarly');
    await site.call(stranger, { name: 'execute', number: 2, content: nothing, permits: [] });
    await chain.pass(240);
    await site.call(guardian, { name: 'pause' });
  });
  pauses('a pause that the guardian ends early makes the next one come no sooner', async () => {
    await site.call(guardian, { name: 'unpause' });
    expect(await site.refusal(guardian, { name: 'pause' })).toBe('TooEarly');
    expect(await site.refusal(guardian, { name: 'unpause' })).toBe('NotPaused');
    await chain.pass(95 * hour);
    expect(await site.refusal(guardian, { name: 'pause' })).toBe('TooEarly');
  });
  pauses('exits were not held up', async () => {
    await site.call(alice, { name: 'exit', to: alice });
    expect(await site.held(alice)).toBe(80n);
  });
});
