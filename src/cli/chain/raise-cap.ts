import type { Address } from 'viem';
import { spendPermitTypedData } from '../../wire/vault-typed-data.js';
import type { TypedData } from '../../client/wallet.js';
import { usage } from '../failure.js';
import { asWallet } from '../wallets/as-wallet.js';
import { agree, unitsText, vaultLines } from './agree.js';
import { baseOfUnits, unitsOfBase } from './amounts.js';
import { raiseCapCall } from './calls.js';
import { carryOut, senderFor, type Wish } from './carry-out.js';
import type { DepositAsked } from './deposit-asked.js';
import { logInWith } from './log-in-with.js';
import { requireHigher } from './plan-deposit.js';
import { printCalls } from './print-calls.js';
import { sayLanded } from './say-landed.js';
import { unfinishedOf } from './unfinished.js';
import { isContract, readInVault } from './vault.js';

/**
 * Lets the vault draw more: by a signature, which the broker carries there with its next settlement and which costs no gas;
 * by a call of a wallet that is a contract, and so has no signature that the vault takes.
 */
export async function raiseCap(asked: DepositAsked, cap: bigint): Promise<void> {
  const { context, found, wallet, flags, deposits } = asked;
  const { node, vault } = found;
  const text = (units: bigint) => unitsText(units, vault);
  const isBegun = unfinishedOf(context, { ...vault, wallet })?.action === 'raiseCap';
  const isCall = flags.call === true || flags.print === true || isBegun || (await isContract(node, wallet));
  const { cap: onChain, spent } = await readInVault(node, vault, wallet);
  const signed = unitsOfBase(deposits.cap_signed, vault);
  const present = !isCall && signed > onChain ? signed : onChain;
  if (!isBegun && requireHigher(cap, present, text) === present) throw usage(`the cap is ${text(cap)} in all already`);
  const lines = [
    ...vaultLines(vault),
    ['wallet', wallet],
    ['cap', `jobs may draw ${text(cap)} in all instead of ${text(present)}; ${text(spent)} are drawn already`],
  ] as const;
  if (!isCall) return await signPermit(asked, cap, lines);
  const call = raiseCapCall(vault.address, wallet, cap);
  if (flags.print === true) return printCalls(context, found, [call]);
  const wish: Wish = {
    ...{ action: 'raiseCap', asked: String(cap), words: `the cap of ${text(cap)}`, goOn: 'wl deposit' },
    question: `Let jobs draw ${text(cap)} in all?`,
    plan: async () => ({ calls: [call], lines }),
  };
  const landed = await carryOut(context, found, wallet, { flags, wish });
  sayLanded(context, found, { wallet, landed, amount: cap, done: `jobs may draw ${text(cap)} in all` });
}

/** What is signed is made here: nothing of the broker's own typed data is used. */
async function signPermit(
  { context, client, found, wallet, flags }: DepositAsked,
  cap: bigint,
  lines: readonly (readonly [string, string])[],
): Promise<void> {
  const { node, vault } = found;
  const sender = await senderFor(context, flags, { node, wallet });
  const text = unitsText(cap, vault);
  await agree(context, lines, {
    ...{ question: `Let jobs draw ${text} in all?`, isYes: flags.yes === true },
    declined: 'nothing was signed',
  });
  found.remember();
  const permit = { customer: wallet, cumulativeCap: cap };
  const site: { chainId: number; vault: Address } = { chainId: vault.chainId, vault: vault.address };
  const signature = await sender.sign(spendPermitTypedData(site, permit) as unknown as TypedData);
  const logIn = logInWith(sender, node);
  await asWallet(client, { label: 'wl deposit', logIn }, (by) => by.money.raiseCap(baseOfUnits(cap, vault), signature));
  sayLanded(context, found, {
    ...{ wallet, landed: [], amount: cap, more: { signed: true } },
    done: `jobs may draw ${text} in all from now on: the broker has your signature, and brings it to the vault when it is needed`,
  });
}
