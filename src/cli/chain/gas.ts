import type { Address } from 'viem';
import { mostOf, presentFee } from '../../chain/fees.js';
import { exitCodes, Failure } from '../failure.js';
import { formatAmount } from '../../client/money.js';
import type { Call } from './calls.js';
import { saidByNode, type Node } from './node.js';

type Fee = NonNullable<Awaited<ReturnType<typeof presentFee>>>;

/** What a call usually takes, with a token that does little; and the most that is agreed to, whatever a node says. */
const usualGas: Readonly<Record<Call['what'], bigint>> = {
  approve: 60_000n,
  deposit: 130_000n,
  raiseCap: 60_000n,
  withdraw: 130_000n,
  requestExit: 60_000n,
  cancelExit: 60_000n,
  exit: 130_000n,
  withdrawEarnings: 110_000n,
};
const mostTimes = 3n;

export const mostGas = ({ what }: Pick<Call, 'what'>): bigint => mostTimes * usualGas[what];

/** What calls cost to send, as it was shown and agreed to. */
export interface GasPlan {
  /** The most that a unit of gas may cost, in wei. */
  maxFeeWei: bigint;
  usualWei: bigint;
  mostWei: bigint;
}

/** Fees move while somebody reads: what is agreed to leaves room for that, and no more. */
const roomTimes = 2n;

/**
 * What calls will cost by the present fees.
 *
 * @throws Failure if the wallet has too few coins of the chain even for the usual cost.
 */
export async function planGas(
  { client, chainId }: Node,
  from: Address,
  calls: readonly Pick<Call, 'what'>[],
): Promise<GasPlan> {
  const [fee, coins] = await saidByNode(async () => [
    await presentFee(client, 2n ** 128n),
    await client.getBalance({ address: from }),
  ]);
  const price = mostOf(fee as Fee);
  const usualWei = calls.reduce((sum, { what }) => sum + usualGas[what], 0n) * price;
  const maxFeeWei = roomTimes * price;
  const mostWei = calls.reduce((sum, call) => sum + mostGas(call), 0n) * maxFeeWei;
  if (coins >= usualWei) return { maxFeeWei, usualWei, mostWei };
  const line = `the gas for this costs about ${coinText(usualWei)} coins of chain ${chainId}, and the wallet ${from} has ${coinText(coins)}`;
  throw new Failure(exitCodes.money, line, 'send some of the chain’s own coin to the wallet');
}

/** The fee to offer now; a Failure if the chain has come to ask for more than was agreed to. */
export async function feeWithin({ client }: Node, maxFeeWei: bigint): Promise<Fee> {
  const fee = await saidByNode(() => presentFee(client, maxFeeWei));
  if (fee !== undefined) return fee;
  const line = 'gas has become more expensive than what you agreed to: nothing more was sent';
  throw new Failure(exitCodes.money, line, 'try again: wl shows the new price first');
}

/** Of the chain's own coin, whose unit everywhere is 10^-18: up to eight decimals. */
export function coinText(wei: bigint): string {
  const text = formatAmount(wei, { decimals: 18 }, 8);
  return text === '0' && wei > 0n ? '<0.00000001' : text;
}

export function gweiText(wei: bigint): string {
  const text = formatAmount(wei, { decimals: 9 }, 3);
  return text === '0' && wei > 0n ? '<0.001' : text;
}
