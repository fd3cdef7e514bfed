import { setTimeout as sleep } from 'node:timers/promises';
import type { PrivateKeyAccount } from 'viem';
import type { Random } from '../../support/random.js';
import type { Live } from '../live.js';
import { callOf, chainWallet, type ChainWallet } from './wallet.js';
import type { ChainSite } from './site.js';

/** What those did who are not customers. */
export type ActorCounts = Record<
  'payouts' | 'sweeps' | 'vetoes' | 'pauses' | 'resumed' | 'unasked' | 'foreign',
  number
>;

export interface Actors {
  counts: ActorCounts;
  /** Units of the token that were sent straight to the vault. */
  unasked(): bigint;
  /** From now on earnings are taken out by this wallet. */
  addPayee(account: PrivateKeyAccount): void;
  /** Nobody vetoes, pauses or sends any more; settlements that were stopped are resumed. */
  calm(): Promise<void>;
}

interface ActorOptions {
  site: ChainSite;
  random: Random;
  live: Live;
  log: (line: string) => void;
  /** Whether the guardian vetoes nothing. */
  isCalm: boolean;
  /** @returns whether settlements were stopped. */
  resume(): Promise<boolean>;
}

type Payee = readonly [credited: bigint, withdrawn: bigint];

/** Payees take out what they earned, the treasury its fees; the guardian vetoes now and then; an operator resumes. */
export function startActors({ site, random, live, log, resume, isCalm }: ActorOptions): Actors {
  const counts: ActorCounts = { payouts: 0, sweeps: 0, vetoes: 0, pauses: 0, resumed: 0, unasked: 0, foreign: 0 };
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, live.ended]);
  const pause = (ms: number) => sleep(ms, undefined, { signal: ended }).catch(() => undefined);
  const guardian = chainWallet(site, site.guardian, live.ended);
  const treasury = chainWallet(site, site.treasury, live.ended);
  const payees: ChainWallet[] = [];
  let unasked = 0n;

  async function repeat(everyMs: [number, number], what: () => Promise<void>): Promise<void> {
    for (await pause(random.whole(...everyMs)); !ended.aborted; await pause(random.whole(...everyMs)))
      // The chain itself is away from nobody here; only the end of the run stops this.
      await what().catch((error: unknown) => void (ended.aborted || log(`chain: ${String(error)}`)));
  }

  async function takeOut(): Promise<void> {
    for (const payee of payees) {
      const [credited, withdrawn] = await site.read<Payee>('payees', [payee.address]);
      if (credited === withdrawn) continue;
      if (await payee.send(callOf(site.vault, 'withdrawEarnings', [payee.address]))) counts.payouts++;
    }
  }

  async function sweep(): Promise<void> {
    if ((await site.read<bigint>('fees')) === 0n) return;
    if (await treasury.send(callOf(site.vault, 'sweepFees', []))) counts.sweeps++;
  }

  let seen = 0n;
  /** Of the settlements, every fourth or so is vetoed; once, the vault is paused for some seconds. */
  async function guard(): Promise<void> {
    const proposed = await site.read<bigint>('proposed');
    if (proposed === seen) return;
    seen = proposed;
    if (counts.pauses === 0 && proposed >= 3n) {
      counts.pauses++;
      await guardian.send(callOf(site.vault, 'pause', []));
      await pause(3_000);
      await guardian.send(callOf(site.vault, 'unpause', []));
      return;
    }
    if (proposed !== 1n && random.next() > 0.2) return;
    log(`chain: the guardian vetoes settlement ${proposed}`);
    if (await guardian.send(callOf(site.vault, 'veto', [proposed]))) counts.vetoes++;
  }

  /** Tokens that nobody asked for: of the vault's kind, and of another one. */
  async function send(): Promise<void> {
    const amount = BigInt(random.whole(1, 5_000_000));
    await treasury.send(callOf(site.token, 'mint', [treasury.address, amount]));
    const before = await site.tokensOf(treasury.address);
    const arrives = site.keepsFee ? amount - amount / 100n : amount;
    if (before >= amount && (await treasury.send(callOf(site.token, 'transfer', [site.vault, amount])))) {
      counts.unasked++;
      unasked += arrives;
    }
    await treasury.send(callOf(site.foreignToken, 'mint', [treasury.address, amount]));
    if (await treasury.send(callOf(site.foreignToken, 'transfer', [site.vault, amount]))) counts.foreign++;
  }

  const going = [
    repeat([3_000, 6_000], takeOut),
    repeat([8_000, 15_000], sweep),
    ...(isCalm ? [] : [repeat([300, 500], guard)]),
    repeat([10_000, 20_000], send),
  ];
  const resuming = new AbortController();
  const resumes = (async () => {
    while (!live.ended.aborted && !resuming.signal.aborted) {
      await sleep(1_500);
      if (await resume().catch(() => false)) counts.resumed++;
    }
  })();

  return {
    counts,
    unasked: () => unasked,
    addPayee: (account) => void payees.push(chainWallet(site, account, live.ended)),
    async calm() {
      over.abort();
      await Promise.all(going);
      resuming.abort();
      await resumes;
    },
  };
}
