import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BookedVault } from '../../src/billing/vault-events.js';
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
