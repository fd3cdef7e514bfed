import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Address } from 'viem';
import { compile } from '../../scripts/contracts.js';
import { checkVault } from '../../src/chain/check-vault.js';
import { openVault } from '../../src/chain/open-vault.js';
import { createRpcs } from '../../src/chain/rpc.js';
import { ConfigError } from '../../src/config.js';
import type { ChainSettings } from '../../src/config/chain.js';
import { createLogger } from '../../src/observability/logger.js';
import { anvilKeys, startAnvil, type Anvil } from '../support/anvil.js';
import { deploy, deployVault, operatorKey, roles, settingsOf, type TestVault } from '../support/vault.js';
import { until } from '../support/until.js';

let anvil: Anvil;
let vault: TestVault;
beforeAll(async () => {
  anvil = await startAnvil();
  vault = await deployVault(anvil, { batchDelayS: 60 });
});
afterAll(() => anvil.stop());

const check = (settings: ChainSettings) => checkVault(settings, createRpcs(settings));
async function refusalOf(changed: Partial<ChainSettings>): Promise<string> {
  const error: unknown = await check(settingsOf(anvil, vault, changed)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigError);
  return (error as Error).message;
}

test('the vault that is configured is taken, with what never changes of it', async () => {
  expect(await check(settingsOf(anvil, vault))).toEqual({
    chainId: 31_337,
    vault: vault.vault,
    token: vault.token,
    decimals: 6,
    batchDelayS: 60,
    exitDelayS: 604_800,
  });
});

describe('a broker refuses, with what to do,', () => {
  test('nodes of another chain', async () => {
    expect(await refusalOf({ chainId: 1 })).toMatch(/is on chain 31337, and BLOCKCHAIN_CHAIN_ID is 1: correct/);
  });

  test('an address without a contract', async () => {
    const nobody: Address = `0x${'1'.repeat(40)}`;
    expect(await refusalOf({ vault: nobody })).toMatch(/no contract at VAULT_ADDRESS .*: deploy the vault there/);
  });

  test('a contract that is no vault', async () => {
    expect(await refusalOf({ vault: vault.token })).toMatch(/is no RentalVault.*Correct the address/);
  });

  test('a vault of another operator, and its message has no key', async () => {
    const foreign = anvilKeys[roles.provider]!;
    const said = await refusalOf({ operatorKey: foreign });
    expect(said).toContain(anvil.accounts[roles.operator]!.address);
    expect(said).toContain(`setOperator(${anvil.accounts[roles.provider]!.address})`);
    for (const key of [foreign, operatorKey]) expect(said).not.toContain(key.slice(2));
  });

  test('a vault for a token with more than 18 decimals, and not one with 18', async () => {
    expect(await refusalOf({ vault: (await deployVault(anvil, { decimals: 19 })).vault })).toMatch(/has 19 decimals/);
    const settings = settingsOf(anvil, await deployVault(anvil, { decimals: 18 }));
    expect(await check(settings)).toMatchObject({ decimals: 18 });
  });

  test('a GPUVault, by name and with the reason', async () => {
    const source = 'pragma solidity 0.8.37; contract GPUVault { uint256 public rentalCount = 7; }';
    const { GPUVault } = compile({ 'GPUVault.sol': `// SPDX-License-Identifier: MIT\n${source}` });
    const said = await refusalOf({ vault: await deploy(anvil, GPUVault!, []) });
    expect(said).toMatch(/is a GPUVault, whose customers lose what they deposit: .*without any signature/);
  });

  test.each([
    [{ batchDelayS: 3_599, exitDelayS: 604_800 }, /3599 s after .*: deploy one with a batchDelay of an hour/],
    [{ batchDelayS: 3_600, exitDelayS: 345_599 }, /leave 345599 s after .*: deploy one with an exitDelay of 345600/],
    [{ batchDelayS: 81_001, exitDelayS: 604_800 }, /81001 s after .*vetoed could not.*a batchDelay of 81000 or less/],
  ])('delays of %j in production, and not in a demonstration', async (delays, message) => {
    const hasty = await deployVault(anvil, delays);
    const error: unknown = await check(settingsOf(anvil, hasty, { isProduction: true })).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(message);
    expect(await check(settingsOf(anvil, hasty))).toMatchObject(delays);
  });

  test('no vault whose settlements come to their end twice before a customer leaves', async () => {
    for (const delays of [
      { batchDelayS: 3_600, exitDelayS: 345_600 },
      { batchDelayS: 81_000, exitDelayS: 345_600 },
    ]) {
      const slow = await deployVault(anvil, delays);
      expect(await check(settingsOf(anvil, slow, { isProduction: true }))).toMatchObject(delays);
    }
  });
});

test('a chain that does not answer holds up nothing, and is asked until it does', async () => {
  const lines: string[] = [];
  const logger = createLogger({ LOG_LEVEL: 'info' }, 'worker', { write: (line) => void lines.push(line) });
  const stop = new AbortController();
  const other = await startAnvil();
  const settings = settingsOf(other, await deployVault(other), { rpcUrls: [`${other.url}/?key=a-secret-path`] });
  await other.client.setCode({ address: settings.vault, bytecode: '0x' });
  await expect(openVault(settings, { logger, stop: stop.signal })).rejects.toThrow(ConfigError);
  await other.stop();

  const opened = await openVault(settings, { logger, stop: stop.signal });
  await until(() => lines.filter((line) => line.includes('not available yet')).length > 1);
  expect(lines.join('')).not.toContain('a-secret-path');
  stop.abort(new Error('stopped'));
  await expect(opened.checked).rejects.toThrow();
});
