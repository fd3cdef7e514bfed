import type { Address } from 'viem';
import { clockText } from '../../words/durations.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { agree, gasLine } from './agree.js';
import type { Call } from './calls.js';
import { fateOf } from './follow.js';
import { coinText, gweiText, planGas } from './gas.js';
import type { FoundVault, VaultFlags } from './named-vault.js';
import { sendFaster } from './send-call.js';
import { openSender, type Sender } from './sender.js';
import { keeper, onLeaving, sendAll, untilFinal, untilState, type Landed, type Undertaking } from './undertake.js';
import { unfinishedFile, type Unfinished } from './unfinished.js';

/** The flags of every command that sends something to a vault. */
export interface SendFlags extends VaultFlags {
  yes?: boolean;
  /** Seconds. */
  timeout?: number;
  faster?: boolean;
  forget?: boolean;
  print?: boolean;
}

/** What a person wants of a vault. */
export interface Wish {
  /** Its last call. */
  action: Call['what'];
  /** What was asked for: the same goes on, another one is refused meanwhile. */
  asked: string;
  /** Such as `the deposit of 25 USDT`. */
  words: string;
  goOn: string;
  question: string;
  /** What is to be sent now, by the chain as it is, and what of it to show. */
  plan(): Promise<{ calls: Call[]; lines: readonly (readonly [string, string])[] }>;
}

const usualTimeoutS = 20 * 60;

/**
 * Sends what is wanted, or goes on with it if it was sent already, and waits until it is final.
 *
 * @param wallet whose it is; the wallet that signs has to be the same.
 */
export async function carryOut(
  context: Context,
  { node, vault, finality, remember }: FoundVault,
  wallet: Address,
  { flags, wish, sender: opened }: { flags: SendFlags; wish: Wish; sender?: Sender | undefined },
): Promise<Landed[]> {
  const file = unfinishedFile(context.folder);
  const of = { chainId: vault.chainId, vault: vault.address, wallet };
  const before = file.find(of);
  if (before !== undefined) requireSame(context, before, wish);
  const { action, asked, words, goOn } = wish;
  const startedAt = new Date().toISOString();
  const record: Unfinished = before ?? { ...of, ...{ action, asked, words, startedAt, sent: [] } };
  const under: Undertaking = {
    ...{ context, node, finality, file, record, goOn },
    timeoutS: flags.timeout ?? usualTimeoutS,
  };
  let sender = opened;
  const asker = async () => (sender ??= await senderFor(context, flags, { node, wallet }));
  const leaving = onLeaving(under);
  try {
    if (before !== undefined) sayBefore(context, before);
    if (flags.faster === true) await goFaster(under, await asker(), flags);
    if (!record.sent.some(({ what }) => what === action)) {
      for (const entry of record.sent) await untilState(under, entry, 'mined');
      const { calls, lines } = await wish.plan();
      const by = await asker();
      const gas = await planGas(node, wallet, calls);
      await agree(context, [...lines, gasLine(calls.length, gas)], {
        question: wish.question,
        isYes: flags.yes === true,
      });
      remember();
      await sendAll(under, calls, { sender: by, maxFeeWei: gas.maxFeeWei });
    }
    return await untilFinal(under);
  } finally {
    leaving.stop();
  }
}

/** Opens the wallet that has to sign. */
export async function senderFor(
  context: Context,
  flags: VaultFlags,
  { node, wallet }: { node: FoundVault['node']; wallet: Address | undefined },
): Promise<Sender> {
  const sender = await openSender(context, flags, node);
  if (wallet === undefined || sender.address === wallet) return sender;
  const line = `${sender.address} would send, and this computer is logged in with ${wallet}`;
  throw new Failure(exitCodes.notLoggedIn, line, 'send with that wallet, or log in with the other one: wl login');
}

const commandOf: Partial<Record<string, string>> = {
  deposit: 'wl deposit',
  raiseCap: 'wl deposit',
  withdraw: 'wl withdraw',
  withdrawEarnings: 'wl earnings withdraw',
};

/** How to go on with what was begun. */
export const goOnWith = ({ action }: Pick<Unfinished, 'action'>): string => commandOf[action] ?? 'wl exit';

function requireSame(context: Context, before: Unfinished, wish: Wish): void {
  if (before.action === wish.action && before.asked === wish.asked) return;
  const command = goOnWith(before);
  throw usage(
    `${before.words}, which was begun at ${clockText(before.startedAt, context.time())}, is not final yet`,
    `to wait for it: ${command}\nto give it up, if it never will be: ${command} --forget`,
  );
}

function sayBefore({ screen, time }: Context, before: Unfinished): void {
  screen.note(`  ${before.words} was begun at ${clockText(before.startedAt, time())}: this goes on with it`);
}

/** Offers more for the first that waits. */
async function goFaster(under: Undertaking, sender: Sender, flags: SendFlags): Promise<void> {
  const { context, node, record, finality } = under;
  for (const entry of record.sent) {
    const fate = await fateOf(node, entry, { wallet: record.wallet, finality });
    if (fate.state !== 'waiting') continue;
    await sendFaster({ node, sender, keep: keeper(under) }, entry, async ({ before, now, atMost }) => {
      const line = `"${entry.words}" again, for ${gweiText(now)} gwei instead of ${gweiText(before)}, at most ${coinText(atMost)} coins`;
      await agree(context, [['gas', line]], { question: 'Send?', isYes: flags.yes === true });
    });
    return;
  }
  context.screen.note('  nothing waits for a block');
}
