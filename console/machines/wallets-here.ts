import { signal } from '@preact/signals';
import { injectedWallet, listenForWallets, type Wallet } from '../connect/wallets.js';

/** Wallets announce themselves at once; those that do not are looked for after this time. */
const announcementsMs = 300;

/** The wallets of this browser, as they announce themselves; empty while none has. */
export const walletsHere = signal<readonly Wallet[]>([]);
/** Whether it is known by now that there is none. */
export const hasNoWallet = signal(false);

let isListening = false;

export function lookForWallets(): void {
  if (isListening) return;
  isListening = true;
  listenForWallets((wallet) => {
    hasNoWallet.value = false;
    walletsHere.value = [...walletsHere.value, wallet];
  });
  setTimeout(() => {
    const injected = walletsHere.value.length === 0 ? injectedWallet() : undefined;
    if (injected !== undefined) walletsHere.value = [injected];
    hasNoWallet.value = walletsHere.value.length === 0;
  }, announcementsMs);
}
