import { batchUnderWay, creditsBeyondFinal, lockBatches, reviveBatch } from '../db/batches.js';
import { allowToOwe, postEntry, type Line } from '../db/ledger.js';
import type { Queryable } from '../db/pool.js';
import type { VaultId } from '../db/vault-events.js';
import { baseUnitsOf } from '../domain/vault-units.js';
import { batchKey, bookVoid, recordSettledBy } from './batch-bookings.js';

/**
 * Books that a settlement was executed which counted as void: the vault has it until it is vetoed or passed over, and anybody
 * may execute it. Each line is a total, so what it credits is what it has beyond the last settlement that was executed. One
 * that was cut meanwhile was cut without it, so it is void: the next one is cut from what is now so.
 *
 * @returns false for one that is no longer void: it is booked.
 */
export async function bookLateExecution(
  tx: Queryable,
  vault: VaultId & { scale: bigint },
  number: number,
): Promise<boolean> {
  await lockBatches(tx, vault);
  const credits = await creditsBeyondFinal(tx, vault, number);
  if (!(await reviveBatch(tx, vault, number))) return false;
  const underWay = await batchUnderWay(tx, vault);
  if (underWay !== undefined) await bookVoid(tx, vault, underWay.number, 'overtaken');
  // Else whoever executes void ones again and again would have the site stand still, though all of it is settled.
  await recordSettledBy(tx, vault, number);
  const lines: Line[] = [];
  for (const { wallet, units } of credits) {
    const amount = baseUnitsOf(units, vault.scale);
    // He may have been paid by hand, or have refunded it, since it became void.
    await allowToOwe(tx, { kind: 'provider', owner: wallet }, amount);
    lines.push({ kind: 'provider', owner: wallet, amount: -amount }, { kind: 'payable', owner: wallet, amount });
  }
  if (lines.length === 0) return true;
  const key = batchKey('batch_final', vault, number);
  await postEntry(tx, { key, kind: 'batch_final', note: { batch: number }, lines });
  return true;
}
