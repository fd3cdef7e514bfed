import { setTimeout as sleep } from 'node:timers/promises';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Hex, PrivateKeyAccount } from 'viem';
import { vaultDomain, vaultTypes } from '../../contracts/vault-messages.js';
import type { Random } from '../../support/random.js';
import { until } from '../../support/until.js';
import { rentIfPaid, type JobStory, type PaidPlan } from '../customers.js';
import { insist, patienceMs, type Customer } from '../requests.js';
import { exitDelayS, type ChainSite } from './site.js';
import { withdrawSome, type HeldPermit } from './withdrawing.js';
import { callOf, chainWallet, type ChainWallet } from './wallet.js';

/** A customer's money, as he knows it himself. Amounts are units of the token. */
export interface Purse {
  wallet: ChainWallet;
  /** What he allowed to be drawn in all, and when he began to. */
  caps: { atMs: number; cap: bigint }[];
  /** The last that he was given to take money out with. */
  permit?: HeldPermit;
  /** He left with all that he had, what he had not paid yet included. */
  hasExited: boolean;
}

export type CustomerCounts = Record<
  | (
      | 'deposits'
      | 'dust'
      | 'byAnother'
      | 'capsRaised'
      | 'capsBySignature'
      | 'exitsRequested'
      | 'exitsCancelled'
      | 'exits'
    )
  | ('rented' | 'refused' | 'withdrawals' | 'withdrawalsRefused' | 'permits'),
  number
>;

export const noCustomerCounts = (): CustomerCounts => ({
  ...{ deposits: 0, dust: 0, byAnother: 0, capsRaised: 0, capsBySignature: 0 },
  ...{ exitsRequested: 0, exitsCancelled: 0, exits: 0, rented: 0, refused: 0 },
  ...{ withdrawals: 0, withdrawalsRefused: 0, permits: 0 },
});

export const newPurse = (site: ChainSite, account: PrivateKeyAccount, ended: AbortSignal): Purse => ({
  wallet: chainWallet(site, account, ended),
  caps: [],
  hasExited: false,
});

/** Mints tokens, and deposits them for a customer; with the cap, if he does it himself. */
export async function deposit(
  site: ChainSite,
  by: ChainWallet,
  amount: bigint,
  purse: Purse,
  cap = 0n,
): Promise<boolean> {
  const { wallet } = purse;
  if (cap > 0n && by === wallet) purse.caps.push({ atMs: Date.now(), cap });
  await by.send(callOf(site.token, 'mint', [by.address, amount]));
  await by.send(callOf(site.token, 'approve', [site.vault, amount]));
  return await by.send(callOf(site.vault, 'deposit', [wallet.address, amount, cap]));
}

/** Deposits more than a customer needs for any run, and waits until he can spend it. */
export async function fundAmply(site: ChainSite, customer: Customer, purse: Purse): Promise<void> {
  const amount = 2_000n * tokenOf(site);
  if (!(await deposit(site, purse.wallet, amount, purse, 10n ** 30n))) throw new Error('a deposit was refused');
  const booked = async () => {
    const { body } = await insist(customer, 'GET', '/api/v1/billing/deposits');
    return BigInt((body as unknown as { deposited: string }).deposited) > 0n;
  };
  await until(booked, { everyMs: 500, timeoutMs: patienceMs, name: 'a deposit is booked' });
}

export const tokenOf = ({ decimals }: ChainSite) => 10n ** BigInt(decimals);

export interface Spending {
  site: ChainSite;
  customer: Customer;
  purse: Purse;
  /** Somebody else, who deposits for him. */
  benefactor: ChainWallet;
  random: Random;
  counts: CustomerCounts;
  stories: JobStory[];
  name: string;
  over: AbortSignal;
}

const actions = [
  ...(['deposit', 'rent', 'dust', 'withdraw', 'raise cap', 'rent', 'send permit', 'deposit', 'rent', 'exit'] as const),
  ...(['rent', 'deposit', 'by another', 'raise cap by signature', 'withdraw', 'rent', 'send permit', 'rent'] as const),
];
type Action = (typeof actions)[number];

/** Does with little money all that a customer may do with it, one after the other, until the run is over. */
export async function spendLittle(spending: Spending): Promise<void> {
  const { random, over, customer, name } = spending;
  const refusal = await rent(spending, `${name}-unpaid`);
  if (refusal !== 'insufficient_funds' && !over.aborted)
    customer.live.report('prepaid', `somebody without a deposit rented: ${refusal ?? 'nobody refused it'}`);
  let number = 0;
  // They begin in different places, so that a short run has everything.
  for (let n = random.whole(0, actions.length - 1); !over.aborted; n++) {
    const action = number === 0 ? 'deposit' : actions[n % actions.length]!;
    await act(spending, action, `${name}-${number++}`).catch((error: unknown) => {
      if (!customer.live.ended.aborted)
        customer.live.report('answers', `${name} could not ${action}: ${String(error)}`);
    });
    await sleep(random.whole(0, 1_000), undefined, { signal: over }).catch(() => undefined);
    if (customer.live.ended.aborted) return;
  }
}

async function act(spending: Spending, action: Action, key: string): Promise<void> {
  const { site, purse, random, counts, benefactor } = spending;
  const { wallet } = purse;
  const some = () => (tokenOf(site) * BigInt(random.whole(300, 3_000))) / 1_000n;
  const cap = () => purse.caps.at(-1)?.cap ?? 0n;
  switch (action) {
    case 'deposit': {
      const amount = some();
      // What he allows grows with what he deposits, or stays behind.
      const allowed = random.next() < 0.7 || cap() === 0n ? cap() + amount : cap();
      if (await deposit(site, wallet, amount, purse, allowed)) counts.deposits++;
      return;
    }
    case 'dust':
      for (let n = random.whole(1, 3); n > 0; n--)
        if (await deposit(site, wallet, tokenOf(site) / BigInt(random.whole(200, 2_000)), purse)) counts.dust++;
      return;
    case 'by another':
      // Nobody else may raise his cap with it.
      if (await deposit(site, benefactor, some(), purse, 10n ** 30n)) counts.byAnother++;
      return;
    case 'raise cap':
      purse.caps.push({ atMs: Date.now(), cap: cap() + some() });
      if (await wallet.send(callOf(site.vault, 'raiseCap', [wallet.address, cap(), '0x']))) counts.capsRaised++;
      return;
    case 'raise cap by signature':
      return await raiseBySignature(spending, cap() + some());
    case 'rent':
      return void (await rent(spending, key));
    case 'withdraw':
      return await withdrawSome(spending);
    case 'send permit':
      return await sendPermit(spending, cap() + some());
    case 'exit':
      return await leave(spending, key);
  }
}

async function signCap({ site, purse }: Spending, cap: bigint): Promise<Hex> {
  const { account, address } = purse.wallet;
  purse.caps.push({ atMs: Date.now(), cap });
  return await account.signTypedData({
    ...{ domain: vaultDomain(site.chainId, site.vault), types: vaultTypes, primaryType: 'SpendPermit' },
    message: { customer: address, cumulativeCap: cap },
  });
}

/** Gives the broker what he allows to be drawn: a settlement carries it to the vault. */
async function sendPermit(spending: Spending, cap: bigint): Promise<void> {
  const { customer, site, counts } = spending;
  const signature = await signCap(spending, cap);
  const body = { cumulative_cap: (cap * site.scale).toString(), signature };
  const reply = await insist(customer, 'POST', '/api/v1/billing/permits', body);
  if (reply.status !== 204) throw new Error(`a permit answered ${reply.status} ${reply.body.code ?? ''}`);
  counts.permits++;
}

async function raiseBySignature(spending: Spending, cap: bigint): Promise<void> {
  const { site, purse, benefactor, counts } = spending;
  const { address } = purse.wallet;
  const signature = await signCap(spending, cap);
  if (await benefactor.send(callOf(site.vault, 'raiseCap', [address, cap, signature]))) counts.capsBySignature++;
}

async function rent({ customer, random, counts, stories }: Spending, key: string): Promise<string | undefined> {
  const plan = random.pick<PaidPlan>(['cancel early', 'stay until cancelled', 'extend while it is paid, then cancel']);
  const refusal = await rentIfPaid(customer, random, { key, plan, gpuCount: random.whole(1, 2) }, stories);
  if (refusal === undefined) counts.rented++;
  else counts.refused++;
  return refusal;
}

/** Asks for everything back, rents meanwhile if he may, and then takes it, or stays after all. */
async function leave(spending: Spending, key: string): Promise<void> {
  const { site, purse, random, counts } = spending;
  const call = (name: string, args: unknown[] = []) => purse.wallet.send(callOf(site.vault, name, args));
  if (!(await call('requestExit'))) return;
  counts.exitsRequested++;
  await rent(spending, key);
  if (random.next() < 0.4) {
    if (await call('cancelExit')) counts.exitsCancelled++;
    return;
  }
  purse.hasExited = true;
  // The chain's clock runs ahead while blocks come fast, and whoever may leave and does not is drawn no more.
  while (await awaitExit(spending)) if (await call('exit', [purse.wallet.address])) counts.exits++;
}

/** @returns false when nothing is left to wait for. */
async function awaitExit({ site, purse, customer }: Spending): Promise<boolean> {
  const [, , , exitAt] = await site.read<readonly bigint[]>('customers', [purse.wallet.address]);
  if (exitAt === 0n || customer.live.ended.aborted) return false;
  const waitMs = Math.min(Number(exitAt) * 1_000 - Date.now() + 1_500, exitDelayS * 1_000);
  if (waitMs > 0) await sleep(waitMs);
  return true;
}

export const newAccount = () => privateKeyToAccount(generatePrivateKey());
