import { useState } from 'preact/hooks';
import { useWalletWait } from '../connect/wallet-wait.js';
import { broker, act, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { plain, Untrusted } from '../parts/index.js';
import { emptyDraft, isComplete, signAndLeave, signDraft, SignForm } from './sign-form.js';

interface SignSheetProps {
  providerId: string;
  /** For a machine that registered without a signature: it is admitted by the same one. */
  claims?: boolean;
  onClose(): void;
}

/** Lets a machine's key speak for the provider, again or for the first time. */
export function SignSheet({ providerId, claims = false, onClose }: SignSheetProps) {
  const [draft, setDraft] = useState(emptyDraft);
  const wait = useWalletWait();
  const name = plain(providerId, 60);
  const run = async () => {
    if (claims) {
      const { message, signature } = await signDraft(providerId, draft, wait);
      await act(() => broker().providers.claim(providerId, { message, signature }));
      toast(`${name} is yours: it may join now.`, 'good');
    } else {
      await signAndLeave(providerId, draft, wait);
      toast(`Signed. ${name} takes it up within minutes, without a restart.`, 'good');
    }
    refresh('machines');
  };
  return (
    <ActionDialog
      title={
        <>
          {claims ? 'Claim ' : 'Sign for '}
          <Untrusted text={providerId} max={60} />
        </>
      }
      confirm="Sign in the wallet"
      disabled={!isComplete(draft)}
      run={run}
      onClose={onClose}
    >
      <p>
        {claims
          ? 'The machine registered without a signature. With yours it may join, and its earnings are bound to your wallet for good.'
          : 'The machine needs your signature to speak for you. When it runs out, the machine is no longer heard. The agent fetches a new one by itself.'}
      </p>
      <SignForm providerId={providerId} draft={draft} wait={wait} onDraft={setDraft} />
    </ActionDialog>
  );
}
