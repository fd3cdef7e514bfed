import type { Address } from 'viem';
import type { WorldLand as Client } from '../../client/index.js';
import type { Deposits, Withdrawal } from '../../client/shapes.js';
import { clean } from '../../words/clean.js';
import { agree, gasLine, unitsText } from '../chain/agree.js';
import { baseOfUnits, unitsOf } from '../chain/amounts.js';
import { addressOf, withdrawCall } from '../chain/calls.js';
import { carryOut, goOnWith, senderFor, type SendFlags, type Wish } from '../chain/carry-out.js';
import { planGas } from '../chain/gas.js';
import { logInWith } from '../chain/log-in-with.js';
import { vaultOfBroker, type FoundVault } from '../chain/named-vault.js';
import { checkedPermit } from '../chain/permit-of-broker.js';
import { printCalls } from '../chain/print-calls.js';
import { sayLanded } from '../chain/say-landed.js';
import type { Sender } from '../chain/sender.js';
import { forgetUnfinished, unfinishedOf } from '../chain/unfinished.js';
import { chainNowS, readInVault } from '../chain/vault.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import type { Args } from '../tree/command.js';
import { asWallet, logInBy } from '../wallets/as-wallet.js';

interface Flags extends SendFlags {
  to?: string;
  browser: boolean;
}

const example = 'wl withdraw 10';

/** `wl withdraw 10 [--to ADDRESS]`, and `wl withdraw` to go on with what was interrupted. */
export async function run(context: Context, [given]: Args, flags: Flags): Promise<void> {
  const client = await context.client();
  const deposits = await client.money.deposits();
  const found = await vaultOfBroker(context, flags, deposits);
  const wallet = (await client.whoami()).wallet.toLowerCase() as Address;
  if (flags.forget === true) return forgetUnfinished(context, { ...found.vault, wallet });
  const asked = { context, client, deposits, found, wallet, flags };
  if (given !== undefined) {
    const to = flags.to === undefined ? wallet : addressOf(flags.to, '--to');
    return await withdraw(asked, unitsOf(given as string, found.vault, example), to);
  }
  const before = unfinishedOf(context, { ...found.vault, wallet });
  if (before === undefined) throw usage('how much?', `${example}   (wl balance shows what is free)`);
  if (before.action !== 'withdraw')
    throw usage(`${before.words} is not final yet`, `to wait for it: ${goOnWith(before)}`);
  const [amount = '', to = ''] = before.asked.split(' ');
  await withdraw(asked, BigInt(amount), addressOf(to, '--to'));
}

interface Asked {
  context: Context;
  client: Client;
  deposits: Deposits;
  found: FoundVault;
  wallet: Address;
  flags: Flags;
}

async function withdraw(asked: Asked, amount: bigint, to: Address): Promise<void> {
  const { context, found, wallet, flags } = asked;
  const { vault } = found;
  const isBegun = unfinishedOf(context, { ...vault, wallet }) !== undefined;
  // It signs a login for the permit, and then the call.
  const sender = isBegun || flags.print === true ? undefined : await senderFor(context, flags, { ...found, wallet });
  const text = unitsText(amount, vault);
  const receiver = to === wallet ? 'your wallet' : to;
  const plan = async () => ({ calls: [await permittedCall(asked, { amount, to, sender })], lines: [] });
  const question = `Take ${text} out, to ${receiver}?`;
  // Asked before the broker is: what it permits, it holds back from jobs.
  if (!isBegun && flags.print !== true) {
    const gas = await planGas(found.node, wallet, [{ what: 'withdraw' }]);
    const lines = [
      ['vault', `${vault.address} on chain ${vault.chainId}`],
      ['withdraw', `${text} to ${receiver}`],
      gasLine(1, gas),
    ] as const;
    await agree(context, lines, { question, isYes: flags.yes === true });
  }
  if (flags.print === true) return printCalls(context, found, (await plan()).calls);
  const wish: Wish = {
    ...{ action: 'withdraw', asked: `${amount} ${to}`, words: `the withdrawal of ${text}`, goOn: 'wl withdraw' },
    ...{ question, plan },
  };
  const landed = await carryOut(context, found, wallet, { flags: { ...flags, yes: true }, wish, sender });
  sayLanded(context, found, { ...{ wallet, landed, amount, to }, done: `${text} went to ${to}` });
}

/** Asks the broker to let the amount go, unless it does already, and makes the call that takes it. */
async function permittedCall(
  { context, client, deposits, found, wallet, flags }: Asked,
  { amount, to, sender }: { amount: bigint; to: Address; sender: Sender | undefined },
) {
  const { node, vault } = found;
  const [{ withdrawn, balance }, nowS] = [await readInVault(node, vault, wallet), await chainNowS(node)];
  if (balance < amount) {
    const line = `the vault has ${unitsText(balance, vault)} of this wallet, and ${unitsText(amount, vault)} are to be taken out`;
    throw new Failure(exitCodes.money, line, 'wl balance shows what is free');
  }
  const pending = openPermit(deposits.withdrawing, nowS);
  const isSame = pending !== undefined && pending.cumulative === String(withdrawn + amount);
  if (pending !== undefined && !isSame) {
    const line = `the broker holds ${clean(pending.amount_tokens)} ready for you already, until ${clean(pending.deadline ?? '')}`;
    throw new Failure(
      exitCodes.notRunning,
      line,
      `take that out, or wait: wl withdraw ${clean(pending.amount_tokens)}`,
    );
  }
  const logIn = sender === undefined ? logInBy(context, flags) : logInWith(sender, node);
  const reply = isSame
    ? pending
    : await asWallet(client, { label: 'wl withdraw', logIn }, (by) => by.money.withdraw(baseOfUnits(amount, vault)));
  const permitted = await checkedPermit(reply, vault, { wallet, amount, withdrawn, nowS });
  return withdrawCall(vault.address, { ...permitted, to });
}

/** What the broker has signed and still stands, as when this command was interrupted before. */
function openPermit(withdrawing: Withdrawal | null, nowS: number): Withdrawal | undefined {
  if (withdrawing === null || withdrawing === undefined || withdrawing.deadline === null) return undefined;
  return Date.parse(withdrawing.deadline) / 1_000 > nowS ? withdrawing : undefined;
}
