import type { Address } from 'viem';
import type { Finality } from '../../config/chain.js';
import type { Deposits } from '../../client/shapes.js';
import { clean } from '../../words/clean.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { confirm } from '../terminal/ask.js';
import { addressOf } from './calls.js';
import { knownVaults, type KnownVault } from './known-vaults.js';
import { openNode, type Node, type NodeFlags } from './node.js';
import { readVault, type Vault } from './vault.js';

export interface VaultFlags extends NodeFlags {
  vault?: string;
}

/** A vault that was read from its chain, and is the one that its person means. */
export interface FoundVault {
  node: Node;
  vault: Vault;
  finality: Finality;
  /** Whether the person has not seen it before. */
  isNew: boolean;
  /** From now on, this is the broker's vault. */
  remember(): void;
}

/**
 * The vault that the broker names now, held against the one that it named before and against the chain.
 *
 * @param deposits what the broker says of the wallet.
 */
export async function vaultOfBroker(context: Context, flags: VaultFlags, deposits: Deposits): Promise<FoundVault> {
  const named = namedBy(deposits);
  const api = context.api();
  const vaults = knownVaults(context.folder);
  const known = vaults.of(api);
  const given = flags.vault === undefined ? undefined : addressOf(flags.vault, '--vault');
  if (given !== undefined && given !== named.address) {
    throw usage(`the broker’s vault is ${named.address}, and you gave ${given}: nothing was sent`);
  }
  const isNew = known === undefined || !isSame(known, named);
  if (known !== undefined && isNew && given === undefined) await requireChange(context, known, named);
  const node = await openNode(context, flags, named.chainId);
  const vault = await readVault(node, named.address);
  requireSameToken(vault, deposits);
  if (!vault.isPublished && isNew && given === undefined) await requireOther(context, vault);
  return { node, vault, isNew, finality: named.finality, remember: () => vaults.remember(api, named) };
}

/**
 * The vault as this computer knows it, or as a flag names it: for what a wallet does without a broker. The broker is asked
 * only where nothing is known.
 */
export async function vaultOfWallet(
  context: Context,
  flags: VaultFlags,
  ask: () => Promise<Deposits>,
): Promise<FoundVault> {
  const known = knownVaults(context.folder).of(apiOf(context));
  const given = flags.vault === undefined ? undefined : addressOf(flags.vault, '--vault');
  if (given === undefined && known === undefined) return await vaultOfBroker(context, flags, await asked(ask));
  const address = given ?? known!.address;
  const isKnown = known?.address === address;
  const node = await openNode(context, flags, isKnown ? known.chainId : undefined);
  const vault = await readVault(node, address);
  return { node, vault, isNew: false, finality: isKnown ? known.finality : 'finalized', remember: () => undefined };
}

async function asked(ask: () => Promise<Deposits>): Promise<Deposits> {
  try {
    return await ask();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== 'network' && code !== 'timeout' && code !== 'protocol') throw error;
    throw new Failure(
      exitCodes.unreachable,
      'the broker does not answer, and this computer does not know its vault',
      'its address is in every transaction of a deposit: --vault ADDRESS --rpc URL',
    );
  }
}

export function apiOf(context: Context): string | undefined {
  try {
    return context.api();
  } catch {
    return undefined;
  }
}

/** @throws Failure on a site without a chain, or if the broker answers something else. */
function namedBy({ vault, confirmations }: Deposits): KnownVault {
  if (vault === null) throw usage('this broker takes no deposits: it has no vault', 'wl statement shows what you owe');
  const { chain_id: chainId, address } = vault;
  if (!/^0x[0-9a-fA-F]{40}$/.test(address) || !Number.isSafeInteger(chainId) || chainId < 1) {
    throw new Failure(exitCodes.unreachable, 'what the broker names is no vault: it has no address, or no chain');
  }
  const isCount = Number.isSafeInteger(confirmations) && (confirmations as number) >= 1;
  const finality = isCount ? (confirmations as number) : 'finalized';
  return { chainId, address: address.toLowerCase() as Address, finality };
}

const isSame = (a: KnownVault, b: KnownVault) => a.chainId === b.chainId && a.address === b.address;

const nameOf = ({ chainId, address }: KnownVault) => `${address} on chain ${chainId}`;

/** Whoever has taken the broker over would have money sent to a contract of his own. */
async function requireChange(context: Context, known: KnownVault, named: KnownVault): Promise<void> {
  const line = `the broker names another vault than before: ${nameOf(named)}, and it was ${nameOf(known)}`;
  const remedy = `ask its operator, by another way than this broker; if it is right: --vault ${named.address}`;
  if (!context.screen.canAsk) throw usage(`${line}. Nothing was sent`, remedy);
  context.screen.warn(`${context.screen.paintNote('yellow', '!')} ${line[0]!.toUpperCase()}${line.slice(1)}.`);
  context.screen.warn('  Have you asked its operator, by another way than this broker?');
  if (!(await confirm('Is the new vault right?', false))) throw new Failure(exitCodes.interrupted, 'nothing was sent');
}

async function requireOther(context: Context, vault: Vault): Promise<void> {
  const line = `the contract at ${vault.address} is not the vault that this version of wl knows: whoever wrote it can have it do anything with what you send`;
  if (!context.screen.canAsk) throw usage(`${line}. Nothing was sent`, `if you trust it: --vault ${vault.address}`);
  context.screen.warn(`${context.screen.paintNote('yellow', '!')} ${line[0]!.toUpperCase()}${line.slice(1)}.`);
  if (!(await confirm('Do you trust it?', false))) throw new Failure(exitCodes.interrupted, 'nothing was sent');
}

/** The chain says what the token is. A broker that says something else is wrong, or lies. */
function requireSameToken({ token }: Vault, { token: said }: Deposits): void {
  if (said === null || said === undefined) return;
  const isSameToken = said.address.toLowerCase() === token.address && said.decimals === token.decimals;
  if (isSameToken) return;
  const what = `${clean(said.address)} with ${said.decimals} decimals`;
  throw new Failure(
    exitCodes.unreachable,
    `the broker says that its vault takes ${what}, and the vault takes ${token.address} with ${token.decimals}: nothing was sent`,
    'ask its operator',
  );
}
