import type { Address } from 'viem';
import { unitsText } from '../chain/agree.js';
import { leastOf, unitsOf, unitsOfBase } from '../chain/amounts.js';
import { untilBooked } from '../chain/booked.js';
import { carryOut, goOnWith, type Wish } from '../chain/carry-out.js';
import type { DepositAsked, DepositFlags } from '../chain/deposit-asked.js';
import { vaultOfBroker } from '../chain/named-vault.js';
import { planDeposit } from '../chain/plan-deposit.js';
import { printCalls } from '../chain/print-calls.js';
import { raiseCap } from '../chain/raise-cap.js';
import { sayLanded } from '../chain/say-landed.js';
import { forgetUnfinished, unfinishedOf } from '../chain/unfinished.js';
import type { Context } from '../context.js';
import { usage } from '../failure.js';
import type { Args } from '../tree/command.js';

const example = 'wl deposit 25';

/** `wl deposit 25 [--cap N]`, `wl deposit --cap N`, and `wl deposit` to go on with what was interrupted. */
export async function run(context: Context, [given]: Args, flags: DepositFlags): Promise<void> {
  const client = await context.client();
  const deposits = await client.money.deposits();
  const found = await vaultOfBroker(context, flags, deposits);
  const wallet = (await client.whoami()).wallet.toLowerCase() as Address;
  if (flags.forget === true) return forgetUnfinished(context, { ...found.vault, wallet });
  const cap = flags.cap === undefined ? undefined : unitsOf(flags.cap, found.vault, `${example} --cap 25`);
  const asked = { context, client, deposits, found, wallet, flags };
  if (given !== undefined) return await deposit(asked, unitsOf(given as string, found.vault, example), cap);
  if (cap !== undefined) return await raiseCap(asked, cap);
  const before = unfinishedOf(context, { ...found.vault, wallet });
  if (before === undefined) throw usage('how much?', `${example}   (wl balance shows what is there)`);
  if (before.action === 'raiseCap') return await raiseCap(asked, BigInt(before.asked));
  if (before.action !== 'deposit')
    throw usage(`${before.words} is not final yet`, `to wait for it: ${goOnWith(before)}`);
  const [amount = '', capBefore = ''] = before.asked.split(' ');
  await deposit(asked, BigInt(amount), capBefore === '' ? undefined : BigInt(capBefore));
}

async function deposit(asked: DepositAsked, amount: bigint, cap: bigint | undefined): Promise<void> {
  const { context, client, deposits, found, wallet, flags } = asked;
  const { vault } = found;
  const text = unitsText(amount, vault);
  const plan = () =>
    planDeposit(found, {
      ...{ wallet, amount, cap, signedCap: unitsOfBase(deposits.cap_signed, vault), least: leastOf(deposits, vault) },
    });
  if (flags.print === true) return printCalls(context, found, (await plan()).calls);
  const wish: Wish = {
    ...{ action: 'deposit', asked: `${amount} ${cap ?? ''}`, words: `the deposit of ${text}`, goOn: 'wl deposit' },
    ...{ question: `Deposit ${text}?`, plan },
  };
  const landed = await carryOut(context, found, wallet, { flags, wish });
  const isBooked = await untilBooked(context, client, landed);
  sayLanded(context, found, {
    ...{ wallet, landed, amount, isBooked },
    done: isBooked
      ? `${text} deposited, and booked by the broker: wl balance`
      : `${text} deposited. The broker has not read the chain so far yet; wl balance shows when it has`,
  });
}
