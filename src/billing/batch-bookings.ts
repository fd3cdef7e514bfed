import { batchFacts, type CuttableVault } from '../db/batch-facts.js';
import { batchUnderWay, endBatch, findBatch, insertBatch, lockBatches, type Batch } from '../db/batches.js';
import { findEntry, postEntry, type Line } from '../db/ledger.js';
import type { Queryable } from '../db/pool.js';
import { recordSettled } from '../db/vaults.js';
import type { VaultId } from '../db/vault-events.js';
import { cutLines } from '../domain/batch-lines.js';
import { batchHash } from '../wire/settlement-batch.js';

/** 8.6 million units of gas, and 4 million. */
const mostOfOne = { lines: 1_000, permits: 100 };

/** The key under which something of a settlement is booked, once. */
export const batchKey = (what: string, { chainId, vault }: VaultId, number: number) =>
  `${what}/${chainId}/${vault}/${number}`;

interface CutResult {
  batch?: Batch;
  /** Whether something was left for the next settlement. */
  isCutShort: boolean;
  /** Units of the token. */
  uncovered: bigint;
}

/**
 * Cuts a settlement: takes all totals of one moment, and sets aside what providers get of it. One that is under way is
 * returned instead. Only where next to nothing was left for the next one is everything settled.
 *
 * @param number the vault takes no other one.
 * @param most what one transaction can carry; tests have smaller ones.
 * @returns no batch where nobody's total changed.
 */
export async function cutBatch(
  tx: Queryable,
  vault: CuttableVault,
  number: number,
  most = mostOfOne,
): Promise<CutResult> {
  await lockBatches(tx, vault);
  const underWay = await batchUnderWay(tx, vault);
  if (underWay !== undefined) return { batch: underWay, isCutShort: underWay.isCutShort, uncovered: 0n };
  const facts = await batchFacts(tx, vault);
  const { draws, credits, isLeftLittle, ...rest } = cutLines(facts, vault.scale, most);
  if (draws.length + credits.length === 0) {
    if (!rest.isCutShort) await recordSettled(tx, vault);
    return rest;
  }
  const { chainId } = vault;
  const hash = batchHash({ chainId, vault: vault.vault, draws, credits });
  await insertBatch(tx, vault, { number, hash, isCutShort: rest.isCutShort, isLeftLittle, draws, credits });
  if (credits.length > 0) {
    const lines = credits.flatMap(({ wallet, moved }): Line[] => [
      { kind: 'provider', owner: wallet, amount: -moved },
      { kind: 'in_batch', owner: wallet, amount: moved },
    ]);
    await postEntry(tx, { key: batchKey('batch', vault, number), kind: 'batch', note: { batch: number }, lines });
  }
  return { batch: (await findBatch(tx, vault, number))!, ...rest };
}

/** Books that a settlement was executed: what it set aside is the providers' own now. Repeated, it does nothing. */
export async function bookFinal(tx: Queryable, vault: VaultId, number: number): Promise<void> {
  await lockBatches(tx, vault);
  if (!(await endBatch(tx, vault, number, { status: 'final' }))) return;
  await recordSettledBy(tx, vault, number);
  await moveSetAside(tx, vault, number, { key: 'batch_final', to: 'payable' });
}

/** Of one that was executed: it settles everything that was booked before it, unless it left more than a little. */
export async function recordSettledBy(tx: Queryable, vault: VaultId, number: number): Promise<void> {
  const batch = await findBatch(tx, vault, number);
  if (batch?.isCutShort === false || batch?.isLeftLittle) await recordSettled(tx, vault, number);
}

/** Books that a settlement will never be executed: what it set aside goes into the next one. */
export async function bookVoid(tx: Queryable, vault: VaultId, number: number, reason: string): Promise<boolean> {
  await lockBatches(tx, vault);
  if (!(await endBatch(tx, vault, number, { status: 'void', reason }))) return false;
  await moveSetAside(tx, vault, number, { key: 'batch_void', to: 'provider' });
  return true;
}

async function moveSetAside(
  tx: Queryable,
  vault: VaultId,
  number: number,
  { key, to }: { key: 'batch_final' | 'batch_void'; to: 'payable' | 'provider' },
): Promise<void> {
  const entry = await findEntry(tx, batchKey('batch', vault, number));
  const setAside = (entry?.lines ?? []).filter(({ kind }) => kind === 'in_batch');
  if (setAside.length === 0) return;
  const lines = setAside.flatMap(({ owner, amount }): Line[] => [
    { kind: 'in_batch', owner, amount: -amount },
    { kind: to, owner, amount },
  ]);
  await postEntry(tx, { key: batchKey(key, vault, number), kind: key, note: { batch: number }, lines });
}
