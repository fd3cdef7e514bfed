import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from 'viem';
import { startAnvil } from '../anvil.js';
import type { Engine, EngineContext } from '../engine.js';
import { writeAtomically } from '../files.js';
import { chainRoles, roleAccount, roleKeyFile } from './keys.js';
import { chainClient, tokenContract, tokenDecimals, vaultContract, type ChainClient } from './wallet.js';

export interface ChainOptions {
  /** 31337 by default. */
  chainId?: number;
  /** Seconds between blocks: 1 by default. */
  blockTimeS?: number;
  /** Seconds between the proposal of a settlement and its execution: 5 by default. */
  batchDelayS?: number;
  /** Seconds between the request of an exit and the exit: 60 by default. */
  exitDelayS?: number;
  /** Seconds between two looks of the broker at the chain: 2 by default. */
  pollS?: number;
  /** Whether a guardian runs beside the broker, whose API it asks. */
  isGuarded?: boolean;
}

/** What was deployed at the first start. */
interface Deployment {
  token: Address;
  vault: Address;
  /** The block of the vault's deployment. */
  block: number;
}

/** Seconds after which anvil has written its state: a block is final later, so no kill takes a final one back. */
const stateIntervalS = 5;

/**
 * A chain with a test token, a vault and roles of its own, and the variables that make the broker settle there. Keys,
 * contracts and the state of the chain are kept in the data folder, so a stack that is started again goes on with them.
 *
 * @throws Error when the chain is not the one that the vault was deployed on
 */
export async function startChain(context: EngineContext, options: ChainOptions = {}): Promise<Engine> {
  const { chainId = 31_337, blockTimeS = 1, pollS = 2 } = options;
  const anvil = await startAnvil(context, {
    ...{ chainId, blockTimeS, stateIntervalS },
    slotsInAnEpoch: Math.ceil((stateIntervalS + 1) / (2 * blockTimeS)),
  });
  const chain = { chain: anvil.endpoints.chain!, chain_id: String(chainId) };
  const { token, vault, block } = await deployment(context.dataDir, chainClient(chain), options);
  return {
    endpoints: { ...chain, token, vault },
    roleEnv: {
      ENABLE_BLOCKCHAIN: 'true',
      BLOCKCHAIN_RPC_URL: chain.chain,
      BLOCKCHAIN_CHAIN_ID: chain.chain_id,
      VAULT_ADDRESS: vault,
      VAULT_FROM_BLOCK: String(block),
      CHAIN_FINALITY: 'finalized',
      CHAIN_POLL_S: String(pollS),
      GUARDIAN_WALLETS: [context.env['GUARDIAN_WALLETS'], roleAccount(context.dataDir, 'guardian').address]
        .filter(Boolean)
        .join(','),
      // Machines that were authorized for the chain of Ethereum, which is what they propose, may join as well.
      AUTH_CHAIN_IDS: context.env['AUTH_CHAIN_IDS'] || `${chainId},1`,
    },
    // Not that of another site, which may be in this environment.
    workerEnv: { BACKEND_PRIVATE_KEY: undefined, BACKEND_PRIVATE_KEY_FILE: roleKeyFile(context.dataDir, 'operator') },
  };
}

/** The contracts of this stack, which are deployed once. */
async function deployment(dataDir: string, chain: ChainClient, options: ChainOptions): Promise<Deployment> {
  const folder = join(dataDir, 'chain');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'contracts.json');
  if (existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Deployment;
    if ((await chain.client.getCode({ address: kept.vault })) !== undefined) return kept;
    throw new Error(`the chain in ${dataDir}/anvil has lost its vault ${kept.vault}: remove ${dataDir} and start anew`);
  }
  const made = await deploy(dataDir, chain, options);
  await untilWritten(join(dataDir, 'anvil', 'state.json'));
  writeAtomically(file, `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

async function deploy(dataDir: string, chain: ChainClient, options: ChainOptions): Promise<Deployment> {
  const { batchDelayS = 5, exitDelayS = 60 } = options;
  const accounts = chainRoles.map((role) => roleAccount(dataDir, role));
  const addresses = accounts.map(({ address }) => address);
  for (const address of addresses) await chain.fund(address);
  const admin = accounts[0]!;
  const token = await chain.deploy(admin, tokenContract(), [tokenDecimals]);
  const vault = await chain.deploy(admin, vaultContract(), [
    ...[token.address, ...addresses],
    ...[BigInt(batchDelayS), BigInt(exitDelayS)],
  ]);
  return { token: token.address, vault: vault.address, block: Number(vault.blockNumber) };
}

/** Waits until anvil has written what is there now: a chain that is killed before comes back without the vault. */
async function untilWritten(file: string): Promise<void> {
  const since = Date.now();
  const isWritten = () => existsSync(file) && statSync(file).mtimeMs > since;
  for (const deadline = since + 60_000; !isWritten(); await sleep(100))
    if (Date.now() > deadline) throw new Error(`anvil has not written ${file} for a minute`);
}
