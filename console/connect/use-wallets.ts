import { useCallback, useEffect, useState } from 'preact/hooks';
import { pause } from '../../src/client/pause.js';
import { injectedWallet, listenForWallets } from './find-wallets.js';
import type { Wallet } from './wallets.js';

/** Wallets announce themselves at once; those that do not are looked for after this time. */
const announcementsMs = 300;

const found: Wallet[] = [];
const watchers = new Set<() => void>();
let isListening = false;
let injected: Wallet | undefined;

function showAll(): void {
  for (const watcher of watchers) watcher();
}

/** The wallets of this browser; undefined while they may still announce themselves. */
export function useWallets(): { wallets: readonly Wallet[] | undefined; lookAgain(): void } {
  const [wallets, setWallets] = useState<readonly Wallet[] | undefined>(found.length > 0 ? [...found] : undefined);
  useEffect(() => {
    const show = () => setWallets([...found]);
    watchers.add(show);
    listen();
    const timer = setTimeout(() => {
      addInjected();
      show();
    }, announcementsMs);
    return () => {
      clearTimeout(timer);
      watchers.delete(show);
    };
  }, []);
  const lookAgain = useCallback(() => {
    dispatchEvent(new Event('eip6963:requestProvider'));
    addInjected();
    setWallets([...found]);
  }, []);
  return { wallets, lookAgain };
}

/** The wallets of this browser, once all have had their time to announce themselves. */
export async function walletsOfBrowser(): Promise<readonly Wallet[]> {
  listen();
  if (found.length === 0) await pause(announcementsMs);
  addInjected();
  return [...found];
}

function listen(): void {
  if (isListening) return;
  isListening = true;
  listenForWallets((wallet) => {
    // It may be the one that was found without an announcement.
    if (injected !== undefined) found.splice(found.indexOf(injected), 1);
    injected = undefined;
    found.push(wallet);
    showAll();
  });
  // Browsers of phones put theirs into the page later, and say so.
  addEventListener('ethereum#initialized', () => {
    addInjected();
    showAll();
  });
}

/** A wallet that does not announce itself. */
function addInjected(): void {
  if (found.length > 0) return;
  injected = injectedWallet();
  if (injected !== undefined) found.push(injected);
}
