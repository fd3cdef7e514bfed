import { parseAbi, type Address } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { ConfigError } from '../config.js';
import type { ChainSettings } from '../config/chain.js';
import { BrokerError } from '../domain/errors.js';
import { delayFault } from '../domain/vault-delays.js';
import { agreed, askChain, type ChainReader, type Rpc } from './rpc.js';

/** What the broker needs to know of its vault, and never changes. */
export interface VaultFacts {
  chainId: number;
  vault: Address;
  token: Address;
  /** Of the token. */
  decimals: number;
  /** From the proposal of a batch to its execution. */
  batchDelayS: number;
  /** From a customer's request for all his money to when he may take it. */
  exitDelayS: number;
}

const vaultAbi = parseAbi([
  'function token() view returns (address)',
  'function operator() view returns (address)',
  'function batchDelay() view returns (uint64)',
  'function exitDelay() view returns (uint64)',
  'function announced(uint8 role) view returns (address next, uint64 from)',
]);
/** By its number in the contract: of the operator. */
const operatorRole = 0;
const otherAbi = parseAbi([
  'function rentalCount() view returns (uint256)',
  'function decimals() view returns (uint8)',
]);

/**
 * Holds the settings against every node of the chain.
 *
 * @throws ConfigError that says what is wrong and what to do; BrokerError `dependency_unavailable` while a node does not
 *   answer, or nodes disagree.
 */
export async function checkVault(settings: ChainSettings, rpcs: readonly Rpc[]): Promise<VaultFacts> {
  for (const rpc of rpcs) {
    const found = await askChain(() => rpc.client.getChainId());
    if (found === settings.chainId) continue;
    const what = `The node at ${rpc.host} is on chain ${found}, and BLOCKCHAIN_CHAIN_ID is ${settings.chainId}`;
    throw new ConfigError(`${what}: correct the one that is wrong, BLOCKCHAIN_RPC_URL or BLOCKCHAIN_CHAIN_ID.`);
  }
  const facts = await agreed(rpcs, 'the vault', ({ client }) => vaultFacts(client, settings));
  const fault = settings.isProduction ? delayFault(facts) : undefined;
  if (fault !== undefined) throw new ConfigError(`The vault ${fault}, and name it in VAULT_ADDRESS.`);
  return facts;
}

async function vaultFacts(client: ChainReader, settings: ChainSettings): Promise<VaultFacts> {
  const { vault, chainId } = settings;
  const code = await client.getCode({ address: vault });
  if (code === undefined) {
    throw new ConfigError(
      `There is no contract at VAULT_ADDRESS (${vault}) on chain ${chainId}: deploy the vault there, or correct the address.`,
    );
  }
  const read = (functionName: 'token' | 'operator' | 'batchDelay' | 'exitDelay') =>
    answerOf(client.readContract({ address: vault, abi: vaultAbi, functionName }));
  if (
    (await answerOf(client.readContract({ address: vault, abi: otherAbi, functionName: 'rentalCount' }))) !== undefined
  ) {
    throw new ConfigError(
      `VAULT_ADDRESS (${vault}) is a GPUVault, whose customers lose what they deposit: whoever knows a session key can ` +
        'start a rental with it, without any signature, and pay himself. Deploy a RentalVault, and name it instead.',
    );
  }
  const [token, operator, delay] = [await read('token'), await read('operator'), await read('batchDelay')];
  const exitDelay = await read('exitDelay');
  const areDelays = typeof delay === 'bigint' && typeof exitDelay === 'bigint';
  if (typeof token !== 'string' || typeof operator !== 'string' || !areDelays) {
    throw new ConfigError(
      `The contract at VAULT_ADDRESS (${vault}) is no RentalVault: it does not say its token, operator, batchDelay and exitDelay. ` +
        'Correct the address.',
    );
  }
  const next = await answerOf(
    client.readContract({ address: vault, abi: vaultAbi, functionName: 'announced', args: [operatorRole] }),
  );
  mustBeOperator(operator as Address, Array.isArray(next) ? (next[0] as Address) : undefined, settings);
  const decimals = await answerOf(
    client.readContract({ address: token as Address, abi: otherAbi, functionName: 'decimals' }),
  );
  if (typeof decimals !== 'number') {
    throw new ConfigError(`The vault's token (${token}) does not say its decimals: deploy a vault for another token.`);
  }
  if (decimals > 18) {
    throw new ConfigError(
      `The vault's token (${token}) has ${decimals} decimals, and amounts here have 18: deploy a vault for a token with ` +
        '18 decimals or fewer.',
    );
  }
  const delays = { batchDelayS: Number(delay), exitDelayS: Number(exitDelay) };
  return { chainId, vault, token: token.toLowerCase() as Address, decimals, ...delays };
}

/** Whoever was announced may start already: workers do more than to settle, and he is the operator 48 hours later. */
function mustBeOperator(
  operator: Address,
  announced: Address | undefined,
  { operatorKey, vault }: ChainSettings,
): void {
  if (operatorKey === undefined) return;
  const own = privateKeyToAddress(operatorKey);
  if ([operator, announced].some((each) => each?.toLowerCase() === own.toLowerCase())) return;
  throw new ConfigError(
    `The vault at VAULT_ADDRESS (${vault}) takes settlements from ${operator}, and BACKEND_PRIVATE_KEY is the key of ` +
      `${own}: give the key of the vault's operator, or have the vault's admin call setOperator(${own}).`,
  );
}

/** The answer to a call; undefined if the contract has none. */
async function answerOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await askChain(() => call);
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    return undefined;
  }
}
