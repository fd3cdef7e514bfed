import { setTimeout as sleep } from 'node:timers/promises';
import { NodesDisagree, type Rpc } from '../chain/rpc.js';
import { BrokerError } from '../domain/errors.js';
import type { Objection } from '../domain/settlement-verdict.js';
import type { Logger } from '../observability/logger.js';
import { NoEvidence } from './broker.js';
import type { GuardedVault } from './check-vault.js';
import type { GuardianSettings } from './config.js';
import { examine, type ExamineDeps, type Examined } from './examine.js';
import type { MemoryBox } from './memory.js';
import { leastGas } from './offers.js';
import type { Sender } from './sender.js';
import type { Status } from './status.js';
import { agreedView, viewsApart, type Pending, type VaultView } from './vault.js';

export interface GuardDeps extends Omit<ExamineDeps, 'facts'> {
  settings: Pick<GuardianSettings, 'address' | 'marginS'>;
  facts: GuardedVault;
  rpcs: readonly Rpc[];
  memory: MemoryBox;
  sender: Sender;
  status: Status;
  logger: Logger;
}

export interface Guard {
  /** Looks once at the vault and does what is missing. It throws nothing that a later look could mend. */
  look(): Promise<void>;
}

/** A settlement may take so long to be explained; then it is begun anew. */
const longestMs = 600_000;
/** What is found wrong is looked at once more before it is vetoed: pages of a list may be of two moments. */
const findingsNeeded = 2;
/** Wei for some vetoes at a price at which nobody hopes to send them. */
const leastBalance = 20n * leastGas * 50_000_000_000n;

const nameOf = ({ number, hash }: Pick<Pending, 'number' | 'hash'>) => `${number} ${hash}`;

/**
 * Watches the settlements of a vault. What receipts explain is approved and remembered; what they do not explain, or
 * what cannot be looked at before it could be executed, is vetoed. The vault's own state says what is left to be done.
 */
export function createGuard(deps: GuardDeps): Guard {
  const { settings, facts, rpcs, memory, sender, status, logger } = deps;
  const findings = new Map<string, number>();
  const marginS = Math.min(settings.marginS, Math.floor(facts.batchDelayS / 3));

  const decisionOf = (pending: Pending) =>
    memory.now.decisions.find(({ number, hash }) => number === pending.number && hash === pending.hash)?.verdict;
  const nowS = ({ timeS }: VaultView) => Math.max(timeS, Math.floor(Date.now() / 1_000));
  const isLate = (pending: Pending, view: VaultView) => nowS(view) >= pending.executableAtS - marginS;

  async function push(number: number): Promise<void> {
    try {
      const pushed = await sender.push({ name: 'veto', number });
      if (pushed.is === 'refused') logger.error({ settlement: number, why: pushed.why }, 'the vault refuses the veto');
      else if (pushed.is === 'sent') logger.info({ settlement: number, hash: pushed.hash }, 'the veto is on its way');
      else if (pushed.is === 'disputed')
        logger.error({ settlement: number }, 'a veto that some node calls impossible was sent too often: it waits');
      else logger.error({ settlement: number, lacks: pushed.is }, 'the veto cannot be sent');
      if (pushed.is === 'gas' || pushed.is === 'coin') status.part('gas', lackWords[pushed.is]);
      // Another node may have taken it for less, or only say so.
      else if (pushed.is === 'sent') status.part('gas', pushed.lacksCoin ? lackWords.coin : undefined);
    } catch (error) {
      // It is decided, so the next look sends it. Those after it are sent now.
      status.part('chain', wordsOf(error));
      logger.error({ settlement: number, why: wordsOf(error) }, 'the veto could not be sent');
    }
  }

  async function veto(pending: Pending, reasons: string[]): Promise<void> {
    const { number, hash } = pending;
    if (decisionOf(pending) !== 'vetoed') {
      memory.decide({ number, hash, verdict: 'vetoed', atMs: Date.now(), reasons });
      status.decided('vetoed', number, reasons);
      logger.error({ settlement: number, hash, reasons }, 'a settlement is vetoed');
    }
    await push(number);
  }

  function approve({ number, hash }: Pending, { notes, remember }: Extract<Examined, { is: 'explained' }>): void {
    memory.decide({ number, hash, verdict: 'approved', atMs: Date.now(), reasons: notes }, remember);
    status.decided('approved', number, notes);
    logger.info({ settlement: number, hash, notes }, 'a settlement is explained to the unit');
  }

  /** @returns whether it is decided. Those after it build on it, so they wait until it is. */
  async function consider(pending: Pending, view: VaultView): Promise<boolean> {
    const late = isLate(pending, view);
    const leftMs = (pending.executableAtS - (late ? 0 : marginS) - nowS(view)) * 1_000;
    try {
      const limitMs = Math.max(1_000, late ? Math.min(30_000, leftMs / 3) : Math.min(longestMs, leftMs));
      const examined = await withLimit(limitMs, (signal) => examine(deps, memory.now, { pending, view, signal }));
      status.part('broker', undefined);
      if (examined.is === 'explained') {
        approve(pending, examined);
        return true;
      }
      const reasons = examined.objections.map(inWords);
      const found = (findings.get(nameOf(pending)) ?? 0) + 1;
      findings.set(nameOf(pending), found);
      if (found < findingsNeeded && !late) {
        logger.warn(
          { settlement: pending.number, reasons },
          'a settlement is not explained: it is looked at once more',
        );
        return false;
      }
      await veto(pending, reasons);
      return true;
    } catch (error) {
      const why = wordsOf(error);
      const isExpected = error instanceof NoEvidence || error instanceof BrokerError;
      // Whatever goes wrong is no reason to let a settlement pass: it may be what somebody wanted.
      if (!isExpected && !late) throw error;
      if (!isExpected) {
        status.alarm('failure');
        logger.error({ settlement: pending.number, err: error }, 'the look at a settlement failed');
      } else {
        status.part(error instanceof BrokerError ? 'chain' : 'broker', why);
        logger.warn({ settlement: pending.number, why }, 'a settlement cannot be explained yet');
      }
      if (!late) return false;
      await veto(pending, [`not explained in time: ${why}`]);
      return true;
    }
  }

  /** Without an agreement of the nodes nothing is approved; what any of them shows is vetoed when its time comes. */
  async function lookApart(error: unknown): Promise<void> {
    const kind = error instanceof NodesDisagree ? 'disagreement' : 'node_away';
    const why = wordsOf(error);
    status.alarm(kind);
    status.part('chain', why);
    logger.error({ kind, why }, 'the nodes of the chain are not believed');
    const due = new Map<string, { pending: Pending; shownBy: number }>();
    // Late is what any node shows as late: another one may say a later time of the same.
    for (const view of await viewsApart(rpcs, facts.vault))
      for (const pending of view.pending) {
        const decided = decisionOf(pending);
        if (decided === 'approved' || (decided === undefined && !isLate(pending, view))) continue;
        due.set(nameOf(pending), { pending, shownBy: 1 + (due.get(nameOf(pending))?.shownBy ?? 0) });
      }
    // What only one node shows may not exist: it must not be in the way of what others see, too.
    const inOrder = [...due.values()].sort((a, b) => b.shownBy - a.shownBy);
    for (const { pending } of inOrder) await veto(pending, [`not explained in time: ${why}`]);
  }

  function noteExecuted({ lastExecuted, executedHash }: VaultView): void {
    if (memory.now.since === undefined) memory.change({ since: lastExecuted });
    if (lastExecuted <= (memory.now.since ?? 0) || memory.now.unchecked.includes(lastExecuted)) return;
    const known = memory.now.decisions.find(({ number, hash }) => number === lastExecuted && hash === executedHash);
    if (known?.verdict === 'approved') return;
    memory.change({ unchecked: [...memory.now.unchecked, lastExecuted] });
    status.alarm('unchecked');
    logger.error({ settlement: lastExecuted }, 'a settlement was executed that this guardian did not approve');
  }

  async function noteOwnState(view: VaultView): Promise<void> {
    const isOurs = view.guardian === settings.address;
    status.part(
      'role',
      isOurs ? undefined : `the vault's guardian is ${view.guardian} now: this program can veto nothing`,
    );
    const balance = await sender.balance();
    status.balance(balance);
    status.part('gas', balance < leastBalance ? lackWords.coin : undefined);
    status.looked(view);
  }

  return {
    async look() {
      let view: VaultView;
      try {
        view = await agreedView(rpcs, facts.vault);
        status.part('chain', undefined);
        await noteOwnState(view);
      } catch (error) {
        // A node that refuses what the others answer is as good as away.
        return await lookApart(error).catch((failed: unknown) => {
          if (!(failed instanceof BrokerError)) throw failed;
          logger.error({ why: failed.detail }, 'the chain cannot be reached');
        });
      }
      noteExecuted(view);
      for (const pending of view.pending) {
        const decided = decisionOf(pending);
        if (decided === 'approved') continue;
        if (decided === 'vetoed') await veto(pending, []);
        else if (!(await consider(pending, view))) break;
      }
    },
  };
}

const lackWords = {
  coin: 'the guardian’s wallet has too few coins for the gas of vetoes: send it some',
  gas: 'gas costs more than GUARDIAN_MAX_FEE_GWEI: a veto waits',
};

function wordsOf(error: unknown): string {
  if (error instanceof BrokerError) return error.detail;
  return (error instanceof Error ? error.message : String(error)).slice(0, 500);
}

function inWords({ line, expected, found }: Objection): string {
  return `${line}: expected ${expected}; found ${found}`.slice(0, 1_000);
}

/** @throws NoEvidence when the work takes longer, whatever it waits for. */
async function withLimit<T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const [limit, timer] = [new AbortController(), new AbortController()];
  const late = sleep(limitMs, undefined, { signal: timer.signal }).then(() => {
    limit.abort();
    throw new NoEvidence(`it took longer than ${Math.round(limitMs / 1_000)} s`);
  });
  const done = work(limit.signal);
  done.catch(() => undefined);
  try {
    return await Promise.race([done, late]);
  } finally {
    late.catch(() => undefined);
    timer.abort();
  }
}
