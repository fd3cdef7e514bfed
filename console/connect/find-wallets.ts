import { plain } from '../parts/words.js';
import { nameBeside, type Eip1193Provider, type Wallet } from './wallets.js';

const maxIconCharacters = 200_000;
/** Nobody has more; an extension that announces without end is not to fill the page. */
const mostWallets = 20;
const imageUri = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/;

/**
 * Calls `found` for each wallet that announces itself by EIP-6963, now or later, once each. A wallet is its provider:
 * two may announce themselves with one uuid or one name, and neither is to hide the other.
 *
 * @param known providers that are listed already.
 */
export function listenForWallets(found: (wallet: Wallet) => void, known = new Set<unknown>()): void {
  const names = new Set<string>();
  addEventListener('eip6963:announceProvider', (event) => {
    const { info, provider } = ((event as CustomEvent).detail ?? {}) as {
      info?: { name?: unknown; rdns?: unknown; icon?: unknown };
      provider?: Eip1193Provider;
    };
    if (info === undefined || typeof provider?.request !== 'function') return;
    if (known.has(provider) || names.size >= mostWallets) return;
    known.add(provider);
    const name = nameBeside(names, plain(info.name, 40) || 'A wallet without a name', plain(info.rdns, 60));
    names.add(name);
    const { icon } = info;
    const isImage = typeof icon === 'string' && icon.length <= maxIconCharacters && imageUri.test(icon);
    found({ name, provider, ...(isImage ? { icon } : {}) });
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
