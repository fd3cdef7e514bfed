import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compile, readSources } from '../../scripts/contracts.js';
import { BadPlan, deployVault, planOf } from '../../scripts/deploy-vault.js';
import { anvilKeys, startAnvil, type Anvil } from '../support/anvil.js';
import { deploy, deployVault as deployForTests, roles } from '../support/vault.js';

// `npm run vault:deploy`: what it refuses, with what to do, and without the key or the path of the node's address.

const secretPath = '/v3/credential';
let anvil: Anvil;
let folder: string;
let token: string;
beforeAll(async () => {
  anvil = await startAnvil();
  folder = mkdtempSync(join(tmpdir(), 'vault-deploy-'));
  writeFileSync(join(folder, 'key'), anvilKeys[0]!);
  ({ token } = await deployForTests(anvil));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await anvil.stop();
});

const said: string[] = [];

/** What is given, with these options changed; undefined: left out. */
function argumentsWith(changed: Record<string, string | undefined>): string[] {
  const [admin, operator, guardian, treasury] = [roles.admin, roles.operator, roles.guardian, roles.treasury].map(
    (role) => anvil.accounts[role]!.address,
  );
  const given = {
    ...{ rpc: anvil.url, 'key-file': join(folder, 'key'), token, admin, operator, guardian, treasury },
    ...changed,
  };
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}

async function refusalOf(changed: Record<string, string | undefined>): Promise<string> {
  said.length = 0;
  try {
    await deployVault(planOf(argumentsWith(changed)), (line) => void said.push(line));
  } catch (error) {
    expect(error).toBeInstanceOf(BadPlan);
    const { message } = error as BadPlan;
    expect(message).not.toContain(anvilKeys[0]!.slice(2));
    expect(message).not.toContain(secretPath);
    // Nothing was sent.
    expect(said.join()).not.toMatch(/^sent/);
    return message;
  }
  throw new Error('it was deployed');
}

const hour = 3_600;

describe('no vault is deployed', () => {
  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ['without a node', { rpc: undefined }, /^--rpc: give the URL of a node\n\nUsage: npm run vault:deploy/],
    ['by a node whose name is no URL', { rpc: 'node' }, /^--rpc: give the URL of a node/],
    ['without a key', { 'key-file': undefined }, /^--key-file: name a file with a key/],
    [
      'with a key in a file that is not there',
      { 'key-file': '/nowhere/key' },
      /^--key-file: \/nowhere\/key cannot be read/,
    ],
    ['without a treasury', { treasury: undefined }, /^--treasury: give an address, 0x and 40 hex digits/],
    ['for an operator without an address', { operator: '0x12' }, /^--operator: give an address/],
    ['with a delay in words', { 'batch-delay': '12h' }, /^--batch-delay: give a number of seconds/],
    ['with an option that there is not', { nonce: '1' }, /--nonce/],
    [
      'whose customers cannot leave in time',
      { 'batch-delay': String(12 * hour), 'exit-delay': String(23 * hour) },
      /^--exit-delay: at least twice --batch-delay, and at most 2592000 \(30 days\)/,
    ],
    [
      'whose customers leave after 31 days',
      { 'exit-delay': String(31 * 24 * hour) },
      /^--exit-delay: .* at most 2592000/,
    ],
    [
      'by a node that does not answer',
      { rpc: `http://127.0.0.1:9${secretPath}` },
      /^--rpc: the node at 127\.0\.0\.1:9 does not answer as a node of a chain does: start it, or name another/,
    ],
    [
      'for a token that is none',
      { token: `0x${'1'.repeat(40)}` },
      /^--token: at 0x1+ is no token that says its decimals/,
    ],
  ])('%s', async (_, changed, words) => {
    expect(await refusalOf(changed)).toMatch(words);
  });

  test('whose operator and guardian are one', async () => {
    const operator = anvil.accounts[roles.operator]!.address;
    expect(await refusalOf({ guardian: operator.toLowerCase() })).toBe(
      'operator and guardian are the same: whoever steals that key has both roles',
    );
  });

  test('for a token of 19 decimals', async () => {
    const contracts = compile(readSources());
    const many = await deploy(anvil, contracts['TestToken']!, [19]);
    expect(await refusalOf({ token: many })).toBe('--token: it has 19 decimals, and amounts here have 18 at most');
  });
});

test('a vault with a delay below an hour is deployed, for tests, and it says that no broker takes it in production', async () => {
  said.length = 0;
  const plan = planOf(argumentsWith({ 'batch-delay': '60', 'exit-delay': String(168 * hour) }));
  const variables = await deployVault(plan, (line) => void said.push(line));
  expect(said[0]).toMatch(/^In production no broker takes this vault, because it executes a settlement 60 s after/);
  expect(variables).toMatchObject({
    BLOCKCHAIN_CHAIN_ID: '31337',
    VAULT_ADDRESS: expect.stringMatching(/^0x[0-9a-f]{40}$/),
  });
});
