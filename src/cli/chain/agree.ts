import { formatAmount } from '../../client/money.js';
import { durationText } from '../../words/durations.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { confirm } from '../terminal/ask.js';
import { coinText, type GasPlan } from './gas.js';
import type { Vault } from './vault.js';

/** An amount of the vault's token, exactly. */
export function unitsText(units: bigint, { token }: Pick<Vault, 'token'>): string {
  return `${formatAmount(units, { decimals: token.decimals })} ${token.symbol}`;
}

/** What a vault is, as a person has to know it before money goes there. */
export function vaultLines(vault: Vault): (readonly [string, string])[] {
  const { address, chainId, token, operator, batchDelayS, exitDelayS, isPublished } = vault;
  const code = isPublished ? 'its code is the published one' : 'its code is NOT the published one';
  return [
    ['vault', `${address} on chain ${chainId}; ${code}; unaudited`],
    ['', `a contract that holds deposits. Jobs draw on yours up to your cap, ${durationText(batchDelayS)} after they`],
    [
      '',
      `are listed in public by ${operator}. Without anybody, wl exit takes the rest out after ${durationText(exitDelayS)}`,
    ],
    ['token', `${token.address} (${token.symbol}, ${token.decimals} decimals)`],
  ];
}

export function gasLine(count: number, { usualWei, mostWei }: GasPlan): readonly [string, string] {
  const transactions = count === 1 ? '1 transaction' : `${count} transactions`;
  return ['gas', `${transactions}: about ${coinText(usualWei)} of the chain’s coin, at most ${coinText(mostWei)}`];
}

/** Shows what is about to be sent, and asks. */
export async function agree(
  { screen }: Context,
  lines: readonly (readonly [string, string])[],
  { question, isYes, declined = 'nothing was sent' }: { question: string; isYes: boolean; declined?: string },
): Promise<void> {
  for (const [name, text] of lines) screen.note(`  ${name.padEnd(9)}${text}`);
  if (isYes) return;
  if (!screen.canAsk) throw usage(`${question} Nobody is here to answer`, 'if that is meant: -y');
  if (!(await confirm(question, false))) throw new Failure(exitCodes.interrupted, declined);
}
