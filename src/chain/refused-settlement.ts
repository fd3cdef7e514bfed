import type { Hex } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import type { Lines } from '../db/batches.js';
import { finalOfAll } from './final-block.js';
import type { CallReverted } from './node-words.js';
import { NodesDisagree } from './rpc.js';
import { simulate } from './dry-run.js';
import type { WatchDeps } from './watch-deps.js';

/** The errors of the contract that mean one of the lines: for it the vault will never take the settlement. */
const ofALine = ['CapExceeded', 'InsufficientBalance', 'Unbalanced'];

export const isOfALine = ({ errorName }: CallReverted) => ofALine.includes(errorName);

/** Why the vault refuses a settlement for good. */
export interface Refusal {
  words: string;
  /** Whose line it is; absent where it is the sum. */
  wallet?: string;
}

/**
 * Finds out whether the vault refuses a settlement for one of its lines. It ends the settlement and freezes a wallet, so
 * all nodes must say it of a final block, in the contract's words, and of a wallet that is drawn.
 *
 * @returns undefined while a final block says something else.
 * @throws NodesDisagree
 */
export async function refusalForGood(
  { rpcs, settings, facts }: WatchDeps,
  execution: Hex,
  { draws }: Pick<Lines, 'draws'>,
): Promise<Refusal | undefined> {
  const height = await finalOfAll(rpcs, settings.finality);
  if (height === undefined || settings.operatorKey === undefined) return undefined;
  const from = privateKeyToAddress(settings.operatorKey);
  const simulated = await simulate(rpcs, { from, to: facts.vault, data: execution }, height);
  if (!('refused' in simulated) || !isOfALine(simulated.refused)) return undefined;
  const { errorName, args } = simulated.refused;
  const words = `${errorName}(${args.map(String).join(', ')})`;
  if (errorName === 'Unbalanced') return { words };
  const wallet = String(args[0]).toLowerCase();
  if (!draws.some((draw) => draw.wallet === wallet))
    throw new NodesDisagree('a refused line, which the settlement does not have');
  return { words, wallet };
}
