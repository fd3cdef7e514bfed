import type { Address, Hex } from 'viem';
import { plain } from '../parts/words.js';
import { WalletRefusal } from './refusal.js';

export { WalletRefusal } from './refusal.js';

/** The part of EIP-1193 that is used here. */
export interface Eip1193Provider {
  request(call: { method: string; params?: unknown[] }): Promise<unknown>;
}

export interface Wallet {
  name: string;
  /** A `data:` URI of an image, if the wallet brings one. */
  icon?: string;
  provider: Eip1193Provider;
}

/** A person who reads what a wallet shows takes a while; after this time they may not have seen that it shows something. */
export const patienceMs = 12_000;

/** A name that none of the others has: with the domain of the wallet if one has it, else with a number. */
export function nameBeside(taken: ReadonlySet<string>, name: string, rdns: string): string {
  const longer = rdns === '' ? name : `${name} (${rdns})`;
  const numbered = (count: number): string =>
    taken.has(`${longer} ${count}`) ? numbered(count + 1) : `${longer} ${count}`;
  return [name, longer].find((each) => !taken.has(each)) ?? numbered(2);
}

/**
 * What follows throws WalletRefusal, and the reason of the signal where it was aborted by the time that the wallet has
 * answered: nothing more is asked then, and nothing is done with the answer.
 */
export async function connect({ name, provider }: Wallet, signal?: AbortSignal): Promise<Address> {
  const accounts = await ask(name, provider, { method: 'eth_requestAccounts' }, signal);
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(first)) {
    throw new WalletRefusal(`${name} names no account. Unlock it or make an account in it, then try again.`);
  }
  return first.toLowerCase() as Address;
}

/** The chain that a wallet is on; undefined if it does not say so in a usable form. */
export async function chainOf({ name, provider }: Wallet, signal?: AbortSignal): Promise<number | undefined> {
  const said = await ask(name, provider, { method: 'eth_chainId' }, signal);
  const id = typeof said === 'string' || typeof said === 'number' ? Number(said) : Number.NaN;
  return Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

/**
 * Puts a wallet on a chain: wallets refuse to sign for another one than theirs.
 *
 * @throws WalletRefusal that says which chain to choose.
 */
export async function switchChain(wallet: Wallet, chainId: number, signal?: AbortSignal): Promise<void> {
  const { name, provider } = wallet;
  const choose = `Choose the chain with the id ${chainId} in ${name}, then try again.`;
  try {
    await provider.request({
      method: 'wallet_switchEthereumChain',
      params: [{ chainId: `0x${chainId.toString(16)}` }],
    });
  } catch (error) {
    if (codeOf(error) === 4001) throw new WalletRefusal(`You kept ${name} on its chain. Nothing was signed. ${choose}`);
    throw new WalletRefusal(
      `${name} did not change to the chain that this broker accepts. ${choose} If it is not in its list, add it there first.`,
    );
  }
  signal?.throwIfAborted();
  if ((await chainOf(wallet, signal)) !== chainId)
    throw new WalletRefusal(`${name} is still on another chain. ${choose}`);
}

/** @param typedData with the type of its domain; integers may be bigints. */
export async function sign(
  { name, provider }: Wallet,
  account: Address,
  typedData: object,
  signal?: AbortSignal,
): Promise<Hex> {
  const text = JSON.stringify(typedData, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  const signature = await ask(name, provider, { method: 'eth_signTypedData_v4', params: [account, text] }, signal);
  if (typeof signature !== 'string' || !/^0x(?:[0-9a-fA-F]{2}){1,8192}$/.test(signature)) {
    throw new WalletRefusal(`${name} answered something that is no signature. Try another wallet.`);
  }
  return signature as Hex;
}

async function ask(
  name: string,
  provider: Eip1193Provider,
  call: Parameters<Eip1193Provider['request']>[0],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    return await provider.request(call);
  } catch (error) {
    throw new WalletRefusal(refusalInWords(name, error));
  } finally {
    signal?.throwIfAborted();
  }
}

/** What to do about a wallet that has not answered for long. */
export function silenceInWords(name: string): string {
  return `${name} has not answered yet. Look for its window, its icon beside the address bar, or its app: it may be locked, or wait for you there.`;
}

/** What a wallet did not do, as a sentence for the person at the screen. */
export function refusalInWords(name: string, error: unknown): string {
  const code = codeOf(error);
  if (code === 4001 || code === 'ACTION_REJECTED')
    return `You said no in ${name}. Nothing was signed, and nothing was sent.`;
  if (code === -32_002) return `${name} already asks you something. Open it and answer there, then try again.`;
  if (code === 4100) return `${name} does not let this page use that account. Allow it in ${name}, then try again.`;
  if (code === 4900 || code === 4901)
    return `${name} has no connection to its chain. Open it and wait until it has, or choose another chain in it, then try again.`;
  if (code === 4200 || code === -32_601) return `${name} cannot sign messages of this form. Try another wallet.`;
  const said = plain((error as { message?: unknown } | null)?.message, 160);
  return `${name} did not do it${said === '' ? '.' : `: ${said}`} Nothing was signed.`;
}

interface WalletFailure {
  code?: unknown;
  cause?: WalletFailure | null;
  data?: { originalError?: WalletFailure | null } | null;
}

/** Wallets wrap what happened in a failure of their own, with its reason inside. */
function codeOf(error: unknown): unknown {
  const { code, cause, data } = (error ?? {}) as WalletFailure;
  const isGeneral = code === undefined || code === -32_603 || code === -32_000;
  return isGeneral ? (data?.originalError?.code ?? cause?.code ?? code) : code;
}
