import type { Address, Hex } from 'viem';
import { plain } from '../parts/words.js';
import { WalletRefusal } from './refusal.js';

export { WalletRefusal } from './refusal.js';

/** The part of EIP-1193 that is used here. */
interface Eip1193Provider {
  request(call: { method: string; params?: unknown[] }): Promise<unknown>;
}

export interface Wallet {
  name: string;
  /** A `data:` URI of an image, if the wallet brings one. */
  icon?: string;
  provider: Eip1193Provider;
}

const maxIconCharacters = 200_000;
const imageUri = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/;

/** Calls `found` for each wallet that announces itself by EIP-6963, now or later, once each. */
export function listenForWallets(found: (wallet: Wallet) => void): void {
  const known = new Set<unknown>();
  addEventListener('eip6963:announceProvider', (event) => {
    const { info, provider } = ((event as CustomEvent).detail ?? {}) as {
      info?: { uuid?: unknown; name?: unknown; icon?: unknown };
      provider?: Eip1193Provider;
    };
    if (info === undefined || typeof provider?.request !== 'function' || known.has(info.uuid)) return;
    known.add(info.uuid);
    const { icon } = info;
    const isImage = typeof icon === 'string' && icon.length <= maxIconCharacters && imageUri.test(icon);
    found({ name: plain(info.name, 40) || 'A wallet without a name', provider, ...(isImage ? { icon } : {}) });
  });
  dispatchEvent(new Event('eip6963:requestProvider'));
}

/** The wallet of a browser whose wallet does not announce itself. */
export function injectedWallet(): Wallet | undefined {
  const { ethereum } = window as unknown as { ethereum?: Eip1193Provider };
  return typeof ethereum?.request === 'function'
    ? { name: 'The wallet of this browser', provider: ethereum }
    : undefined;
}

/** @throws WalletRefusal */
export async function connect({ name, provider }: Wallet): Promise<Address> {
  const accounts = await ask(name, provider, 'eth_requestAccounts');
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(first)) {
    throw new WalletRefusal(`${name} names no account. Unlock it or make an account in it, then try again.`);
  }
  return first.toLowerCase() as Address;
}

/** The chain that a wallet is on; undefined if it does not say so in a usable form. */
export async function chainOf({ name, provider }: Wallet): Promise<number | undefined> {
  const said = await ask(name, provider, 'eth_chainId');
  const id = typeof said === 'string' || typeof said === 'number' ? Number(said) : Number.NaN;
  return Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

/**
 * Puts a wallet on a chain: wallets refuse to sign for another one than theirs.
 *
 * @throws WalletRefusal that says which chain to choose.
 */
export async function switchChain(wallet: Wallet, chainId: number): Promise<void> {
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
  if ((await chainOf(wallet)) !== chainId) throw new WalletRefusal(`${name} is still on another chain. ${choose}`);
}

/**
 * @param typedData with the type of its domain; integers may be bigints.
 * @throws WalletRefusal
 */
export async function sign({ name, provider }: Wallet, account: Address, typedData: object): Promise<Hex> {
  const text = JSON.stringify(typedData, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  const signature = await ask(name, provider, 'eth_signTypedData_v4', [account, text]);
  if (typeof signature !== 'string' || !/^0x(?:[0-9a-fA-F]{2}){1,8192}$/.test(signature)) {
    throw new WalletRefusal(`${name} answered something that is no signature. Try another wallet.`);
  }
  return signature as Hex;
}

async function ask(name: string, provider: Eip1193Provider, method: string, params?: unknown[]): Promise<unknown> {
  try {
    return await provider.request({ method, ...(params === undefined ? {} : { params }) });
  } catch (error) {
    throw new WalletRefusal(refusalInWords(name, error));
  }
}

function refusalInWords(name: string, error: unknown): string {
  const code = codeOf(error);
  if (code === 4001) return `You said no in ${name}. Nothing was signed, and nothing was sent.`;
  if (code === -32_002) return `${name} already asks you something. Open it and answer there, then try again.`;
  if (code === 4100) return `${name} does not let this page use that account. Allow it in ${name}, then try again.`;
  if (code === 4200 || code === -32_601) return `${name} cannot sign messages of this form. Try another wallet.`;
  const said = plain((error as { message?: unknown } | null)?.message, 160);
  return `${name} did not do it${said === '' ? '.' : `: ${said}`} Nothing was signed.`;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
