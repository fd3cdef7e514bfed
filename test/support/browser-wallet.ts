import type { LocalAccount } from 'viem';
import { newWallet } from './api.js';
import type { Tab } from './chromium.js';

/** A wallet as an extension puts it into every page, whose key is here. */
export interface BrowserWallet {
  name: string;
  account: LocalAccount;
  /** The chain that it is on. */
  chainId: number;
  icon?: string;
  /** Its person says no to these methods. */
  refuses?: readonly string[];
  /** Every call that the page made. */
  asked: { method: string; params: unknown[] }[];
}

/** As EIP-1193 has it. */
class WalletError extends Error {
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

/** Announces wallets by EIP-6963 in every page that the tab opens from now on; `window.ethereum` if `isOld`. */
export async function installWallets(tab: Tab, wallets: BrowserWallet[], { isOld = false } = {}): Promise<void> {
  await tab.send('Runtime.addBinding', { name: 'callWallet' });
  tab.on('Runtime.bindingCalled', ({ name, payload }) => {
    if (name !== 'callWallet') return;
    const { id, index, method, params } = JSON.parse(payload as string) as {
      id: number;
      index: number;
      method: string;
      params: unknown[];
    };
    void answer(wallets[index]!, method, params)
      .then(
        (value) => tab.evaluate(`answerWallet(${id}, true, ${JSON.stringify(value)})`),
        ({ code, message }: WalletError) =>
          tab.evaluate(`answerWallet(${id}, false, ${JSON.stringify({ code, message })})`),
      )
      .catch(() => undefined);
  });
  const shown = wallets.map(({ name, icon }, at) => ({ uuid: `00000000-0000-4000-8000-00000000000${at}`, name, icon }));
  await tab.send('Page.addScriptToEvaluateOnNewDocument', {
    source: `(${inPage.toString()})(${JSON.stringify(shown)}, ${isOld})`,
  });
}

async function answer(wallet: BrowserWallet, method: string, params: unknown[]): Promise<unknown> {
  wallet.asked.push({ method, params });
  if (wallet.refuses?.includes(method) === true) throw new WalletError(4001, 'User rejected the request.');
  if (method === 'eth_requestAccounts') return [wallet.account.address];
  if (method === 'eth_chainId') return `0x${wallet.chainId.toString(16)}`;
  if (method === 'wallet_switchEthereumChain') {
    wallet.chainId = Number((params[0] as { chainId: string }).chainId);
    return null;
  }
  if (method !== 'eth_signTypedData_v4') throw new WalletError(-32_601, `no ${method}`);
  const typedData = JSON.parse(params[1] as string) as Parameters<LocalAccount['signTypedData']>[0];
  // As wallets do.
  if (Number(typedData.domain?.chainId) !== wallet.chainId) throw new WalletError(-32_603, 'another chain is active');
  return await wallet.account.signTypedData(typedData);
}

/** Runs in the page, so it is text there and uses nothing from here. */
function inPage(wallets: { uuid: string; name: string; icon?: string }[], isOld: boolean): void {
  const page = globalThis as unknown as Record<string, unknown> & {
    callWallet(text: string): void;
    dispatchEvent(event: Event): void;
    addEventListener(type: string, listener: () => void): void;
  };
  const waiting = new Map<number, [(value: unknown) => void, (error: unknown) => void]>();
  let last = 0;
  page['answerWallet'] = (id: number, isGood: boolean, value: unknown) => waiting.get(id)?.[isGood ? 0 : 1](value);
  const providers = wallets.map((_, index) => ({
    request: ({ method, params = [] }: { method: string; params?: unknown[] }) =>
      new Promise((resolve, reject) => {
        waiting.set((last += 1), [resolve, reject]);
        page.callWallet(JSON.stringify({ id: last, index, method, params }));
      }),
  }));
  if (isOld) {
    page['ethereum'] = providers[0];
    return;
  }
  const Announcement = page['CustomEvent'] as new (type: string, init: object) => Event;
  const announce = () => {
    wallets.forEach((info, at) => {
      const detail = { info: { rdns: 'example.wallet', ...info }, provider: providers[at] };
      page.dispatchEvent(new Announcement('eip6963:announceProvider', { detail }));
    });
  };
  page.addEventListener('eip6963:requestProvider', announce);
  announce();
}
