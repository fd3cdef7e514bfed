import { Button, Skeleton } from '../parts/index.js';
import { useWallets } from './use-wallets.js';
import type { Wallet } from './wallets.js';

interface WalletListProps {
  /** The wallet that is being asked; the others wait. */
  asked: Wallet | undefined;
  disabled: boolean;
  onChoose(wallet: Wallet): void;
}

/** The wallets that this browser has, or how to get one. */
export function WalletList({ asked, disabled, onChoose }: WalletListProps) {
  const { wallets, lookAgain } = useWallets();
  if (wallets === undefined) return <Skeleton lines={1} height={3} />;
  if (wallets.length === 0)
    return (
      <div class="note">
        <p class="note-title">This browser shows no wallet</p>
        <p>
          Wallets are programs that keep your keys. Install one as an extension of this browser (look for “Ethereum
          wallet” in its list of extensions), or open this address in a browser that has one. A hardware wallet works
          through such an extension. Without any: <code>wl login --wallet keystore:FILE</code> in a terminal.
        </p>
        <div class="row">
          <Button size="s" onClick={lookAgain}>
            Look again
          </Button>
        </div>
      </div>
    );
  return (
    <ul class="wallet-list">
      {wallets.map((wallet, at) => (
        <li key={at}>
          <Button
            class="wallet-choice"
            busy={asked === wallet}
            disabled={disabled || (asked !== undefined && asked !== wallet)}
            onClick={() => onChoose(wallet)}
          >
            {wallet.icon === undefined ? (
              <span class="wallet-icon" aria-hidden="true" />
            ) : (
              <img class="wallet-icon" src={wallet.icon} alt="" width={24} height={24} />
            )}
            <bdi dir="ltr">{wallet.name}</bdi>
          </Button>
        </li>
      ))}
    </ul>
  );
}
