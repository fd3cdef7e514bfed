import type { Finality } from '../../config/chain.js';
import { durationText } from '../../words/durations.js';
import type { Context } from '../context.js';
import { exitCodes, Failure } from '../failure.js';
import type { Call } from './calls.js';
import { fateOf, sendAgain, type Fate } from './follow.js';
import { gweiText } from './gas.js';
import type { Node } from './node.js';
import { offered, sendCall } from './send-call.js';
import type { Sender } from './sender.js';
import type { SentCall, Unfinished, UnfinishedFile } from './unfinished.js';

/** Something that a person agreed to, on its way to the chain. */
export interface Undertaking {
  context: Context;
  node: Node;
  finality: Finality;
  timeoutS: number;
  file: UnfinishedFile;
  record: Unfinished;
  /** What to type to go on after an interruption. */
  goOn: string;
}

/** A transaction that is on the chain. */
export interface Landed {
  what: SentCall['what'];
  hash: string;
  block: number;
  isFinal: boolean;
}

/** A chain that is asked more often answers nothing new. */
const pollMs = 1_000;
const slowPollMs = 4_000;
const slowAfterMs = 60_000;
const repeatMs = 30_000;
/** A transaction that waits for so long offers too little, or never reached anybody. */
const stuckAfterMs = 90_000;

/** Sends calls one after the other. The last one is waited for by `untilFinal`. */
export async function sendAll(
  under: Undertaking,
  calls: readonly Call[],
  { sender, maxFeeWei }: { sender: Sender; maxFeeWei: bigint },
): Promise<void> {
  const { context, node, record } = under;
  for (const call of calls) {
    for (const before of record.sent) await untilState(under, before, 'mined');
    if (sender.kind === 'wallet') context.screen.note(`  ${call.words}: confirm it in the wallet`);
    const { hashes } = await sendCall({ node, sender, maxFeeWei, keep: keeper(under), drop: dropper(under) }, call);
    context.screen.note(`  ${call.words}: sent as ${hashes[0]!}`);
  }
}

/** Writes down what is sent. */
export function keeper({ record, file }: Pick<Undertaking, 'record' | 'file'>): (entry: SentCall) => void {
  return (entry) => {
    if (!record.sent.includes(entry)) record.sent.push(entry);
    file.keep(record);
  };
}

/** Takes back what was written down and is not sent. */
function dropper({ record, file }: Undertaking): (entry: SentCall) => void {
  return (entry) => {
    record.sent = record.sent.filter((each) => each !== entry);
    if (record.sent.length === 0) file.forget(record);
    else file.keep(record);
  };
}

/** Waits until all that was sent is final. Then nothing is unfinished. */
export async function untilFinal(under: Undertaking): Promise<Landed[]> {
  const landed: Landed[] = [];
  for (const entry of under.record.sent) {
    const { hash, block } = await untilState(under, entry, 'final');
    landed.push({ what: entry.what, hash, block, isFinal: true });
  }
  under.file.forget(under.record);
  return landed;
}

type OnChain = Fate & { state: 'mined' | 'final' };

/** @throws Failure if it was reverted, lost, or took longer than its person waits. */
export async function untilState(under: Undertaking, entry: SentCall, wanted: 'mined' | 'final'): Promise<OnChain> {
  const { context, node, record, finality, timeoutS } = under;
  const [startedMs, screen] = [Date.now(), context.screen];
  let [repeatedMs, isStuckSaid] = [startedMs, false];
  try {
    for (;;) {
      const fate = await fateOf(node, entry, { wallet: record.wallet, finality });
      if (fate.state === 'lost') throw lost(under, entry, fate.nonce);
      const waitedMs = Date.now() - startedMs;
      if (fate.state !== 'waiting') {
        if (!fate.isSuccess && fate.state === 'final') throw reverted(under, entry, fate.hash);
        if (fate.isSuccess && (fate.state === 'final' || wanted === 'mined')) return fate;
      } else {
        if (Date.now() - repeatedMs > repeatMs) {
          await sendAgain(node, entry);
          repeatedMs = Date.now();
        }
        if (waitedMs > stuckAfterMs && !isStuckSaid) {
          isStuckSaid = true;
          screen.note(`  ${await stuckText(under, entry)}`);
        }
      }
      screen.live(`  ${standing(entry, fate, finality)} (${durationText(waitedMs / 1_000)})`);
      if (waitedMs > timeoutS * 1_000) throw late(under, entry, fate);
      await new Promise((resolve) => setTimeout(resolve, waitedMs > slowAfterMs ? slowPollMs : pollMs));
    }
  } finally {
    screen.live('');
  }
}

/** Where a transaction stands, in words. */
export function standing(
  { words, hashes }: Pick<SentCall, 'words' | 'hashes'>,
  fate: Fate,
  finality: Finality,
): string {
  const what = `${words} (${hashes.at(-1)!.slice(0, 10)}…)`;
  if (fate.state === 'waiting') return `${what}: waits to be taken into a block`;
  if (fate.state === 'lost') return `${what}: replaced by another transaction`;
  const outcome = fate.isSuccess ? 'in' : 'reverted in';
  if (fate.state === 'final') return `${what}: ${outcome} block ${fate.block}, final`;
  const of = finality === 'finalized' ? '' : ` of ${finality}`;
  return `${what}: ${outcome} block ${fate.block}, ${fate.confirmations}${of} blocks on top, not final yet`;
}

function lost({ file, record }: Undertaking, { words }: SentCall, nonce: number): Failure {
  file.forget(record);
  return new Failure(
    exitCodes.notRunning,
    `another transaction of the wallet took the place of "${words}" (nonce ${nonce}): this one will never be`,
    'wl balance shows what is there; then try again',
  );
}

function reverted({ file, record }: Undertaking, { words }: SentCall, hash: string): Failure {
  file.forget(record);
  return new Failure(
    exitCodes.notRunning,
    `"${words}" was reverted by the chain (${hash}): only its gas is gone`,
    'try again: what the vault refuses is said before anything is sent',
  );
}

function late({ goOn, finality, timeoutS }: Undertaking, entry: SentCall, fate: Fate): Failure {
  const line = `after ${durationText(timeoutS)}: ${standing(entry, fate, finality)}`;
  const faster = fate.state === 'waiting' && entry.raw.length > 0 ? `\nto offer more for it: ${goOn} --faster` : '';
  return new Failure(exitCodes.timeout, line, `it goes on without wl; to wait for it: ${goOn}${faster}`);
}

/** Why nobody takes it, as far as that can be seen. */
async function stuckText({ node, goOn }: Undertaking, entry: SentCall): Promise<string> {
  const most = offered(entry);
  if (most === undefined) return 'no block has taken it yet: the wallet can speed it up';
  const { baseFeePerGas } = await node.client.getBlock({ blockTag: 'latest' });
  const asks = baseFeePerGas === null ? '' : `, and the chain asks for ${gweiText(baseFeePerGas)} now`;
  return `no block has taken it yet. It offers ${gweiText(most)} gwei for its gas${asks}. Ctrl-C, then ${goOn} --faster offers more`;
}

/** Says where things stand when their person leaves. What was sent goes on. */
export function onLeaving({ context, record, goOn }: Undertaking): { stop(): void } {
  const leave = () => {
    context.screen.live('');
    const sent = record.sent.at(-1);
    context.screen.warn(
      sent === undefined
        ? 'left: nothing was sent'
        : `left: "${sent.words}" was sent as ${sent.hashes.at(-1)!} and goes on. To wait for it: ${goOn}`,
    );
    process.exit(exitCodes.interrupted);
  };
  process.on('SIGINT', leave).on('SIGTERM', leave);
  return { stop: () => void process.off('SIGINT', leave).off('SIGTERM', leave) };
}
