import { cutBatch } from '../billing/batch-bookings.js';
import {
  findBatch,
  insertForeignBatch,
  lastBatchNumber,
  lockBatches,
  openStop,
  stopSettlements,
  type Batch,
} from '../db/batches.js';
import { withTransaction } from '../db/pool.js';
import { drawnBeforeExitS } from '../domain/exit-margin.js';
import { scaleOf } from '../domain/vault-units.js';
import { tellDisagreement } from './disagreement.js';
import { finalOfAll } from './final-block.js';
import { CallReverted } from './node-words.js';
import { agreed } from './rpc.js';
import { outboxOf, pollS, proposalOf, raiseAlarm, type SettlementDeps } from './settlement.js';
import { vaultState } from './vault-state.js';
import { watchVault } from './vault-watch.js';

/** What became of a wish to settle. */
export type Begun =
  | { number: number }
  /** `againInS`, and `why` in words what it waits for, where it passes by itself: then it is begun again. */
  | { none: 'nothing to settle' | 'stopped' | 'no final block'; why?: string; againInS?: number };

/**
 * Cuts a settlement, or returns the one that is under way.
 *
 * @throws BrokerError `dependency_unavailable`
 */
export async function beginSettlement(deps: SettlementDeps): Promise<Begun> {
  const { pool, facts, logger } = deps;
  const why = await openStop(pool, facts);
  if (why !== undefined) return { none: 'stopped', why };
  // What was executed is booked before anything new is cut.
  const { isBehind } = await watchVault(deps);
  if (isBehind)
    return { none: 'no final block', why: 'events that are still to be read', againInS: deps.pollS ?? pollS };
  const found = await openStop(pool, facts);
  if (found !== undefined) return { none: 'stopped', why: found };
  try {
    return await cutNext(deps);
  } catch (error) {
    tellDisagreement(error, logger);
    throw error;
  }
}

async function cutNext(deps: SettlementDeps): Promise<Begun> {
  const { pool, facts, rpcs, settings, logger } = deps;
  const known = await lastBatchNumber(pool, facts);
  const height = await finalOfAll(rpcs, settings.finality);
  if (height === undefined) return { none: 'no final block' };
  const { proposed } = await agreed(rpcs, 'the vault', (rpc) => vaultState(rpc, facts.vault, 0, height));
  if (proposed > known) return await stopForForeign(deps, known, proposed, height);
  const last = known > proposed ? await findBatch(pool, facts, known) : undefined;
  if (last?.status === 'void') return await useUp(deps, last);
  const scale = scaleOf(facts.decimals);
  const cut = await withTransaction(pool, async (tx) => {
    await lockBatches(tx, facts);
    // Whoever reads the vault may have found somebody else's proposal since.
    const stopped = await openStop(tx, facts);
    if (stopped !== undefined) return { stopped };
    return await cutBatch(tx, { ...facts, scale, drawnBeforeExitS: drawnBeforeExitS(facts) }, proposed + 1);
  });
  if ('stopped' in cut) return { none: 'stopped', why: cut.stopped };
  if (cut.uncovered > 0n) logger.warn({ units: cut.uncovered.toString() }, 'customers owe what payees have earned');
  return cut.batch === undefined ? { none: 'nothing to settle' } : { number: cut.batch.number };
}

/**
 * Proposes a settlement that became void before it was proposed, because the vault takes no later number before it. Under
 * its number stands nothing else, here and there: whoever executes it executes what is known here.
 */
async function useUp(deps: SettlementDeps, { number, hash }: Batch): Promise<Begun> {
  const begun = { none: 'no final block', againInS: deps.pollS ?? pollS } as const;
  try {
    await outboxOf(deps).submit(proposalOf(deps, { number, hash }));
    return { ...begun, why: `the number of settlement ${number}, which is void, to be used up` };
  } catch (error) {
    if (!(error instanceof CallReverted)) throw error;
    return {
      ...begun,
      why: `the vault, which answers ${error.errorName} to the proposal of settlement ${number}, which is void`,
    };
  }
}

/** Somebody else proposes with the operator's key, or this database is older than the chain. */
async function stopForForeign(deps: SettlementDeps, known: number, proposed: number, height: bigint): Promise<Begun> {
  const { pool, facts, rpcs } = deps;
  for (let number = known + 1; number <= proposed; number++) {
    const { batch } = await agreed(rpcs, 'the vault', (rpc) => vaultState(rpc, facts.vault, number, height));
    await withTransaction(pool, async (tx) => {
      await insertForeignBatch(tx, facts, { number, hash: batch.hash as `0x${string}` });
      if (number === proposed && (await stopSettlements(tx, facts, 'foreign_proposal')))
        raiseAlarm(deps, 'foreign_proposal');
    });
  }
  return { none: 'stopped', why: 'foreign_proposal' };
}
