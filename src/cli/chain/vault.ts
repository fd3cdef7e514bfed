import { parseAbi, type Address } from 'viem';
import { rentalVaultAbi } from '../../chain/rental-vault-abi.js';
import { clean } from '../../words/clean.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { saidByNode, type Node } from './node.js';
import { isPublishedVault } from './vault-code.js';

/** A vault as the chain has it; nothing of it is taken from a broker. */
export interface Vault {
  chainId: number;
  address: Address;
  token: { address: Address; symbol: string; decimals: number };
  operator: Address;
  /** From the proposal of a settlement to its execution, and from the request of an exit to the exit. */
  batchDelayS: number;
  exitDelayS: number;
  /** By the chain's clock; a time that is past means that nothing is paused. */
  pausedUntilS: number;
  /** Whether its code is that of the contract as this version of wl knows it. */
  isPublished: boolean;
}

/** A wallet in a vault. Amounts are units of its token. */
export interface InVault {
  balance: bigint;
  spent: bigint;
  cap: bigint;
  withdrawn: bigint;
  /** By the chain's clock; 0: no exit was requested. */
  exitAtS: number;
}

export const tokenAbi = parseAbi([
  'function decimals() view returns (uint8)',
  'function symbol() view returns (string)',
  'function balanceOf(address holder) view returns (uint256)',
  'function allowance(address holder, address spender) view returns (uint256)',
]);

/** @throws Failure if there is no such contract, or one that does not answer as a vault does. */
export async function readVault(node: Node, address: Address): Promise<Vault> {
  return await saidByNode(async () => {
    const { client, chainId } = node;
    const code = await client.getCode({ address });
    if (code === undefined) {
      throw usage(
        `there is no contract at ${address} on chain ${chainId}`,
        'the address of the vault: --vault ADDRESS',
      );
    }
    const at = { address, abi: rentalVaultAbi } as const;
    const facts = await Promise.all([
      client.readContract({ ...at, functionName: 'token' }),
      client.readContract({ ...at, functionName: 'operator' }),
      client.readContract({ ...at, functionName: 'batchDelay' }),
      client.readContract({ ...at, functionName: 'exitDelay' }),
      client.readContract({ ...at, functionName: 'pausedUntil' }),
    ]).catch((error: unknown) => {
      throw isNodeAway(error) ? error : noVault(address, chainId);
    });
    const [token, operator, batchDelay, exitDelay, pausedUntil] = facts;
    return {
      ...{ chainId, address, operator: lower(operator) },
      token: await readToken(node, lower(token)),
      ...{ batchDelayS: Number(batchDelay), exitDelayS: Number(exitDelay), pausedUntilS: Number(pausedUntil) },
      isPublished: isPublishedVault(code),
    };
  });
}

async function readToken({ client }: Node, address: Address): Promise<Vault['token']> {
  const at = { address, abi: tokenAbi } as const;
  const decimals = await client.readContract({ ...at, functionName: 'decimals' });
  if (decimals > 18) throw usage(`the token of the vault (${address}) has ${decimals} decimals, and 18 are the most`);
  // Some tokens have no name, or one of another type.
  const symbol = await client.readContract({ ...at, functionName: 'symbol' }).catch((error: unknown) => {
    if (isNodeAway(error)) throw error;
    return 'tokens';
  });
  return { address, decimals, symbol: clean(symbol).slice(0, 16) || 'tokens' };
}

/** The wallet's own numbers. */
export async function readInVault(
  { client }: Node,
  { address }: Pick<Vault, 'address'>,
  wallet: Address,
): Promise<InVault> {
  const [balance, spent, cap, exitAt, withdrawn] = await saidByNode(() =>
    client.readContract({ address, abi: rentalVaultAbi, functionName: 'customers', args: [wallet] }),
  );
  return { balance, spent, cap, withdrawn, exitAtS: Number(exitAt) };
}

/** What a payee can take out. */
export async function readEarnings(
  { client }: Node,
  { address }: Pick<Vault, 'address'>,
  payee: Address,
): Promise<bigint> {
  const [credited, withdrawn] = await saidByNode(() =>
    client.readContract({ address, abi: rentalVaultAbi, functionName: 'payees', args: [payee] }),
  );
  return credited - withdrawn;
}

/** What the wallet has of the token, and what of it the vault may take. */
export async function readTokenOf({ client }: Node, vault: Vault, wallet: Address) {
  const at = { address: vault.token.address, abi: tokenAbi } as const;
  const [balance, allowance] = await saidByNode(() =>
    Promise.all([
      client.readContract({ ...at, functionName: 'balanceOf', args: [wallet] }),
      client.readContract({ ...at, functionName: 'allowance', args: [wallet, vault.address] }),
    ]),
  );
  return { balance, allowance };
}

/** Seconds since 1970, as the contracts of the chain see the time. */
export async function chainNowS({ client }: Node): Promise<number> {
  return Number((await saidByNode(() => client.getBlock({ blockTag: 'latest' }))).timestamp);
}

/** A contract keeps no key: it has its own ways to sign, which the vault does not ask for. */
export async function isContract({ client }: Node, address: Address): Promise<boolean> {
  return (await saidByNode(() => client.getCode({ address }))) !== undefined;
}

function isNodeAway(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (each.name === 'BrokerError') return true;
  return false;
}

function noVault(address: Address, chainId: number): Failure {
  const line = `the contract at ${address} on chain ${chainId} does not answer as a vault does`;
  return new Failure(exitCodes.usage, line, 'the address of the vault: --vault ADDRESS');
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
