/**
 * Settles on the chain: what customers were charged is drawn from their deposits, and what providers earned is theirs.
 *
 * **Flow.** A Schedule starts it every `BATCH_INTERVAL_H` hours on sites with a chain. It cuts a settlement (the totals of
 * all wallets at one moment), has it proposed, waits for the delay in which the guardian may veto, has it executed, and
 * ends once that is final and booked. Each look asks the vault what is there, and does what is missing: which look that
 * is does not matter.
 *
 * **Why durable.** It lasts for half a day, and for as long as the chain is congested or away. Where it is stands in the
 * vault and in Postgres, so a new run, or the next one, goes on with the settlement that is under way.
 *
 * **Retries.** For ever, with pauses: no node, gas that is too dear and a pause of the vault pass. *Current details* say
 * what it waits for, and since when.
 *
 * **End.** It completes when the settlement is booked, or void: vetoed, for instance. Nothing is settled then until an
 * operator resumes.
 */
import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { ChainActivities } from '../activities/chain.js';
import { chainTaskQueue } from './chain-task-queue.js';

type Steps = Pick<ChainActivities, 'beginSettlement' | 'advanceSettlement'>;

/** What became of it. */
export type SettlementEnd =
  { number: number; is: 'final' } | { number: number; is: 'void'; why: string } | { is: 'none'; why: string };

export async function settlementBatch(): Promise<SettlementEnd> {
  const { beginSettlement, advanceSettlement } = proxyActivities<Steps>({
    taskQueue: chainTaskQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '2 minutes',
    retry: { initialInterval: '5s', maximumInterval: '1 minute' },
  });
  setCurrentDetails(
    'cuts the totals of all wallets; without an answer, no node of the chain answers, or they disagree',
  );
  const begun = await beginSettlement();
  if ('none' in begun) return { is: 'none', why: begun.why ?? begun.none };
  const { number } = begun;
  let told = '';
  for (;;) {
    const now = await advanceSettlement(number);
    if (now.is === 'final') return { number, is: now.is };
    if (now.is === 'void') return { number, is: now.is, why: now.why };
    if (now.waitsFor !== told) {
      told = now.waitsFor;
      setCurrentDetails(`**settlement ${number}** since ${new Date().toISOString()}: waits for ${told}`);
    }
    await sleep(now.againInS * 1_000);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew();
  }
}
