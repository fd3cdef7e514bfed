import { privateKeyToAddress } from 'viem/accounts';
import { parseAbi } from 'viem';
import { recordSeen } from '../db/vaults.js';
import { batchUnderWay, lastFinalBatch, openStop } from '../db/batches.js';
import { BrokerError } from '../domain/errors.js';
import {
  chainGasMoney,
  settlementLastFinal,
  settlementsStopped,
  settlementUnderWaySince,
} from '../observability/metrics.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { askChain, firstAnswer, type Rpc } from './rpc.js';
import type { WatchDeps } from './watch-deps.js';

const symbolAbi = parseAbi(['function symbol() view returns (string)']);

/**
 * Writes down what one node says of the vault now, for customers and operators to look at, and shows it in the metrics.
 * Nothing is decided by it, so a node that does not answer holds nothing up.
 */
export async function seeVault(deps: WatchDeps): Promise<void> {
  try {
    const seen = await firstAnswer(deps.rpcs, (rpc) => readVault(rpc, deps));
    await recordSeen(deps.pool, deps.facts, seen);
    if (seen.gasMoney !== undefined) chainGasMoney.set(Number(seen.gasMoney) / 1e18);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    deps.logger.warn({ err: error }, 'what the vault looks like now was not read');
  }
  const { pool, facts } = deps;
  settlementsStopped.set((await openStop(pool, facts)) === undefined ? 0 : 1);
  const secondsOf = (time: Date | undefined) => (time?.getTime() ?? 0) / 1_000;
  settlementUnderWaySince.set(secondsOf((await batchUnderWay(pool, facts))?.cutAt));
  settlementLastFinal.set(secondsOf((await lastFinalBatch(pool, facts))?.at));
}

async function readVault({ client }: Rpc, { facts, settings }: WatchDeps) {
  const blockNumber = await client.getBlockNumber();
  const at = { address: facts.vault, abi: rentalVaultAbi, blockNumber } as const;
  const { operatorKey } = settings;
  const [operator, guardian, treasury, proposed, lastExecuted, pausedUntil, fees, symbol, gasMoney] = await Promise.all(
    [
      client.readContract({ ...at, functionName: 'operator' }),
      client.readContract({ ...at, functionName: 'guardian' }),
      client.readContract({ ...at, functionName: 'treasury' }),
      client.readContract({ ...at, functionName: 'proposed' }),
      client.readContract({ ...at, functionName: 'lastExecuted' }),
      client.readContract({ ...at, functionName: 'pausedUntil' }),
      client.readContract({ ...at, functionName: 'fees' }),
      symbolOf(client, facts.token),
      operatorKey === undefined ? undefined : client.getBalance({ address: privateKeyToAddress(operatorKey) }),
    ],
  );
  return {
    ...{ token: facts.token, symbol, decimals: facts.decimals, operator, guardian, treasury, fees },
    ...{ proposed: Number(proposed), lastExecuted: Number(lastExecuted), pausedUntilS: Number(pausedUntil) },
    ...(gasMoney === undefined ? {} : { gasMoney }),
  };
}

/** What a token calls itself. Anybody may write a token: only letters and digits are shown. */
async function symbolOf(client: Rpc['client'], token: `0x${string}`): Promise<string> {
  try {
    const text = await askChain(() => client.readContract({ address: token, abi: symbolAbi, functionName: 'symbol' }));
    return text.replaceAll(/[^\w.$-]/g, '').slice(0, 16) || 'tokens';
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    return 'tokens';
  }
}
