import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BookedVault } from '../../src/billing/vault-events.js';
import { recordVault } from '../../src/db/vaults.js';
import { replaceIncoming } from '../../src/db/vault-events.js';
import { newWallet } from '../support/api.js';
import { putProvider } from '../support/fleet.js';
import { bodyOf } from '../support/placing.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { vaultSays } from '../support/vault-news.js';

const vault: BookedVault = { chainId: 1, vault: `0x${'5e'.repeat(20)}`, scale: 10n ** 12n, leastDeposit: 0n };
const env = {
  ...{ ENABLE_BLOCKCHAIN: 'true', BLOCKCHAIN_RPC_URL: 'http://127.0.0.1:9', BLOCKCHAIN_CHAIN_ID: '1' },
  // Nodes of the chain are asked by workers alone.
  ...{ VAULT_ADDRESS: vault.vault, BROKER_ROLES: 'api' },
};
const tokens = (count: number) => String(10n ** 18n * BigInt(count));
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';

let replicas: Replicas;
beforeAll(async () => {
  const never = () => Promise.reject(new Error('is not asked for'));
  const jobs = { startAndWait: () => Promise.resolve('still_starting' as const), cancel: never, extend: never };
  replicas = await startReplicas({ env, commands: { jobs } });
  await putProvider(replicas.database.pool, {
    providerId: 'atlas',
    gpuPrice: 1,
    gpus: { model: 'RTX 4090', count: 8 },
  });
});
afterAll(() => replicas.stop());

test('at a site with a chain a customer is told what to deposit, sees it on its way, and rents once it is final', async () => {
  const { pool } = replicas.database;
  const account = newWallet();
  const wallet = account.address.toLowerCase();
  const session = await replicas.api.login({ account, scopes: ['jobs:read', 'jobs:write'], spendLimit: 10n ** 24n });
  const order = () =>
    session.request('POST', '/api/v1/jobs', {
      ...{ gpu_type: 'RTX 4090', gpu_count: 1, duration_hours: 3, ssh_public_keys: [sshKey] },
      ...{ cpu_cores: 1, memory_gb: 1, storage_gb: 1 },
    });
  const deposits = async () => bodyOf(await session.request('GET', '/api/v1/billing/deposits'));

  await vaultSays(pool, vault, { name: 'RoleAnnounced', args: {} });
  const refused = await order();
  expect([refused.status, bodyOf(refused)]).toEqual([
    402,
    expect.objectContaining({
      ...{ code: 'insufficient_funds', required: tokens(3), available: '0', missing: tokens(3) },
      deposit: { chain_id: 1, vault: vault.vault, customer: wallet },
    }),
  ]);
  expect((await pool.query('select from jobs')).rowCount).toBe(0);

  const txHash = `0x${'d'.repeat(64)}` as const;
  await replaceIncoming(pool, vault, [{ txHash, logIndex: 0, wallet, amount: 4n * 10n ** 18n, block: 9 }]);
  expect(await deposits()).toMatchObject({
    ...{ vault: { chain_id: 1, address: vault.vault }, deposited: '0', cap: '0', exit_at: null, read_block: 1 },
    incoming: [{ tx_hash: txHash, amount: tokens(4), amount_tokens: '4', block: 9 }],
  });
  expect((await order()).status).toBe(402);

  await vaultSays(
    pool,
    vault,
    { name: 'Deposited', args: { customer: account.address, from: account.address, amount: '4000000' } },
    { name: 'CapRaised', args: { customer: account.address, cap: '9000000' } },
  );
  expect(await deposits()).toMatchObject({ deposited: tokens(4), cap_tokens: '9', withdrawn: '0', read_block: 2 });
  expect((await order()).status).toBe(202);
  const balance = bodyOf(await session.request('GET', '/api/v1/billing/balance'));
  expect(balance).toMatchObject({ mode: 'prepaid', available: tokens(1), reserved: tokens(3), owed: '0' });
});

test('a customer of a site with a chain sees when his jobs end because he leaves, and that he is frozen once he left owing', async () => {
  const { pool } = replicas.database;
  const account = newWallet();
  const session = await replicas.api.login({ account, scopes: ['jobs:read', 'jobs:write'], spendLimit: 10n ** 24n });
  const deposits = async () => bodyOf(await session.request('GET', '/api/v1/billing/deposits'));
  const args = { customer: account.address, from: account.address, to: account.address };
  const exitAt = Date.UTC(2031, 0, 8);
  await vaultSays(
    pool,
    vault,
    { name: 'Deposited', args: { ...args, amount: '4000000' } },
    { name: 'CapRaised', args: { ...args, cap: '9000000' } },
    { name: 'ExitRequested', args: { ...args, exitAt: String(exitAt / 1_000) } },
  );
  expect(await deposits()).toMatchObject({
    ...{ exit_at: '2031-01-08T00:00:00.000Z', jobs_end_at: '2031-01-06T00:00:00.000Z', frozen: null },
  });
  await vaultSays(
    pool,
    vault,
    { name: 'Exited', args },
    { name: 'Withdrawn', args: { ...args, amount: '4000000' } },
    // What was charged meanwhile.
    { name: 'Withdrawn', args: { ...args, amount: '1000000' } },
  );
  expect(await deposits()).toMatchObject({
    ...{ exit_at: null, jobs_end_at: null },
    frozen: { reason: 'left_owing', owed: tokens(1), owed_tokens: '1' },
  });
});

test('a site with a chain on which nothing is settled for days takes no new orders, and says since when', async () => {
  const { pool } = replicas.database;
  const session = await replicas.api.login({ scopes: ['jobs:read', 'jobs:write'], spendLimit: 10n ** 24n });
  const order = () =>
    session.request('POST', '/api/v1/jobs', {
      ...{ gpu_type: 'RTX 4090', gpu_count: 1, duration_hours: 1, ssh_public_keys: [sshKey] },
    });
  await recordVault(pool, vault, { scale: vault.scale, batchDelayS: 43_200, exitDelayS: 604_800 });
  expect((await order()).status).toBe(402);
  const settled = (hoursAgo: number) =>
    pool.query('update vaults set settled_until = now() - make_interval(hours => $1)', [hoursAgo]);
  await settled(97);
  const refused = await order();
  expect([refused.status, bodyOf(refused)]).toMatchObject([
    503,
    { code: 'settlement_stalled', since: expect.stringMatching(/^20/) },
  ]);
  await settled(95);
  expect((await order()).status).toBe(402);
});
