import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createRpcs } from '../../src/chain/rpc.js';
import { approvalsFile } from '../../src/guardian/approvals.js';
import { checkGuardedVault } from '../../src/guardian/check-vault.js';
import { callVault, setUp } from '../../src/guardian/commands.js';
import { SetupError, type GuardianSettings } from '../../src/guardian/config.js';
import { runGuardian } from '../../src/guardian/run.js';
import { anvilKeys, startAnvil, type Anvil } from '../support/anvil.js';
import type { AskedOfChain, Fault } from '../support/rpc-proxy.js';
import { receiptKey } from '../support/receipts.js';
import { useGuardedSite } from '../support/guarded-tests.js';
import { roles } from '../support/vault.js';

// Each refusal says what is wrong and what to do, and no key.

const scene = useGuardedSite();
let foreign: Anvil;
beforeAll(async () => {
  foreign = await startAnvil({ chainId: 4_242 });
});
afterAll(() => foreign.stop());

let lines: string[];
beforeEach(() => {
  lines = [];
});

const withKey = (role: keyof typeof roles): Partial<GuardianSettings> => ({
  key: anvilKeys[roles[role]]!,
  address: scene.anvil.accounts[roles[role]]!.address.toLowerCase() as `0x${string}`,
});

async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  const { message } = error as Error;
  for (const key of [...anvilKeys, receiptKey]) expect(message).not.toContain(key.slice(2));
  return message;
}

const settingsWith = (changed: Partial<GuardianSettings>): GuardianSettings => ({
  ...scene.guarded.settings,
  ...changed,
});

async function checkRefusal(changed: Partial<GuardianSettings>): Promise<string> {
  const settings = settingsWith(changed);
  return await refusalOf(checkGuardedVault(settings, createRpcs({ ...settings, timeoutMs: 1_000 })));
}

test('the vault that is configured is taken, with what the guardian needs of it', async () => {
  const { settings } = scene.guarded;
  expect(await checkGuardedVault(settings, createRpcs(settings))).toEqual({
    ...{ chainId: settings.chainId, vault: settings.vault, scale: 10n ** 12n, batchDelayS: 3_600 },
  });
});

describe('a guardian refuses, with what to do,', () => {
  test('another chain than the one that is configured', async () => {
    expect(await checkRefusal({ chainId: 1 })).toMatch(
      /node at 127\.0\.0\.1:\d+ is on chain 31337, and GUARDIAN_CHAIN_ID is 1: correct the one that is wrong/,
    );
  });

  test('nothing for good because a second node is on another chain, or says so: it says which one', async () => {
    const [first] = scene.guarded.settings.rpcUrls;
    const said = await checkRefusal({ rpcUrls: [first!, foreign.url] });
    const { host } = new URL(foreign.url);
    expect(said).toContain(`disagree about their chain (${host} is on chain 4242, and GUARDIAN_CHAIN_ID is 31337)`);
  });

  test('an address without a contract', async () => {
    expect(await checkRefusal({ vault: `0x${'1'.repeat(40)}` })).toMatch(
      /no contract at GUARDIAN_VAULT \(0x1{40}\) on chain 31337: correct the address/,
    );
  });

  test('a contract that is no vault', async () => {
    expect(await checkRefusal({ vault: scene.site.vault.token })).toMatch(/is no RentalVault: correct the address/);
  });

  test('the operator’s key', async () => {
    expect(await checkRefusal(withKey('operator'))).toMatch(
      /GUARDIAN_PRIVATE_KEY is the key of the vault's operator.*Make another key, and have the admin call setGuardian/,
    );
  });

  test('the admin’s key', async () => {
    expect(await checkRefusal(withKey('admin'))).toMatch(
      /is the key of the vault's admin.*make a key of the guardian's own/,
    );
  });

  test('the key of somebody who is not the guardian', async () => {
    const stranger = withKey('customer');
    expect(await checkRefusal(stranger)).toMatch(
      new RegExp(
        `is the key of ${stranger.address}: give the guardian's key, or have .* call setGuardian\\(${stranger.address}\\)`,
      ),
    );
  });

  test('the key of whoever will be the guardian, until he is', async () => {
    const next = withKey('customer');
    await scene.site.vault.send(scene.anvil.accounts[roles.admin]!, 'vault', 'setGuardian', [next.address]);
    expect(await checkRefusal(next)).toMatch(
      new RegExp(`${next.address} will be from 20\\d\\d-.*Z on: give the guardian's key`),
    );
  });

  test('a vault whose delay leaves hardly any time to look, in production alone', async () => {
    expect(await checkRefusal({ isProduction: true, marginS: 2_000 })).toMatch(
      /GUARDIAN_MARGIN_S \(2000\) is more than half of the vault's delay of 3600 s: lower it/,
    );
    await expect(
      checkGuardedVault(settingsWith({ marginS: 2_000 }), createRpcs(scene.guarded.settings)),
    ).resolves.toBeDefined();
  });

  test('nothing for good while a node does not answer: it says which one', async () => {
    scene.guarded.nodes[1].faults(() => 'no connection');
    const host = new URL(scene.guarded.settings.rpcUrls[1]!).host;
    expect(await checkRefusal({})).toContain(`the chain’s node at ${host} does not answer`);
  });

  test.each<[string, (asked: AskedOfChain) => Fault]>([
    ['there is no contract', ({ method }) => (method === 'eth_getCode' ? { result: '0x' } : 'pass')],
    ['it has another guardian', ({ method }) => (method === 'eth_call' ? { result: `0x${'1'.repeat(64)}` } : 'pass')],
    ['it is on another chain', ({ method }) => (method === 'eth_chainId' ? { result: '0x1' } : 'pass')],
    ['it answers nothing', ({ method }) => (method === 'eth_call' ? { result: '0x' } : 'pass')],
  ])('nothing for good because one node alone says that %s', async (_, lie) => {
    scene.guarded.nodes[1].faults(lie);
    const { settings } = scene.guarded;
    await expect(checkGuardedVault(settings, createRpcs(settings))).rejects.toMatchObject({
      code: 'dependency_unavailable',
      message: expect.stringMatching(/disagree about (?:the vault|their chain)/),
    });
  });
});

describe('the set-up', () => {
  const say = (line: string) => void lines.push(line);
  const fresh = () => {
    const settings = settingsWith({ dataDir: `${scene.guarded.settings.dataDir}/fresh` });
    return { settings, file: approvalsFile(settings) };
  };

  test('approves the keys that sign receipts, and says how to compare them', async () => {
    const { settings, file } = fresh();
    await scene.rented();
    await setUp(settings, say);
    expect(file.read()!.keys).toHaveLength(1);
    expect(lines.join('\n')).toMatch(/Compare them with what the operator tells you in person:\n\s+0x[0-9a-f]{40}\n/);
  });

  test('is done once: then keys are approved one by one', async () => {
    expect(await refusalOf(setUp(scene.guarded.settings, say))).toMatch(/is set up already: use `approve key ADDRESS`/);
  });

  test('approves nothing while the broker is away, and says which answer is missing', async () => {
    const { settings, file } = fresh();
    scene.guarded.broker.lies.set('/api/v1/receipts/keys', 'away');
    expect(await refusalOf(setUp(settings, say))).toMatch(/the broker does not answer \/api\/v1\/receipts\/keys/);
    expect(file.read()).toBeUndefined();
  });

  test('approves nothing of a broker that signs no receipts', async () => {
    const { settings, file } = fresh();
    scene.guarded.broker.lies.set('/api/v1/receipts/keys', () => ({ keys: [] }));
    expect(await refusalOf(setUp(settings, say))).toMatch(/set RECEIPT_PRIVATE_KEY there, and begin again/);
    expect(file.read()).toBeUndefined();
  });

  test('approves nothing of a vault that it refuses', async () => {
    const { settings, file } = fresh();
    const work = setUp({ ...settings, ...withKey('operator') }, say);
    expect(await refusalOf(work)).toContain("is the key of the vault's operator");
    expect(file.read()).toBeUndefined();
  });
});

describe('the loop', () => {
  test('does not begin before the set-up', async () => {
    const settings = settingsWith({ dataDir: `${scene.guarded.settings.dataDir}/fresh` });
    const error: unknown = await runGuardian(settings, new AbortController().signal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SetupError);
    expect((error as Error).message).toMatch(/Nothing is approved yet: run `npm run guardian -- setup` first/);
  });

  test('logs in again when its session has ended, and approves as before', async () => {
    await scene.rented();
    const { guard, memory, broker } = await scene.guarded.guard();
    await scene.guarded.proposeInstead(() => undefined);
    // The first look logs in; then the broker forgets who that was.
    await broker.bookings(1, new AbortController().signal);
    await scene.site.pool.query(`update auth_sessions set revoked_at = now(), expires_at = now()`);
    await guard.look();
    await broker.end();
    expect(memory.now.decisions).toMatchObject([{ number: 1, verdict: 'approved' }]);
  });

  test('says in its state that the broker is not reachable, until it is', async () => {
    await scene.rented();
    const { guard, status, broker } = await scene.guarded.guard();
    await scene.guarded.proposeInstead(() => undefined);
    scene.guarded.broker.lies.set('/api/v1/admin/receipts', 'away');
    await guard.look();
    expect(status.readiness()['broker']).toEqual({
      ok: false,
      detail: expect.stringMatching(/^the broker does not answer \/api\/v1\/admin\/receipts/),
    });
    scene.guarded.broker.lies.delete('/api/v1/admin/receipts');
    await guard.look();
    await broker.end();
    expect(status.readiness()['broker']).toEqual({ ok: true });
  });

  test('says in its state when somebody else has become the guardian', async () => {
    const { guard, status, broker } = await scene.guarded.guard();
    const admin = scene.anvil.accounts[roles.admin]!;
    const { address } = withKey('customer');
    await scene.site.vault.send(admin, 'vault', 'setGuardian', [address]);
    await scene.anvil.client.increaseTime({ seconds: 48 * 3_600 + 1 });
    await scene.site.mine();
    await guard.look();
    await broker.end();
    expect(status.readiness()['role']).toEqual({
      ok: false,
      detail: `the vault's guardian is ${address} now: this program can veto nothing`,
    });
  });
});

test('by hand, a wallet without coins is told to get some', async () => {
  await scene.anvil.client.setBalance({ address: scene.guarded.settings.address, value: 0n });
  const work = callVault(
    scene.guarded.settings,
    { call: { name: 'pause' }, reason: 'why', pollMs: 10 },
    () => undefined,
  );
  const said = await refusalOf(work);
  await scene.anvil.client.setBalance({ address: scene.guarded.settings.address, value: 10n ** 22n });
  expect(said).toMatch(/^0x.*has too few coins for gas: send it some/);
});
