import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { loginFailure } from '../connect/failure.js';
import { WalletList } from '../connect/wallet-list.js';
import { useWalletWait, WaitingFor } from '../connect/wallet-wait.js';
import { WalletRefusal, type Wallet } from '../connect/wallets.js';
import { login, site } from '../live/index.js';
import { Dialog } from '../parts/index.js';
import type { Action, VaultPlace } from './actions.js';
import { NodeRefusal, type ChainReads } from './chain-reads.js';
import { ActionRefusal, kept, mined } from './following.js';
import { onChain, sendAction, type Asking } from './send-action.js';

interface ActionSheetProps {
  title: string;
  place: VaultPlace;
  /** What the wallet is to send, in this order; each has to be in a block before the next is asked for. */
  plan(reads: ChainReads, wallet: Wallet, asking: Asking): Promise<readonly Action[]>;
  /** What is done instead of sending, such as signing; the sheet closes after it. */
  instead?: ((wallet: Wallet, asking: Asking) => Promise<void>) | undefined;
  /** Something that is needed is missing still. */
  disabled?: boolean;
  onDone(): void;
  onClose(): void;
  children: ComponentChildren;
}

/** Says what is about to be done, and has the wallet that is chosen do it. */
export function ActionSheet(props: ActionSheetProps) {
  const { title, place, plan, instead, disabled = false, onDone, onClose, children } = props;
  const [asked, setAsked] = useState<Wallet>();
  const [said, setSaid] = useState('');
  const [failure, setFailure] = useState('');
  const wait = useWalletWait();
  const go = async (wallet: Wallet) => {
    setAsked(wallet);
    setFailure('');
    const owner = login.peek()?.wallet.toLowerCase() ?? '';
    try {
      await wait.ask(wallet.name, async (signal) => {
        const asking = { owner, place, say: setSaid, signal };
        if (instead !== undefined) await instead(wallet, asking);
        else await sendAll(wallet, plan, asking);
      });
      onDone();
      onClose();
    } catch (error) {
      setFailure(sentenceOf(error));
      setSaid('');
      setAsked(undefined);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <div class="stack tight">
        <h3>Which wallet does it?</h3>
        <WalletList asked={asked} disabled={disabled} onChoose={(wallet) => void go(wallet)} />
      </div>
      <WaitingFor of={wait} said={said} />
      {failure !== '' && (
        <p class="note tone-bad" role="alert">
          <bdi dir="ltr">{failure}</bdi>
        </p>
      )}
    </Dialog>
  );
}

async function sendAll(wallet: Wallet, plan: ActionSheetProps['plan'], asking: Asking): Promise<void> {
  const reads = await onChain(wallet, asking);
  const actions = await plan(reads, wallet, asking);
  for (const [at, action] of actions.entries()) {
    const id = await sendAction(wallet, reads, action, asking);
    if (at === actions.length - 1) return;
    asking.say('Waiting until that is in a block; then your wallet is asked once more.');
    await mined(id, asking.signal);
    kept.drop(id);
  }
}

/** Wallets, nodes and the page itself fail with a sentence for the person. */
function sentenceOf(error: unknown): string {
  if (error instanceof ActionRefusal || error instanceof NodeRefusal || error instanceof WalletRefusal)
    return error.message;
  return loginFailure(error, { smartWallets: site.peek()?.auth.smart_wallets === true }).text;
}
