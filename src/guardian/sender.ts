import { encodeFunctionData, keccak256, type Hex } from 'viem';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { CallReverted, sendRefusal } from '../chain/node-words.js';
import { rentalVaultAbi } from '../chain/rental-vault-abi.js';
import type { Rpc } from '../chain/rpc.js';
import type { Logger } from '../observability/logger.js';
import { createAskAll } from './ask-all.js';
import type { GuardianSettings } from './config.js';
import { mayBeSigned, sinceADay } from './disputes.js';
import { handTo } from './hand-over.js';
import type { SendersMemory, SentCall } from './memory.js';
import { agreedCount, neededBy, nonceOf, possibleCounts } from './nonces.js';
import { offersIn } from './offers.js';
import { createWalletQuestions, firstOf } from './wallet-questions.js';

/** After so long without being mined, a transaction offers more for its gas. */
const patienceMs = 30_000;
/** What a node needs longer for is begun anew by the next look. */
const longestHandOverMs = 60_000;
/** Of nonces that are asked for no more, a call keeps so many: nodes that name ever other ones fill no memory. */
const otherNonces = 2;

export type GuardianCall = { name: 'veto'; number: number } | { name: 'pause' } | { name: 'unpause' };

/**
 * Where a call is: `refused` says why the vault would not take it, `gas` and `coin` what it lacks; `disputed` is what was
 * signed too often on the word of the same nodes, and waits. What a node took may lack coins for what it offers elsewhere.
 */
type Pushed =
  { is: 'sent'; hash: Hex; lacksCoin: boolean } | { is: 'refused'; why: string } | { is: 'gas' | 'coin' | 'disputed' };

export interface Sender {
  /** Does once what is missing to have a call mined. Call it until the vault says that it is done. */
  push(call: GuardianCall): Promise<Pushed>;
  /** Wei of the guardian's wallet. It also learns how many of its transactions were mined, before a node has a reason to lie. */
  balance(): Promise<bigint>;
}

interface SenderDeps {
  settings: Pick<GuardianSettings, 'key' | 'chainId' | 'vault' | 'maxFeeWei'>;
  rpcs: readonly Rpc[];
  memory: SendersMemory;
  logger: Logger;
  /** Only tests are less patient. */
  patience?: number;
}

const purposeOf = (call: GuardianCall) => (call.name === 'veto' ? `veto:${call.number}` : call.name);

function dataOf(call: GuardianCall): Hex {
  if (call.name === 'veto')
    return encodeFunctionData({ abi: rentalVaultAbi, functionName: 'veto', args: [BigInt(call.number)] });
  return encodeFunctionData({ abi: rentalVaultAbi, functionName: call.name });
}

/**
 * Sends the guardian's transactions. What is signed is written down before it is sent, and the vault's state says when it
 * is done, so the process may die on any line and does it again.
 *
 * All nodes are asked and sent everything, side by side, and none is believed alone. One that lies about how many
 * transactions were mined, what gas costs or what it has done makes a veto dearer, or some minutes late. One that shows what
 * does not exist has vetoes sent that the vault refuses: at the price that others ask for, and so many a day (disputes.ts).
 */
export function createSender({ settings, rpcs, memory, logger, patience = patienceMs }: SenderDeps): Sender {
  const { maxFeeWei } = settings;
  const account = privateKeyToAccount(settings.key);
  const askAll = createAskAll(rpcs);
  const questions = createWalletQuestions(settings, { rpcs, askAll, wallet: account.address });

  /**
   * How many transactions of the wallet may have been mined, lowest first. Those that wait in a node do not count: where
   * this process knows nothing of one, it is replaced, for it may be too cheap to be mined ever.
   */
  async function countsNow() {
    const found = await questions.counts();
    const counts = possibleCounts(found, memory.now.walletCount);
    if (counts.length === 0) throw firstOf(found.failures);
    const agreed = agreedCount(found);
    const known = memory.now.walletCount;
    if (agreed !== undefined && (agreed !== known?.agreed || known.signedSince > 0)) {
      const signedSince = memory.now.sent.filter(({ nonce }) => nonce >= agreed).length;
      if (agreed !== known?.agreed || signedSince !== known.signedSince)
        memory.change({ walletCount: { agreed, signedSince } });
    }
    return { ...found, counts };
  }

  /**
   * Signs a call for the first time, or for more. While nodes say different things of the nonce, a veto is signed for each:
   * one of them is right, and a veto that is mined twice does nothing. The others could be used against the vault later.
   */
  async function sign(
    call: GuardianCall,
    counts: readonly number[],
    own: readonly SentCall[],
  ): Promise<'signed' | 'dear for some' | 'dear' | 'disputed'> {
    const [purpose, data] = [purposeOf(call), dataOf(call)];
    const [needed, asked] = await Promise.all([own[0] ?? questions.gas(data), questions.fees()]);
    if (asked.fees.length === 0 && asked.isComplete) return 'dear';
    const { gas, leastGas = gas } = needed;
    const supporters = call.name === 'veto' ? needed.supporters : undefined;
    const round = 1 + Math.max(-1, ...own.map(({ rounds }) => rounds));
    const ofOwn = own.map(({ nonce }) => nonce);
    const believed = call.name === 'veto' ? counts : counts.slice(0, 1 + round);
    let nonces = [...new Set(believed.map((count) => nonceOf(count, ofOwn, noncesOf(memory.now.sent))))];
    const nowMs = Date.now();
    if (supporters !== undefined && !mayBeSigned(memory.now.disputed, { nodes: supporters, purpose, nowMs }))
      nonces = nonces.filter((nonce) => ofOwn.includes(nonce));
    if (nonces.length === 0) return 'disputed';
    const signed: SentCall[] = [];
    for (const nonce of nonces) {
      const rounds = 1 + (own.find((each) => each.nonce === nonce)?.rounds ?? -1);
      const fees = offersIn(asked, { rounds, isDisputed: supporters !== undefined, maxFeeWei });
      const raw = await signedFor(account, settings, { data, nonce, fees, gases: [...new Set([gas, leastGas])] });
      if (raw.length === 0) continue;
      const only = supporters === undefined ? {} : { supporters };
      signed.push({ purpose, data, nonce, gas, leastGas, ...only, rounds, raw, signedAtMs: nowMs });
    }
    if (signed.length === 0) throw new TypeError('nothing can be signed of what the nodes of the chain say');
    remember(signed, ofOwn);
    return asked.isDearForSome && round > 0 ? 'dear for some' : 'signed';
  }

  function remember(signed: readonly SentCall[], before: readonly number[]): void {
    const { sent, walletCount, disputed } = memory.now;
    const { purpose, supporters = [], signedAtMs: nowMs } = signed[0]!;
    const isOf = (call: SentCall) => call.purpose === purpose;
    const isAnew = ({ nonce }: SentCall) => signed.some((each) => each.nonce === nonce);
    const kept = sent.filter((call) => !isAnew(call));
    const latest = kept.filter(isOf).toSorted((a, b) => b.signedAtMs - a.signedAtMs);
    const fresh = signed.filter(({ nonce }) => !before.includes(nonce));
    const entries = fresh.flatMap(() => supporters.map((node) => ({ node, purpose, atMs: nowMs })));
    memory.change({
      sent: [...kept.filter((call) => !isOf(call)), ...latest.slice(0, otherNonces), ...signed],
      ...(walletCount && { walletCount: { ...walletCount, signedSince: walletCount.signedSince + fresh.length } }),
      ...(entries.length > 0 && { disputed: [...sinceADay(disputed, nowMs), ...entries] }),
    });
  }

  /** Hands every node what it needs, and says what they made of one call. */
  async function send(purpose: string, counts: ReadonlyMap<Rpc, number>) {
    const { sent } = memory.now;
    const signal = AbortSignal.timeout(longestHandOverMs);
    const hand = (rpc: Rpc) => handTo(rpc, neededBy(counts.get(rpc), sent, purpose), { purpose, signal });
    const { answers } = await askAll(hand, { isSending: true });
    const outcomes = answers.flat();
    const said = new Set(outcomes.map((outcome) => (outcome instanceof Error ? sendRefusal(outcome) : outcome)));
    const lacksCoin = said.has('no coin');
    if (said.has('taken') || said.has('known') || said.has('nonce too low')) return { is: 'taken', lacksCoin } as const;
    if (lacksCoin) return { is: 'coin' } as const;
    if (said.has('too cheap')) return { is: 'gas' } as const;
    logger.warn({ purpose, err: outcomes[0] }, 'no node of the chain takes a transaction: it is sent again');
    throw firstOf(outcomes);
  }

  return {
    async push(call) {
      const purpose = purposeOf(call);
      const { counts, by, isComplete } = await countsNow();
      // What one that does not answer would say may be less.
      const open = isComplete ? memory.now.sent.filter(({ nonce }) => nonce >= counts[0]!) : memory.now.sent;
      if (open.length < memory.now.sent.length) memory.change({ sent: open });
      const own = open.filter((each) => each.purpose === purpose);
      const isOverdue = own.every(({ signedAtMs }) => Date.now() - signedAtMs >= patience);
      let done: Awaited<ReturnType<typeof sign>> = 'signed';
      if (isOverdue) {
        try {
          done = await sign(call, counts, own);
        } catch (error) {
          if (error instanceof CallReverted) return { is: 'refused', why: error.errorName };
          throw error;
        }
      }
      const sent = memory.now.sent.find((each) => each.purpose === purpose);
      if (sent === undefined) return { is: done === 'disputed' ? 'disputed' : 'gas' };
      const { is: taken, lacksCoin } = await send(purpose, by);
      if (taken !== 'taken') return { is: taken };
      if (done === 'dear' || done === 'dear for some') return { is: 'gas' };
      return { is: 'sent', hash: keccak256(sent.raw[0]!), lacksCoin };
    },
    async balance() {
      const [balance] = await Promise.all([questions.balance(), countsNow().catch(() => undefined)]);
      return balance;
    },
  };
}

const noncesOf = (sent: readonly SentCall[]) => new Set(sent.map(({ nonce }) => nonce));

interface ToSign extends Pick<SentCall, 'data' | 'nonce'> {
  fees: ReturnType<typeof offersIn>;
  gases: readonly bigint[];
}

/** Everything that can be signed of it, the dearest first. What a node has thought of must not hold up the rest. */
async function signedFor(
  account: PrivateKeyAccount,
  { chainId, vault }: Pick<GuardianSettings, 'chainId' | 'vault'>,
  { data, nonce, fees, gases }: ToSign,
): Promise<Hex[]> {
  const raw: Hex[] = [];
  for (const fee of fees)
    for (const gas of gases) {
      const kind = 'gasPrice' in fee ? ({ type: 'legacy', ...fee } as const) : ({ type: 'eip1559', ...fee } as const);
      try {
        raw.push(await account.signTransaction({ chainId, to: vault, data, nonce, gas, ...kind }));
      } catch {
        continue;
      }
    }
  return raw;
}
