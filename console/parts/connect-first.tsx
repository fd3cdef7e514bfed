import { requireLogin } from '../live/asks.js';
import { Button } from './button.js';
import { Empty } from './waiting.js';

/** In place of what only a wallet's owner sees: `<ConnectFirst what="Your jobs" />`. */
export function ConnectFirst({ what }: { what: string }) {
  return (
    <Empty
      title={`${what} are shown to your wallet`}
      action={
        <Button kind="main" onClick={() => void requireLogin()}>
          Connect wallet
        </Button>
      }
    >
      Your wallet signs once. You say how much this browser may spend, and nothing can move funds from it.
    </Empty>
  );
}
