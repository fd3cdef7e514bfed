import { unitsText } from '../chain/agree.js';
import { addressOf, withdrawEarningsCall } from '../chain/calls.js';
import { carryOut, type SendFlags, type Wish } from '../chain/carry-out.js';
import { vaultOfWallet } from '../chain/named-vault.js';
import { ownWallet } from '../chain/own-wallet.js';
import { printCalls } from '../chain/print-calls.js';
import { sayLanded } from '../chain/say-landed.js';
import { forgetUnfinished, unfinishedOf } from '../chain/unfinished.js';
import { readEarnings } from '../chain/vault.js';
import type { Context } from '../context.js';
import { exitCodes, Failure } from '../failure.js';
import type { Args } from '../tree/command.js';

interface Flags extends SendFlags {
  to?: string;
}

/** What settlements have credited to a provider's wallet: it takes that out by itself, without the broker. */
export async function run(context: Context, _args: Args, flags: Flags): Promise<void> {
  const found = await vaultOfWallet(context, flags, async () => (await context.client()).money.deposits());
  const { vault, node } = found;
  const { wallet, sender } = await ownWallet(context, flags, node);
  if (flags.forget === true) return forgetUnfinished(context, { ...vault, wallet });
  const before = unfinishedOf(context, { ...vault, wallet });
  const begun = before?.action === 'withdrawEarnings' ? before : undefined;
  const to =
    begun !== undefined && flags.to === undefined
      ? addressOf(begun.asked, '--to')
      : addressOf(flags.to ?? wallet, '--to');
  const earned = await readEarnings(node, vault, wallet);
  if (earned === 0n && begun === undefined) {
    const line = `the vault has no earnings of ${wallet}`;
    throw new Failure(exitCodes.money, line, 'they come with a settlement: wl settlements, wl provider earnings');
  }
  const text = unitsText(earned, vault);
  const call = withdrawEarningsCall(vault.address, to);
  if (flags.print === true) return printCalls(context, found, [call]);
  const lines = [
    ['vault', `${vault.address} on chain ${vault.chainId}`],
    ['earnings', `${text} to ${to}`],
  ] as const;
  const wish: Wish = {
    ...{ action: 'withdrawEarnings', asked: to, words: 'the withdrawal of earnings', goOn: 'wl earnings withdraw' },
    ...{
      question: `Take ${text} out, to ${to === wallet ? 'your wallet' : to}?`,
      plan: async () => ({ calls: [call], lines }),
    },
  };
  const landed = await carryOut(context, found, wallet, { flags, wish, sender });
  const amount = begun === undefined ? earned : undefined;
  sayLanded(context, found, { ...{ wallet, landed, to, amount }, done: `your earnings went to ${to}` });
}
