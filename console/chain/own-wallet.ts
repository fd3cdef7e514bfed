import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { pause } from '../../src/client/pause.js';
import { useWallets, walletsOfBrowser } from '../connect/use-wallets.js';
import type { Wallet } from '../connect/wallets.js';
import { login } from '../live/index.js';

/** The wallet of this browser that has the account of the login: what is on the chain is read over it. */
export const ownWallet = signal<{ wallet: Wallet; account: string } | undefined>(undefined);

/** It has named that account, so it may be asked again without a click. */
export function rememberWallet(wallet: Wallet, account: string): void {
  ownWallet.value = { wallet, account };
}

/** Looks for the wallet of the login without a window: wallets name the accounts that a page may see already. */
export function useOwnWallet(): Wallet | undefined {
  const account = login.value?.wallet.toLowerCase();
  const { wallets } = useWallets();
  useEffect(() => {
    if (account === undefined || wallets === undefined || ownWallet.peek()?.account === account) return undefined;
    let isHere = true;
    void findWallet(wallets, account).then((wallet) => {
      if (isHere && wallet !== undefined && ownWallet.peek()?.account !== account) rememberWallet(wallet, account);
    });
    return () => {
      isHere = false;
    };
  }, [account, wallets]);
  const own = ownWallet.value;
  return own !== undefined && own.account === account ? own.wallet : undefined;
}

/** Wallets name accounts at once, as they ask nobody: what takes longer is not waited for. */
const namedWithinMs = 5_000;

/** The wallet of the login, for a click that may come before the wallets have named their accounts. */
export async function ownWalletNow(): Promise<Wallet | undefined> {
  const account = login.peek()?.wallet.toLowerCase();
  if (account === undefined) return undefined;
  const own = ownWallet.peek();
  if (own?.account === account) return own.wallet;
  const looked = walletsOfBrowser().then((wallets) => findWallet(wallets, account));
  return await Promise.race([looked, pause(namedWithinMs).then(() => undefined)]);
}

async function findWallet(wallets: readonly Wallet[], account: string): Promise<Wallet | undefined> {
  for (const wallet of wallets) {
    const accounts = await wallet.provider.request({ method: 'eth_accounts' }).catch(() => []);
    const has = (each: unknown) => typeof each === 'string' && each.toLowerCase() === account;
    if (Array.isArray(accounts) && accounts.some(has)) return wallet;
  }
  return undefined;
}
