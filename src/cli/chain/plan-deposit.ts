import type { Address } from 'viem';
import { exitCodes, Failure, usage } from '../failure.js';
import { unitsText, vaultLines } from './agree.js';
import { approveCall, depositCall, type Call } from './calls.js';
import type { FoundVault } from './named-vault.js';
import { chainNowS, readInVault, readTokenOf, type InVault } from './vault.js';

export interface PlannedDeposit {
  wallet: Address;
  /** Units of the token. */
  amount: bigint;
  /** What jobs may draw in all; absent: as much as is there then. */
  cap: bigint | undefined;
  /** The cap that the broker has a signature for already. */
  signedCap: bigint;
  /** What the broker books by itself. */
  least: bigint;
}

/**
 * What a deposit takes: an approval of exactly its amount, unless there is one, and the deposit with the new cap.
 *
 * @throws Failure if the vault would refuse it, or the wallet has too little.
 */
export async function planDeposit({ node, vault }: FoundVault, asked: PlannedDeposit) {
  const { wallet, amount } = asked;
  const [inVault, ofToken, nowS] = [
    await readInVault(node, vault, wallet),
    await readTokenOf(node, vault, wallet),
    await chainNowS(node),
  ];
  if (nowS < vault.pausedUntilS) {
    const until = new Date(vault.pausedUntilS * 1_000).toISOString().slice(0, 16);
    throw new Failure(
      exitCodes.notRunning,
      `the vault is paused by its guardian until ${until}Z: it takes no deposits`,
    );
  }
  if (inVault.exitAtS !== 0) {
    throw usage(
      'the wallet has asked for everything back, so no job takes its money',
      'wl exit --cancel, and then again',
    );
  }
  if (ofToken.balance < amount) {
    const has = unitsText(ofToken.balance, vault);
    throw new Failure(exitCodes.money, `the wallet has ${has}, and ${unitsText(amount, vault)} are to be deposited`);
  }
  const cap = newCap(inVault, asked, (units) => unitsText(units, vault));
  const calls: Call[] = [
    ...approvals(vault, ofToken.allowance, amount),
    depositCall(vault.address, { customer: wallet, amount, cap }),
  ];
  const drawn = inVault.spent === 0n ? '' : `, ${unitsText(inVault.spent, vault)} of it are drawn already`;
  const lines: (readonly [string, string])[] = [
    ...vaultLines(vault),
    ['wallet', `${wallet} has ${unitsText(ofToken.balance, vault)}`],
    ['deposit', `${unitsText(amount, vault)}; the vault has ${unitsText(inVault.balance, vault)} of yours now`],
    ['cap', `jobs may draw ${unitsText(cap, vault)} in all${drawn}`],
  ];
  if (inVault.balance + amount < asked.least) {
    lines.push(['', `deposits are booked once they come to ${unitsText(asked.least, vault)}: this one waits for more`]);
  }
  return { calls, lines, cap };
}

/** Some tokens refuse to change an approval that is not used up: it is taken back first. */
function approvals({ token, address }: FoundVault['vault'], allowance: bigint, amount: bigint): Call[] {
  if (allowance >= amount) return [];
  const approve = approveCall(token.address, address, amount);
  return allowance === 0n ? [approve] : [approveCall(token.address, address, 0n), approve];
}

/** Caps are totals and only go up. Without one, all that is deposited may be drawn, and not a unit more. */
function newCap(
  { balance, spent, cap: before }: InVault,
  { amount, cap, signedCap }: PlannedDeposit,
  text: (units: bigint) => string,
): bigint {
  const present = signedCap > before ? signedCap : before;
  if (cap !== undefined) return requireHigher(cap, present, text);
  const all = spent + balance + amount;
  return all > present ? all : present;
}

/** @throws Failure for a cap below the present one. */
export function requireHigher(cap: bigint, present: bigint, text: (units: bigint) => string): bigint {
  if (cap >= present) return cap;
  throw usage(
    `the cap is ${text(present)} in all already, and what was allowed cannot be taken back`,
    'a cap is what all jobs may draw together since the beginning; wl exit takes out what is left',
  );
}
