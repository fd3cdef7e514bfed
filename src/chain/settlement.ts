import { encodeFunctionData, type Hex } from 'viem';
import { bookVoid } from '../billing/batch-bookings.js';
import { findBatch, readLines, recordBatchWait, stopSettlements, type Batch } from '../db/batches.js';
import { freezeRefused } from '../db/frozen-wallets.js';
import { withTransaction } from '../db/pool.js';
import { permitsOfBatch } from '../db/spend-permits.js';
import {
  settlementStep,
  type SettlementStep,
  type SettlementWait,
  type VoidReason,
  type VaultState,
} from '../domain/settlement-step.js';
import { scaleOf } from '../domain/vault-units.js';
import { chainAlarms } from '../observability/metrics.js';
import { awaitedSignatures } from './awaited-signatures.js';
import { compareBatch } from './compare-batch.js';
import { tellDisagreement } from './disagreement.js';
import { finalOfAll, latestOfAll } from './final-block.js';
import { CallReverted } from './node-words.js';
import { refuseBadPermits } from './bad-permits.js';
import { createOutbox, type Outbox, type Sent, type WantedCall } from './outbox.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { isOfALine, refusalForGood } from './refused-settlement.js';
import { agreed, NodesDisagree } from './rpc.js';
import { watchVault } from './vault-watch.js';
import type { WatchDeps } from './watch-deps.js';
import { vaultState } from './vault-state.js';
import type { ChainSettings } from '../config/chain.js';

export interface SettlementDeps extends WatchDeps {
  settings: ChainSettings;
  /** How long to wait before the chain is asked again; tests have less patience. */
  pollS?: number;
  /** How long it waits for the signatures of its receipts; the same. */
  signedWithinS?: number;
}

/** Where a settlement is after one look at it. */
export type Advanced =
  | { is: 'final'; isCutShort?: true }
  | { is: 'void'; why: string }
  /** `waitsFor` says in words what an operator should know; `kind` is what he filters by. */
  | { is: 'under way'; kind: SettlementWait; waitsFor: string; since?: string; againInS: number };

export const pollS = 15;
/** The guardian may end a pause before its time. */
const pausePollS = 60;

/** Looks once at what the vault says of a settlement, and does what is missing. */
export async function advanceSettlement(deps: SettlementDeps, number: number): Promise<Advanced> {
  const { pool, facts } = deps;
  const batch = await findBatch(pool, facts, number);
  if (batch === undefined) throw new TypeError(`settlement ${number} was never cut`);
  if (batch.status === 'final') return ended(batch);
  if (batch.status === 'void') return { is: 'void', why: batch.voidReason ?? '' };
  try {
    return await lookAt(deps, batch);
  } catch (error) {
    if (!(error instanceof NodesDisagree)) throw error;
    tellDisagreement(error, deps.logger);
    return await waiting(deps, batch, 'nodes', `nodes that agree: they contradict each other about ${error.about}`);
  }
}

async function lookAt(deps: SettlementDeps, batch: Batch): Promise<Advanced> {
  const { number } = batch;
  const { latest, final } = await statesOf(deps, number);
  if (final === undefined) return await waiting(deps, batch, 'chain', 'the first block that is final');
  const step = settlementStep(batch, latest, final);
  const executableAtS = latest.proposed >= number ? latest.batch.executableAtS : undefined;
  await recordBatchWait(deps.pool, deps.facts, number, { waitsFor: batch.waitsFor, executableAtS });
  return await take(deps, batch, step);
}

async function take(deps: SettlementDeps, batch: Batch, step: SettlementStep): Promise<Advanced> {
  switch (step.do) {
    case 'propose': {
      const signatures = await awaitedSignatures(deps, batch);
      return signatures === undefined
        ? await send(deps, batch, step.do)
        : await waiting(deps, batch, 'receipts', signatures);
    }
    case 'execute':
      return await send(deps, batch, step.do);
    case 'record':
      return await record(deps, batch);
    case 'void':
      return await giveUp(deps, batch, step.why, true);
    case 'wait':
      if (step.for === 'chain') return await waiting(deps, batch, 'chain', 'blocks that are final');
      return await waiting(
        deps,
        batch,
        step.for,
        `${step.for === 'delay' ? 'the delay in which it can be vetoed' : 'the end of the pause'}, until ${new Date(step.untilS * 1000).toISOString()}`,
        Math.min(step.untilS - Date.now() / 1000 + 1, step.for === 'pause' ? pausePollS : Infinity),
      );
  }
}

async function statesOf(
  { rpcs, facts, settings }: SettlementDeps,
  number: number,
): Promise<{ latest: VaultState; final?: VaultState }> {
  const now = await latestOfAll(rpcs);
  const latest = await agreed(rpcs, 'the vault', (rpc) => vaultState(rpc, facts.vault, number, now));
  // A chain without traffic makes no blocks, and the next one has the present time.
  latest.timeS = Math.max(latest.timeS, Math.floor(Date.now() / 1000));
  const height = await finalOfAll(rpcs, settings.finality);
  if (height === undefined) return { latest };
  const final = await agreed(rpcs, 'the vault', (rpc) => vaultState(rpc, facts.vault, number, height));
  return { latest, final };
}

async function send(deps: SettlementDeps, batch: Batch, what: 'propose' | 'execute'): Promise<Advanced> {
  const call = what === 'propose' ? proposalOf(deps, batch) : await executionOf(deps, batch);
  try {
    const sent = await outboxOf(deps).submit(call);
    return await waiting(deps, batch, sent.waitsFor ?? (sent.status === 'mined' ? 'chain' : what), wordsOf(sent, what));
  } catch (error) {
    if (!(error instanceof CallReverted)) throw error;
    return await refused(deps, batch, what, { data: call.data, error });
  }
}

const purposeOf = ({ facts }: SettlementDeps, what: 'propose' | 'execute', number: number) =>
  `${what}:${facts.chainId}:${facts.vault}:${number}`;

export function proposalOf(deps: SettlementDeps, { number, hash }: Pick<Batch, 'number' | 'hash'>): WantedCall {
  const data = encodeFunctionData({ abi: rentalVaultAbi, functionName: 'propose', args: [BigInt(number), hash] });
  return { purpose: purposeOf(deps, 'propose', number), to: deps.facts.vault, data };
}

async function executionOf(deps: SettlementDeps, { number }: Batch): Promise<WantedCall> {
  const { pool, facts } = deps;
  const { draws, credits } = await readLines(pool, facts, number);
  const scale = scaleOf(facts.decimals);
  const permits = await permitsOfBatch(pool, facts, number, scale);
  const data = encodeFunctionData({
    abi: rentalVaultAbi,
    functionName: 'execute',
    args: [
      BigInt(number),
      draws.map(({ wallet, cumulative }) => ({ customer: wallet, cumulative })),
      credits.map(({ wallet, cumulative }) => ({ payee: wallet, cumulative })),
      permits.map(({ wallet, cap, signature }) => ({ customer: wallet, cap: cap / scale, signature })),
    ],
  });
  return { purpose: purposeOf(deps, 'execute', number), to: facts.vault, data };
}

async function refused(
  deps: SettlementDeps,
  batch: Batch,
  what: 'propose' | 'execute',
  { data, error }: { data: Hex; error: CallReverted },
): Promise<Advanced> {
  if (what === 'execute' && isOfALine(error)) {
    const lines = await readLines(deps.pool, deps.facts, batch.number);
    const refusal = await refusalForGood(deps, data, lines);
    if (refusal === undefined)
      return await waiting(deps, batch, 'chain', `a final block by which the vault answers ${error.errorName} to it`);
    const { wallet, words } = refusal;
    if (wallet === undefined) return await unbalanced(deps, batch);
    // The next one is cut without it, and without that wallet.
    await freezeRefused(deps.pool, deps.facts, wallet, words);
    return await giveUp(deps, batch, `refused: ${words}`, false);
  }
  if (what === 'execute' && error.errorName === 'BadSignature') await refuseBadPermits(deps, batch.number);
  return await waiting(deps, batch, 'refused', `the vault, which answers ${error.errorName} to ${what}`);
}

/**
 * The vault has less for payees than it had when the settlement was cut: the treasury took it out meanwhile. The next one is
 * cut of what its events say; if that is refused as well, the books are wrong.
 */
async function unbalanced(deps: SettlementDeps, batch: Batch): Promise<Advanced> {
  const { pool, facts, logger } = deps;
  chainAlarms.inc({ kind: 'unbalanced' });
  logger.error({ batch: batch.number }, 'the vault has less than a settlement credits');
  const before = await findBatch(pool, facts, batch.number - 1);
  const isAgain = before?.status === 'void' && before.voidReason === unbalancedWords;
  return await giveUp(deps, batch, isAgain ? 'unbalanced' : unbalancedWords, isAgain);
}
const unbalancedWords = 'refused: Unbalanced()';

export const outboxOf = ({ settings, rpcs, pool, logger }: SettlementDeps): Outbox =>
  createOutbox({ settings, rpcs, pool, logger });

function wordsOf({ status, waitsFor }: Sent, what: 'propose' | 'execute'): string {
  const name = what === 'propose' ? 'proposal' : 'execution';
  if (waitsFor === 'gas') return `gas that costs no more than MAX_FEE_GWEI, for its ${name}`;
  if (waitsFor === 'coin') return `coins in the operator’s wallet, for the gas of its ${name}`;
  return status === 'mined' ? `blocks that make its ${name} final` : `its ${name} to be mined`;
}

async function record(deps: SettlementDeps, batch: Batch): Promise<Advanced> {
  await watchVault(deps);
  const now = await findBatch(deps.pool, deps.facts, batch.number);
  if (now?.status !== 'final') return await waiting(deps, batch, 'chain', 'its events, which are still to be read');
  const differing = await compareBatch(deps, batch.number);
  for (const what of differing) deps.logger.error({ batch: batch.number, what }, 'the vault and the ledger differ');
  if (differing.length > 0) chainAlarms.inc({ kind: 'differs' }, differing.length);
  return ended(batch);
}

/** What it left for the next one is settled at once. */
const ended = ({ isCutShort }: Batch): Advanced => ({ is: 'final', ...(isCutShort ? { isCutShort } : {}) });

async function giveUp(deps: SettlementDeps, batch: Batch, why: string, isAlarm: boolean): Promise<Advanced> {
  await withTransaction(deps.pool, async (tx) => {
    await bookVoid(tx, deps.facts, batch.number, why);
    if (isAlarm && (await stopSettlements(tx, deps.facts, why as VoidReason))) raiseAlarm(deps, why);
  });
  return { is: 'void', why };
}

export function raiseAlarm({ logger }: SettlementDeps, why: string): void {
  chainAlarms.inc({ kind: 'settlements_stopped' });
  logger.error({ why }, 'nothing is settled until an operator has looked into it and resumes');
}

async function waiting(
  deps: SettlementDeps,
  batch: Batch,
  kind: SettlementWait,
  waitsFor: string,
  inS = 0,
): Promise<Advanced> {
  const since = await recordBatchWait(deps.pool, deps.facts, batch.number, { waitsFor });
  const least = deps.pollS ?? pollS;
  return {
    ...{ is: 'under way', kind, waitsFor, againInS: Math.ceil(Math.min(Math.max(inS, least), 3_600)) },
    ...(since === undefined ? {} : { since: since.toISOString() }),
  };
}
