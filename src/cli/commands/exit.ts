import type { Address } from 'viem';
import { unitsText, vaultLines } from '../chain/agree.js';
import { addressOf, cancelExitCall, exitCall, requestExitCall, type Call } from '../chain/calls.js';
import { carryOut, type SendFlags, type Wish } from '../chain/carry-out.js';
import { vaultOfWallet, type FoundVault } from '../chain/named-vault.js';
import { ownWallet } from '../chain/own-wallet.js';
import { printCalls } from '../chain/print-calls.js';
import { sayLanded } from '../chain/say-landed.js';
import type { Sender } from '../chain/sender.js';
import { forgetUnfinished, unfinishedOf } from '../chain/unfinished.js';
import { chainNowS, readInVault, type InVault } from '../chain/vault.js';
import type { Context } from '../context.js';
import { usage } from '../failure.js';
import type { Args } from '../tree/command.js';
import { clockText, durationText } from '../../words/durations.js';

interface Flags extends SendFlags {
  cancel?: boolean;
  to?: string;
}

/** The way out that needs no broker: what the wallet has to send comes from the chain and from this computer alone. */
export async function run(context: Context, _args: Args, flags: Flags): Promise<void> {
  const found = await vaultOfWallet(context, flags, async () => (await context.client()).money.deposits());
  const { wallet, sender } = await ownWallet(context, flags, found.node);
  const whose = { ...found.vault, wallet };
  if (flags.forget === true) return forgetUnfinished(context, whose);
  const before = unfinishedOf(context, whose);
  const inVault = await readInVault(found.node, found.vault, wallet);
  const asked: Asked = { context, found, wallet, sender, flags, inVault, nowS: await chainNowS(found.node) };
  const isBegun = (action: Call['what']) => before?.action === action;
  if (isBegun('requestExit')) return await request(asked);
  if (isBegun('cancelExit') || (flags.cancel === true && before === undefined)) return await cancel(asked);
  if (isBegun('exit')) return await takeOut(asked, addressOf(before!.asked, '--to'));
  if (inVault.exitAtS === 0) return await request(asked);
  if (asked.nowS < inVault.exitAtS) return sayWhen(asked);
  await takeOut(asked, flags.to === undefined ? wallet : addressOf(flags.to, '--to'));
}

interface Asked {
  context: Context;
  found: FoundVault;
  wallet: Address;
  sender: Sender | undefined;
  flags: Flags;
  inVault: InVault;
  nowS: number;
}

async function request(asked: Asked): Promise<void> {
  const { context, found, wallet, inVault } = asked;
  const { vault, node } = found;
  const text = unitsText(inVault.balance, vault);
  const isBegun = unfinishedOf(context, { ...vault, wallet }) !== undefined;
  if (inVault.balance === 0n && !isBegun)
    throw usage(`the vault has nothing of ${wallet}`, 'wl balance shows what is there');
  const delay = durationText(vault.exitDelayS);
  await send(asked, requestExitCall(vault.address), {
    ...{ asked: '', words: 'the request of an exit', question: `Ask for all of it back?` },
    lines: [
      ...vaultLines(vault),
      ['exit', `all that is left of ${text}, for ${wallet}`],
      ['', `It can be taken out after ${delay}: wl exit once more. Until then jobs that ran are drawn of it,`],
      ['', 'no new job is taken, and those that run end before. wl exit --cancel calls it off'],
    ],
    done: async () => {
      const now = await readInVault(node, vault, wallet);
      return `${unitsText(now.balance, vault)} can be taken out ${whenText(asked, now.exitAtS)}: wl exit then`;
    },
  });
}

async function cancel(asked: Asked): Promise<void> {
  const { found, inVault, context, wallet } = asked;
  const isBegun = unfinishedOf(context, { ...found.vault, wallet }) !== undefined;
  if (inVault.exitAtS === 0 && !isBegun) throw usage('no exit is requested', 'wl exit requests one');
  await send(asked, cancelExitCall(found.vault.address), {
    ...{ asked: '', words: 'the end of the exit', question: 'Call the exit off?' },
    lines: [['exit', `is called off: ${unitsText(inVault.balance, found.vault)} stay in the vault, for jobs`]],
    done: async () => 'The exit is called off: jobs are taken again.',
  });
}

async function takeOut(asked: Asked, to: Address): Promise<void> {
  const { found, inVault, wallet } = asked;
  const text = unitsText(inVault.balance, found.vault);
  await send(asked, exitCall(found.vault.address, to), {
    ...{ asked: to, words: 'the exit', question: `Take out ${text}, to ${to === wallet ? 'your wallet' : to}?`, to },
    lines: [
      ['vault', `${found.vault.address} on chain ${found.vault.chainId}`],
      ['exit', `${text}, which is all that is left, to ${to}`],
    ],
    done: async () => `All that was left in the vault went to ${to}.`,
  });
}

async function send(
  { context, found, wallet, sender, flags }: Asked,
  call: Call,
  what: Pick<Wish, 'asked' | 'words' | 'question'> & {
    lines: readonly (readonly [string, string])[];
    to?: Address;
    done: () => Promise<string>;
  },
): Promise<void> {
  if (flags.print === true) return printCalls(context, found, [call]);
  const { lines, done, to, ...words } = what;
  const wish: Wish = { ...words, action: call.what, goOn: 'wl exit', plan: async () => ({ calls: [call], lines }) };
  const landed = await carryOut(context, found, wallet, { flags, wish, sender });
  const { exitAtS } = await readInVault(found.node, found.vault, wallet);
  const more = { exit_at: exitAtS === 0 ? null : new Date(exitAtS * 1_000).toISOString() };
  sayLanded(context, found, { ...{ wallet, landed, to, more }, done: await done() });
}

function sayWhen(asked: Asked): void {
  const { context, found, wallet, inVault } = asked;
  const { screen, global } = context;
  const exitAt = new Date(inVault.exitAtS * 1_000).toISOString();
  if (global.json === true) {
    const { address, chainId: chain_id, token } = found.vault;
    return screen.json({
      ...{ wallet, chain_id, vault: address, token, balance: inVault.balance.toString() },
      exit_at: exitAt,
    });
  }
  if (global.quiet === true) return screen.print(exitAt);
  screen.paragraph(
    `${unitsText(inVault.balance, found.vault)} can be taken out ${whenText(asked, inVault.exitAtS)}: wl exit then`,
  );
  screen.paragraph('wl exit --cancel calls it off.');
}

/** By the clock of the chain, which is what counts. */
function whenText({ context, nowS }: Asked, exitAtS: number): string {
  const at = clockText(exitAtS * 1_000, context.time());
  return exitAtS <= nowS ? 'now' : `in ${durationText(exitAtS - nowS)} (${at})`;
}
