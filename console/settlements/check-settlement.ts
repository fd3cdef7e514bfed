import type { Address } from 'viem';
import type { Settlement } from '../../src/client/types.generated.js';
import { batchHash, type BatchLine } from '../../src/wire/settlement-batch.js';
import type { ChainReads } from '../chain/chain-reads.js';

/** What was looked at; `open`: it could not be, and nothing is known to be wrong. */
export interface Checked {
  state: 'holds' | 'fails' | 'open';
  /** A sentence that says what holds, or what does not. */
  text: string;
}

const unseen = 'What the vault itself says was not looked at: no wallet of this browser is on its chain';

/**
 * Computes the hash of a settlement anew from its lines, and compares it with what the vault has under its number: over
 * the wallet's own node, since the broker could say anything.
 *
 * @param chain absent where no wallet is connected, or it is on another chain.
 * @param own whose lines are compared with what the vault has of them.
 */
export async function checkSettlement(
  settlement: Settlement,
  chain: ChainReads | undefined,
  own: string | undefined,
): Promise<Checked[]> {
  const { vault, number, status, hash } = settlement;
  const isHash = hashOf(settlement) === hash.toLowerCase();
  const computed: Checked = isHash
    ? { state: 'holds', text: 'Its hash, computed anew from all of its lines, is the one that the broker gives' }
    : { state: 'fails', text: 'Its lines have another hash than the broker gives: one of the two is made up' };
  if (chain === undefined) return [computed, { state: 'open', text: unseen }];
  const there = await chain.settlement(vault, number);
  return [
    computed,
    atVault(hash, status, there.hash),
    executed(status, number, there.lastExecuted),
    ...(own === undefined ? [] : await ownLines(settlement, chain, own, there.lastExecuted)),
  ];
}

function hashOf({ chain_id: chainId, vault, draws, credits }: Settlement): string | undefined {
  const line = (wallet: string, cumulative: string): BatchLine => ({
    ...{ wallet: wallet as Address, cumulative: BigInt(cumulative) },
  });
  try {
    return batchHash({
      ...{ chainId, vault: vault as Address },
      draws: draws.map(({ customer, cumulative }) => line(customer, cumulative)),
      credits: credits.map(({ payee, cumulative }) => line(payee, cumulative)),
    });
  } catch {
    // Lines that cannot be on a chain have no hash.
    return undefined;
  }
}

function atVault(hash: string, status: Settlement['status'], said: string): Checked {
  if (said === hash.toLowerCase()) return { state: 'holds', text: 'The vault has the same hash under its number' };
  const isNothing = /^0x0+$/.test(said);
  if (isNothing && status === 'void')
    return { state: 'holds', text: 'The vault has nothing under its number any more' };
  return isNothing
    ? { state: 'open', text: 'The vault has nothing under its number: it is vetoed, or your wallet’s node is behind' }
    : { state: 'fails', text: 'The vault has another hash under its number: what it executes is not this' };
}

function executed(status: Settlement['status'], number: number, last: number): Checked {
  if (status === 'final')
    return last >= number
      ? { state: 'holds', text: 'The vault has executed it' }
      : { state: 'fails', text: 'The vault has not executed it, although the broker says so' };
  return last >= number && status === 'proposed'
    ? { state: 'open', text: 'The vault has executed it, and the broker has not seen that yet' }
    : { state: 'holds', text: 'The vault has not executed it, as the broker says' };
}

/** Totals only grow, so the vault has as much as any settlement that was executed, or more. */
async function ownLines(
  { vault, number, status, draws, credits }: Settlement,
  chain: ChainReads,
  own: string,
  lastExecuted: number,
): Promise<Checked[]> {
  if (status !== 'final' || lastExecuted < number) return [];
  const isOwn = (wallet: string) => wallet.toLowerCase() === own.toLowerCase();
  const draw = draws.find(({ customer }) => isOwn(customer));
  const credit = credits.find(({ payee }) => isOwn(payee));
  const found: Checked[] = [];
  if (draw !== undefined) {
    const { spent } = await chain.customer(vault, own);
    found.push(
      spent >= BigInt(draw.cumulative)
        ? { state: 'holds', text: 'The vault has drawn your line from you, in all, or more by a later one' }
        : { state: 'fails', text: 'The vault has drawn less from you than your line says' },
    );
  }
  if (credit !== undefined) {
    const { credited } = await chain.payee(vault, own);
    found.push(
      credited >= BigInt(credit.cumulative)
        ? { state: 'holds', text: 'The vault has credited your line to you, in all, or more by a later one' }
        : { state: 'fails', text: 'The vault has credited less to you than your line says' },
    );
  }
  return found;
}
