import type { Batch } from '../db/batches.js';
import { unsignedAtCut } from '../db/receipt-signatures.js';
import { signedWithinS } from '../domain/exit-margin.js';
import { chainAlarms } from '../observability/metrics.js';
import type { WatchDeps } from './watch-deps.js';

/**
 * What a settlement waits for before it is proposed: the signatures of the receipts that explain it. Without them a guardian
 * vetoes an honest one. They are not waited for beyond half an hour, since whoever leaves the vault must be drawn in time;
 * then that is an alarm. The guardian asks for them until shortly before the execution, so there is time to bring the key.
 *
 * @returns undefined for nothing.
 */
export async function awaitedSignatures(
  deps: WatchDeps & { signedWithinS?: number },
  { number, status }: Pick<Batch, 'number' | 'status'>,
): Promise<string | undefined> {
  // It was proposed, and the chain took that back: they were there, or not waited for.
  if (status !== 'cut') return undefined;
  const { unsigned, cutForS } = await unsignedAtCut(deps.pool, deps.facts, number);
  if (unsigned === 0) return undefined;
  if (cutForS < (deps.signedWithinS ?? signedWithinS(deps.facts)))
    return `the signature${unsigned === 1 ? '' : 's'} of ${unsigned} receipt${unsigned === 1 ? '' : 's'}, without which the guardian vetoes it`;
  chainAlarms.inc({ kind: 'receipts_unsigned' });
  deps.logger.error({ batch: number, unsigned }, 'a settlement is proposed although receipts of it are not signed');
  return undefined;
}
