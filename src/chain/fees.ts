import type { Fee } from '../db/chain-tx.js';
import type { ChainReader } from './rpc.js';

/** The most that a unit of gas may cost by this fee. */
export function mostOf(fee: Fee): bigint {
  return 'gasPrice' in fee ? fee.gasPrice : fee.maxFeePerGas;
}

/** What the chain asks for now; undefined while that is above `maxFeeWei`. */
export async function presentFee(client: ChainReader, maxFeeWei: bigint): Promise<Fee | undefined> {
  const { baseFeePerGas } = await client.getBlock({ blockTag: 'latest' });
  if (baseFeePerGas === null || baseFeePerGas === undefined) {
    const gasPrice = await client.getGasPrice();
    return gasPrice > maxFeeWei ? undefined : { gasPrice };
  }
  const tip = await client.estimateMaxPriorityFeePerGas();
  if (baseFeePerGas + tip > maxFeeWei) return undefined;
  // Twice the base fee: it may rise for some blocks before this one is taken.
  const most = 2n * baseFeePerGas + tip;
  return { maxFeePerGas: most < maxFeeWei ? most : maxFeeWei, maxPriorityFeePerGas: tip };
}

/** Nodes take a replacement whose fees are an eighth above those of what they have. */
const raised = (wei: bigint) => wei + wei / 8n + 1n;

/** The fee of a replacement; undefined if it had to be above `maxFeeWei`. */
export function raisedFee(fee: Fee, present: Fee | undefined, maxFeeWei: bigint): Fee | undefined {
  const most = (wei: bigint, now: bigint) => (now > raised(wei) ? now : raised(wei));
  if ('gasPrice' in fee) {
    const gasPrice = most(fee.gasPrice, present !== undefined && 'gasPrice' in present ? present.gasPrice : 0n);
    return gasPrice > maxFeeWei ? undefined : { gasPrice };
  }
  const now =
    present !== undefined && 'maxFeePerGas' in present ? present : { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
  const maxFeePerGas = most(fee.maxFeePerGas, now.maxFeePerGas);
  const tip = most(fee.maxPriorityFeePerGas, now.maxPriorityFeePerGas);
  if (maxFeePerGas > maxFeeWei) return undefined;
  return { maxFeePerGas, maxPriorityFeePerGas: tip < maxFeePerGas ? tip : maxFeePerGas };
}
