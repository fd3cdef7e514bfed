import { encodeFunctionData, getAddress, isAddress, parseAbi, type Address, type Hex } from 'viem';
import { rentalVaultAbi } from '../../chain/rental-vault-abi.js';
import { usage } from '../failure.js';

/** What the commands send, each made here from what its person asked for. */
export interface Call {
  what: 'approve' | 'deposit' | 'raiseCap' | 'withdraw' | 'requestExit' | 'cancelExit' | 'exit' | 'withdrawEarnings';
  to: Address;
  data: Hex;
  /** As a person reads it. */
  words: string;
}

const erc20Abi = parseAbi(['function approve(address spender, uint256 amount) returns (bool)']);

/** Exactly what is deposited: never more, so that nothing is left for the vault to take later. */
export function approveCall(token: Address, vault: Address, amount: bigint): Call {
  const data = encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args: [vault, amount] });
  return { what: 'approve', to: token, data, words: amount === 0n ? 'take back an old approval' : 'approve' };
}

export function depositCall(vault: Address, deposit: { customer: Address; amount: bigint; cap: bigint }): Call {
  const args = [deposit.customer, deposit.amount, deposit.cap] as const;
  return ofVault(
    vault,
    'deposit',
    'deposit',
    encodeFunctionData({ abi: rentalVaultAbi, functionName: 'deposit', args }),
  );
}

/** By the customer himself, who needs no signature: for wallets that are contracts. */
export function raiseCapCall(vault: Address, customer: Address, cap: bigint): Call {
  const args = [customer, cap, '0x'] as const;
  const data = encodeFunctionData({ abi: rentalVaultAbi, functionName: 'raiseCap', args });
  return ofVault(vault, 'raiseCap', 'raise the cap', data);
}

export interface Permitted {
  to: Address;
  cumulative: bigint;
  /** Seconds since 1970. */
  deadline: bigint;
  signature: Hex;
}

export function withdrawCall(vault: Address, { to, cumulative, deadline, signature }: Permitted): Call {
  const args = [to, cumulative, deadline, signature] as const;
  return ofVault(
    vault,
    'withdraw',
    'withdraw',
    encodeFunctionData({ abi: rentalVaultAbi, functionName: 'withdraw', args }),
  );
}

export function requestExitCall(vault: Address): Call {
  const data = encodeFunctionData({ abi: rentalVaultAbi, functionName: 'requestExit' });
  return ofVault(vault, 'requestExit', 'request the exit', data);
}

export function cancelExitCall(vault: Address): Call {
  const data = encodeFunctionData({ abi: rentalVaultAbi, functionName: 'cancelExit' });
  return ofVault(vault, 'cancelExit', 'cancel the exit', data);
}

export function exitCall(vault: Address, to: Address): Call {
  const data = encodeFunctionData({ abi: rentalVaultAbi, functionName: 'exit', args: [to] });
  return ofVault(vault, 'exit', 'take everything out', data);
}

export function withdrawEarningsCall(vault: Address, to: Address): Call {
  const data = encodeFunctionData({ abi: rentalVaultAbi, functionName: 'withdrawEarnings', args: [to] });
  return ofVault(vault, 'withdrawEarnings', 'take the earnings out', data);
}

function ofVault(vault: Address, what: Call['what'], words: string, data: Hex): Call {
  return { what, to: vault, data, words };
}

/**
 * An address as its person typed it, in lower case. One with capitals has to have them where its checksum says.
 *
 * @param flag for the error.
 */
export function addressOf(text: string, flag: string): Address {
  if (!isAddress(text, { strict: false })) throw usage(`${flag} takes an address: 0x and 40 hex digits`);
  const isMixed = /[a-f]/.test(text.slice(2)) && /[A-F]/.test(text.slice(2));
  if (isMixed && getAddress(text) !== text) {
    throw usage(`${flag}: a letter of this address is wrong: its capitals do not fit it`, 'copy it again');
  }
  const address = text.toLowerCase() as Address;
  if (/^0x0{40}$/.test(address)) throw usage(`${flag}: nobody has the address of zeros`);
  return address;
}
