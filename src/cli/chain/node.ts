import { BaseError } from 'viem';
import { asRevert, CallReverted, sendRefusal } from '../../chain/node-words.js';
import { createRpcs, type Rpc } from '../../chain/rpc.js';
import { BrokerError } from '../../domain/errors.js';
import { clean } from '../../words/clean.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { nodeAddress } from '../files/config.js';
import { revertWords } from './revert-words.js';

/** How the commands of a chain are told which node to ask. */
export interface NodeFlags {
  rpc?: string;
  wallet?: string;
}

/** A node of a chain that has said which chain it is on. */
export interface Node {
  host: string;
  client: Rpc['client'];
  chainId: number;
}

/**
 * Opens the node that a flag, the environment or the settings name; else the wallet's own, where it speaks JSON-RPC. The
 * broker names none: what it says of the chain is held against this one.
 *
 * @param wanted the chain that it has to be on; any if absent.
 */
export async function openNode(context: Context, flags: NodeFlags, wanted?: number): Promise<Node> {
  const url = nodeUrl(context, flags);
  if (url === undefined) {
    throw usage(
      'which node of the chain? wl reads the vault there itself, and does not take the broker’s word for it',
      'wl config set rpc https://…   (or --rpc, or WORLDLAND_RPC)',
    );
  }
  // Which chain it is on is not known before it has said so.
  const [asked] = createRpcs({ rpcUrls: [url], chainId: wanted ?? 1 });
  const chainId = await saidByNode(() => asked!.client.getChainId());
  if (wanted !== undefined && chainId !== wanted) {
    const line = `the node at ${asked!.host} is on chain ${chainId}, and the vault is on chain ${wanted}: nothing was sent`;
    throw usage(line, `name a node of chain ${wanted}: --rpc URL, or wl config set rpc URL`);
  }
  const [rpc] = createRpcs({ rpcUrls: [url], chainId });
  return { host: rpc!.host, client: rpc!.client, chainId };
}

/** The address of the node that would be asked; undefined if none is named. */
export function nodeUrl(context: Context, { rpc, wallet = '' }: NodeFlags): string | undefined {
  const given = [
    ['--rpc', rpc],
    ['WORLDLAND_RPC', context.env['WORLDLAND_RPC']],
  ] as const;
  const named = given.find(([, value]) => value !== undefined && value !== '');
  if (named !== undefined) {
    const url = nodeAddress(named[1]!);
    // The address may be a credential: nothing of it is repeated.
    if (url === undefined) throw usage(`${named[0]} is no address of a node`, nodeAddressExpects);
    return url;
  }
  const ofWallet = wallet.startsWith('rpc:') ? nodeAddress(wallet.slice('rpc:'.length)) : undefined;
  return context.settings.rpc ?? ofWallet;
}

const nodeAddressExpects = 'https://…, or http:// for a node on this computer';

/**
 * What a node answers, with its failures in words.
 *
 * @throws Failure
 */
export async function saidByNode<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw inWords(error);
  }
}

/** A failure of a node, or what it refuses, as its person can do something about it. */
function inWords(error: unknown): unknown {
  if (error instanceof Failure) return error;
  const cause = asRevert(error);
  if (cause instanceof BrokerError) {
    return new Failure(exitCodes.unreachable, clean(cause.detail), 'try again, or name another node: --rpc URL');
  }
  if (cause instanceof CallReverted) return new Failure(exitCodes.notRunning, ...revertWords(cause));
  const refusal = sendRefusal(error);
  if (refusal === 'nonce too low') {
    const line = 'the wallet has sent something else meanwhile (nonce too low): this was not sent';
    return new Failure(exitCodes.notRunning, line, 'try again');
  }
  if (refusal === 'no coin') {
    const line = 'the wallet has too few coins of the chain to pay for the gas: this was not sent';
    return new Failure(exitCodes.money, line, 'send some of the chain’s own coin to the wallet');
  }
  if (refusal === 'too cheap') {
    const line = 'the chain asks for more for its gas than was offered: this was not sent';
    return new Failure(exitCodes.notRunning, line, 'try again');
  }
  if (error instanceof BaseError) {
    const said = clean(error.details === '' ? error.shortMessage : error.details).slice(0, 300);
    return new Failure(exitCodes.unreachable, `the node refuses: ${said}`, 'another node: --rpc URL');
  }
  return error;
}
