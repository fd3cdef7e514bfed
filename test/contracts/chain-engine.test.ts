import { afterAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Address } from 'viem';
import { chainRoles, roleAccount, roleKeyFile } from '../../engines/chain/keys.js';
import { chainClient, tokenContract, vaultContract } from '../../engines/chain/wallet.js';
import { packageRoot } from '../../engines/paths.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { until } from '../support/until.js';

const dataDir = mkdtempSync(join(tmpdir(), 'chain-engine-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
const start = () => startStack({ dataDir, engines: [], chain: { batchDelayS: 7, exitDelayS: 90 } });
const someone = '0x00000000000000000000000000000000000000aa';

test('a stack has a chain with a vault and roles of its own, whose state goes on after an end and after a kill', async () => {
  let stack = await start();
  const { chain, chain_id, vault, token } = stack.endpoints() as Required<ReturnType<Stack['endpoints']>>;
  const { read, client } = chainClient({ chain, chain_id });
  expect(chain_id).toBe('31337');
  const of = (name: string) => read<unknown>(vault, vaultContract(), name);
  expect([await of('batchDelay'), await of('exitDelay')]).toEqual([7n, 90n]);
  expect(await read(token, tokenContract(), 'decimals')).toBe(6);
  for (const role of chainRoles) {
    expect(await of(role)).toBe(roleAccount(dataDir, role).address);
    expect(statSync(roleKeyFile(dataDir, role)).mode & 0o777).toBe(0o600);
    expect(await client.getBalance({ address: roleAccount(dataDir, role).address })).toBeGreaterThan(10n ** 18n);
  }
  expect(statSync(join(dataDir, 'chain')).mode & 0o777).toBe(0o700);

  const faucet = join(packageRoot, 'engines/cli/faucet.ts');
  const run = promisify(execFile);
  const { stdout } = await run('npx', ['tsx', faucet, someone, '--tokens', '2.5', '--data', dataDir]);
  expect(stdout).toContain('has 2.5 more test tokens');
  const tokens = (at: Address) => read(token, tokenContract(), 'balanceOf', [at]);
  expect(await tokens(someone)).toBe(2_500_000n);

  await stack.stop();
  stack = await start();
  expect(stack.endpoints()).toMatchObject({ chain, vault, token });
  expect(await tokens(someone)).toBe(2_500_000n);

  const { block } = JSON.parse(readFileSync(join(dataDir, 'chain/contracts.json'), 'utf8')) as { block: number };
  const finalBlock = async () => (await client.getBlock({ blockTag: 'finalized' })).number;
  await until(async () => (await finalBlock()) >= BigInt(block), { timeoutMs: 60_000, name: 'the vault is final' });
  const final = await finalBlock();
  const { hash } = await client.getBlock({ blockNumber: final });
  stack.kill('anvil');
  await stack.awaitReady('anvil');
  expect((await client.getBlock({ blockNumber: final })).hash).toBe(hash);
  expect(await tokens(someone)).toBe(2_500_000n);
  await stack.stop();

  rmSync(join(dataDir, 'anvil'), { recursive: true });
  await expect(start()).rejects.toThrow(`has lost its vault ${vault}: remove ${dataDir} and start anew`);
});
