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
 * what it waits for, and since when; the search attribute `SettlementWait` has that in a word.
 *
 * **End.** It completes when the settlement is booked, or void: vetoed, for instance. Nothing is settled then until an
 * operator resumes, and its details say so. One that could not carry everybody is followed by the next one at once, as is one
 * that was overtaken; and what passes by itself before one can be cut is waited for.
 */
import {
  ActivityFailure,
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChainActivities } from '../activities/chain.js';
import type { SettlementWait } from '../src/domain/settlement-step.js';
import { chainTaskQueue } from './chain-task-queue.js';
import { searchAttributes } from './search-attributes.js';
import { pause, summarized } from './summaries.js';

type Steps = Pick<ChainActivities, 'beginSettlement' | 'advanceSettlement'>;

/** What became of it. */
export type SettlementEnd =
  { number: number; is: 'final' } | { number: number; is: 'void'; why: string } | { is: 'none'; why: string };

/** After so many seconds a step that failed is tried again. */
const tryAgainInS = 15;

export async function settlementBatch(): Promise<SettlementEnd> {
  const steps = summarized<Steps>(
    proxyActivities({
      taskQueue: chainTaskQueue(workflowInfo().taskQueue),
      startToCloseTimeout: '2 minutes',
      // Then its details say that it does not get an answer.
      retry: { initialInterval: '2s', maximumAttempts: 3 },
    }),
    {
      beginSettlement: 'cut the totals of all wallets',
      advanceSettlement: (number) => `do what settlement ${number} lacks`,
    },
  );
  const tell = createTeller();
  for (let before: SettlementEnd | undefined; ;) {
    const { isCutShort, ...end } = await settle(steps, tell);
    // Nothing is left of what the one before could not carry.
    if (before !== undefined && end.is === 'none' && end.why === 'nothing to settle') return before;
    if (!isFollowed({ ...end, isCutShort })) return end;
    before = end;
  }
}

/** Whether the next one begins at once. */
function isFollowed(end: SettlementEnd & { isCutShort: true | undefined }): boolean {
  if (end.isCutShort) return patched('a-settlement-goes-on-with-what-it-left');
  return end.is === 'void' && end.why === 'overtaken' && patched('a-settlement-that-was-overtaken-is-cut-anew');
}

async function settle(
  { beginSettlement, advanceSettlement }: Steps,
  tell: ReturnType<typeof createTeller>,
): Promise<SettlementEnd & { isCutShort?: true }> {
  setCurrentDetails('cuts the totals of all wallets');
  let begun = await untilAnswered(tell, 'settlement', beginSettlement);
  // Histories from before there was such an answer do not have it.
  while ('none' in begun && begun.againInS !== undefined) {
    tell.waits('settlement', 'chain', begun.why ?? begun.none);
    await pause(begun.againInS * 1_000, `before it can be cut: ${begun.none}`);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew();
    begun = await untilAnswered(tell, 'settlement', beginSettlement);
  }
  if ('none' in begun) {
    const why = begun.why ?? begun.none;
    if (begun.none === 'stopped') tell.stopped('settlements', why);
    return { is: 'none', why };
  }
  const { number } = begun;
  const name = `settlement ${number}`;
  for (;;) {
    const now = await untilAnswered(tell, name, () => advanceSettlement(number));
    if (now.is === 'void') tell.stopped(name, now.why);
    if (now.is === 'final') return { number, ...now };
    if (now.is === 'void') return { number, is: now.is, why: now.why };
    tell.waits(name, now.kind, now.waitsFor, now.since);
    await pause(now.againInS * 1_000, `${name} waits for: ${now.kind}`);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew();
  }
}

/** Says what a settlement waits for, once for each thing, and since when. */
function createTeller() {
  let told = '';
  return {
    waits(name: string, kind: SettlementWait, words: string, since = new Date().toISOString()) {
      const next = `${name} ${words}`;
      if (next === told) return;
      told = next;
      setCurrentDetails(`**${name}** since ${since}: waits for ${words}`);
      showWait(kind);
    },
    /** A settlement that was refused or overtaken is cut anew; all others wait for a person. */
    stopped(name: string, why: string) {
      const next = nextAfter(why);
      const words = next ?? 'nothing is settled until an operator resumes';
      setCurrentDetails(`**${name}**: ${why}; ${words} (see docs/operate.md)`);
      showWait(next === undefined ? 'operator' : 'refused');
    },
  };
}

/** What the next settlement is, where it is cut without an operator. */
function nextAfter(why: string): string | undefined {
  // That is said of the sum, and no line is left out for it.
  if (why.startsWith('refused: Unbalanced')) return 'the next one is cut anew, of what the events of the vault say';
  if (why.startsWith('refused')) return 'the next one is cut without that line';
  return why === 'overtaken' ? 'an earlier one was executed instead, and the next one has all totals' : undefined;
}

function showWait(kind: SettlementWait | 'operator'): void {
  if (!patched('a-settlement-is-found-by-its-wait')) return;
  upsertSearchAttributes([{ key: searchAttributes.settlementWait, value: kind }]);
}

async function untilAnswered<T>(
  tell: ReturnType<typeof createTeller>,
  name: string,
  step: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      tell.waits(name, 'nodes', `an answer: ${error.cause?.message ?? 'none'}`);
      await pause(tryAgainInS * 1_000, `${name} has no answer: try again after ${tryAgainInS} s`);
    }
  }
}
