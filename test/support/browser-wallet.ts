import type { Address, Hex, LocalAccount } from 'viem';
import { newWallet } from './api.js';
import type { BrowserContext, Page } from './chromium.js';

/** A wallet as an extension puts it into every page, whose key is here. */
export interface BrowserWallet {
  name: string;
  account: LocalAccount;
  /** The chain that it is on. */
  chainId: number;
  icon?: string;
  /** It is put into the page late: it announces itself once the page's `announceLate()` is called. */
  isLate?: boolean;
  /** Its person says no to these methods. */
  refuses?: readonly string[];
  /** What happens before it answers a method: it may wait, for good, or throw a `WalletError`. */
  before?: (method: string) => Promise<void>;
  /** Signs with another key than that of the account that it names. */
  signsAs?: LocalAccount;
  /** The node that it asks, and sends to; without one it signs only. It sends on one chain, whichever it says it is on. */
  node?: string;
  /** What it offers for a unit of gas, in wei: less than the chain asks for is never mined. */
  gasPrice?: bigint;
  /** What it announces itself as, where two are to be told apart. */
  uuid?: string;
  rdns?: string;
  /** Every call that the page made. */
  asked: { method: string; params: unknown[] }[];
}

/** As EIP-1193 has it. */
export class WalletError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** A wallet on the chain 1 whose person says yes to everything, but for what the test says. */
export function browserWallet(given: Partial<BrowserWallet> = {}): BrowserWallet {
  return { name: 'Otter Wallet', account: newWallet(), chainId: 1, asked: [], ...given };
}

/** Announces wallets by EIP-6963 in every page that is opened from now on; `window.ethereum` if `isOld`. */
export async function installWallets(
  at: Page | BrowserContext,
  wallets: BrowserWallet[],
  { isOld = false } = {},
): Promise<void> {
  // A page gets no error with a code of its own over a binding, so both outcomes are values.
  await at.exposeFunction('callWallet', async (index: number, method: string, params: unknown[]) => {
    try {
      return { value: await answer(wallets[index]!, method, params) };
    } catch (error) {
      const { code, message, data } = error as WalletError & { data?: unknown };
      return { error: { code, message, ...(data === undefined ? {} : { data }) } };
    }
  });
  const shown = wallets.map(({ name, icon, isLate, rdns = 'example.wallet', uuid }, index) => ({
    uuid: uuid ?? `00000000-0000-4000-8000-00000000000${index}`,
    ...{ name, icon, rdns, isLate },
  }));
  await at.addInitScript(`(${inPage.toString()})(${JSON.stringify(shown)}, ${isOld})`);
}

async function answer(wallet: BrowserWallet, method: string, params: unknown[]): Promise<unknown> {
  wallet.asked.push({ method, params });
  await wallet.before?.(method);
  if (wallet.refuses?.includes(method) === true) throw new WalletError(4001, 'User rejected the request.');
  if (method === 'eth_requestAccounts') return [wallet.account.address];
  if (method === 'eth_chainId') return `0x${wallet.chainId.toString(16)}`;
  if (method === 'wallet_switchEthereumChain') {
    wallet.chainId = Number((params[0] as { chainId: string }).chainId);
    return null;
  }
  if (method === 'eth_accounts') return [wallet.account.address];
  if (wallet.node !== undefined && method !== 'eth_signTypedData_v4')
    return await overNode(wallet, wallet.node, method, params);
  if (method !== 'eth_signTypedData_v4') throw new WalletError(-32_601, `no ${method}`);
  const typedData = JSON.parse(params[1] as string) as Parameters<LocalAccount['signTypedData']>[0];
  // As wallets do.
  if (Number(typedData.domain?.chainId) !== wallet.chainId) throw new WalletError(-32_603, 'another chain is active');
  return await (wallet.signsAs ?? wallet.account).signTypedData(typedData);
}

/** Sends with the wallet's own key; everything else the node answers, and its errors are those of the wallet. */
async function overNode(wallet: BrowserWallet, node: string, method: string, params: unknown[]): Promise<unknown> {
  if (method !== 'eth_sendTransaction') return await askNode(node, method, params);
  const [{ to, data }] = params as [{ to: Address; data: Hex }];
  const account = wallet.account;
  const from = account.address;
  const [nonce, gas, price, chainId] = (await Promise.all([
    askNode(node, 'eth_getTransactionCount', [from, 'pending']),
    askNode(node, 'eth_estimateGas', [{ from, to, data }]),
    askNode(node, 'eth_gasPrice', []),
    askNode(node, 'eth_chainId', []),
  ])) as [Hex, Hex, Hex, Hex];
  const signed = await account.signTransaction({
    ...{ type: 'legacy', to, data, nonce: Number(nonce), gas: (BigInt(gas) * 3n) / 2n, chainId: Number(chainId) },
    gasPrice: wallet.gasPrice ?? BigInt(price) * 2n,
  });
  return await askNode(node, 'eth_sendRawTransaction', [signed]);
}

async function askNode(node: string, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(node, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = (await response.json()) as { result?: unknown; error?: { code: number; message: string } };
  if (error !== undefined) throw Object.assign(new WalletError(error.code, error.message), error);
  return result;
}

/** Runs in the page, so it is text there and uses nothing from here. */
function inPage(
  wallets: { uuid: string; name: string; icon?: string | undefined; isLate?: boolean | undefined }[],
  isOld: boolean,
): void {
  type Answer = { value: unknown } | { error: { code: number; message: string } };
  const page = globalThis as unknown as Record<string, unknown> & {
    callWallet(index: number, method: string, params: unknown[]): Promise<Answer>;
    dispatchEvent(event: Event): void;
    addEventListener(type: string, listener: () => void): void;
  };
  const providers = wallets.map((_, index) => ({
    async request({ method, params = [] }: { method: string; params?: unknown[] }) {
      const answer = await page.callWallet(index, method, params);
      if ('error' in answer) throw Object.assign(new Error(answer.error.message), answer.error);
      return answer.value;
    },
  }));
  if (isOld) {
    page['ethereum'] = providers[0];
    return;
  }
  const Announcement = page['CustomEvent'] as new (type: string, init: object) => Event;
  let isEarly = true;
  const announce = () => {
    wallets.forEach(({ isLate, ...info }, at) => {
      if (isLate === true && isEarly) return;
      const detail = { info, provider: providers[at] };
      page.dispatchEvent(new Announcement('eip6963:announceProvider', { detail }));
    });
  };
  page.addEventListener('eip6963:requestProvider', announce);
  announce();
  page['announceLate'] = () => {
    isEarly = false;
    announce();
  };
}
